"""Variables under an app's own names: `POSTGRES_SERVER = "${db.host}"`."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.masked import Masked, revealed
from fairway.core.problem import Problems
from fairway.core.spec.mentions import Mention, escaped, is_open, mentions, pieces, said_alone
from fairway.core.spec.parse import parse
from fairway.core.spec.variables import Addresses, variables
from tests.properties import examples

SHOP = """
app = "shop"

[service.web]
asgi = "shop:app"
uses = ["db", "cache", "files", "SESSION_KEY", "api"]
variables = { NAME = 'TEXT' }

[service.api]
asgi = "shop:api"
uses = ["db"]

[job.nightly]
command = "python -m shop.nightly"

[database.db]
[cache.cache]
[bucket.files]
[secret.SESSION_KEY]
"""
ADDRESSES = Addresses(
    databases={
        "db": Masked("postgresql://us%20er:p%40ss@db.internal:5433/shop_db?sslmode=require")
    },
    caches={"cache": Masked("rediss://:c%2Fp@cache.internal/0")},
    buckets={"files": "shop-files"},
    services={"api": "http://127.0.0.1:8001"},
    secrets={"SESSION_KEY": Masked("hunter2")},
    s3_endpoint="http://127.0.0.1:9000",
)


def given_to(
    node: str,
    text: str = "",
    more: str = "",
    environment: str = "local",
    addresses: Addresses = ADDRESSES,
) -> Mapping[str, str | Masked]:
    app = parse(SHOP.replace("TEXT", text) + more).app(environment)
    owner = app.services.get(node) or app.jobs[node]
    return variables(app, owner, addresses)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${db.host}", "db.internal"),
        ("${db.port}", "5433"),
        ("${db.user}", "us er"),
        ("${db.password}", "p@ss"),
        ("${db.name}", "shop_db"),
        ("${db.url}", ADDRESSES.databases["db"]),
        ("${cache.host}", "cache.internal"),
        ("${cache.port}", "6379"),
        ("${cache.password}", "c/p"),
        ("${cache.url}", "rediss://:c%2Fp@cache.internal/0"),
        ("${files.name}", "shop-files"),
        ("${files.endpoint}", "http://127.0.0.1:9000"),
        ("${api.url}/v1", "http://127.0.0.1:8001/v1"),
        ("${api.host}:${api.port}", "127.0.0.1:8001"),
        ("${SESSION_KEY}", "hunter2"),
        ("$${db.host} costs 5$", "${db.host} costs 5$"),
        ("host=${db.host} password=${db.password}", "host=db.internal password=p@ss"),
    ],
)
@pytest.mark.requirement("R57")
def test_a_variable_holds_the_part_that_it_names(text: str, expected: str | Masked) -> None:
    value = expected.reveal() if isinstance(expected, Masked) else expected
    assert revealed(given_to("web", text))["NAME"] == value


@pytest.mark.requirement("R57")
def test_inside_a_url_a_part_is_percent_encoded() -> None:
    text = "postgresql+asyncpg://${db.user}:${db.password}@${db.host}:${db.port}/${db.name}"
    expected = "postgresql+asyncpg://us%20er:p%40ss@db.internal:5433/shop_db"
    assert revealed(given_to("web", text))["NAME"] == expected


@pytest.mark.requirement("R72")
@pytest.mark.parametrize(
    "text", ["${db.password}", "${db.url}", "x${cache.password}", "${SESSION_KEY}-${db.host}"]
)
def test_what_holds_a_password_is_shown_nowhere(text: str) -> None:
    assert str(given_to("web", text)["NAME"]) == "***"
    assert isinstance(given_to("web", "${db.host}:${db.port}")["NAME"], str)


def test_an_address_of_the_file_s_own_that_lacks_the_part_is_a_problem() -> None:
    addresses = Addresses(**{
        name: getattr(ADDRESSES, name) for name in ("caches", "buckets", "services", "secrets")
    }, databases={"db": "postgresql:///shop"})  # fmt: skip
    with pytest.raises(Problems, match="its address has no host"):
        given_to("web", "${db.host}", addresses=addresses)


def test_a_variable_of_the_app_counts_for_the_nodes_that_use_all_it_names() -> None:
    more = '[variables]\nDB_HOST = "${db.host}"\nBOTH = "${db.host} ${cache.host}"\nLEVEL = 1\n'
    assert {"DB_HOST", "BOTH", "LEVEL"} <= given_to("web", more=more).keys()
    assert {"DB_HOST", "BOTH", "LEVEL"} & given_to("api", more=more).keys() == {"DB_HOST", "LEVEL"}
    assert {"DB_HOST", "BOTH", "LEVEL"} & given_to("nightly", more=more).keys() == {"LEVEL"}


def test_what_an_environment_lays_over_the_app_s_table_is_the_app_s_too() -> None:
    more = '[environment.staging.variables]\nDB_HOST = "${db.host}"\n'
    assert "DB_HOST" in given_to("api", more=more, environment="staging")
    assert "DB_HOST" not in given_to("nightly", more=more, environment="staging")


@pytest.mark.requirement("R66")
def test_where_a_cache_is_off_what_names_it_falls_away_and_a_note_says_so() -> None:
    assert "NAME" not in given_to("web", "${cache.url}", environment="dev")
    assert "NAME" in given_to("web", "${cache.url}")
    (note,) = parse(SHOP.replace("TEXT", "${cache.url}")).noted["dev"]
    assert note.what == 'NAME is not set: the cache "cache" is off.'
    assert "enabled = true in [cache.cache]" in note.mend


def test_what_names_a_node_that_is_switched_off_falls_away_with_its_edge() -> None:
    more = "[environment.staging]\ndatabase.db = false\n"
    assert "NAME" not in given_to("web", "${db.host}", more, "staging")


def test_a_password_that_is_only_named_does_not_look_like_a_secret_in_git() -> None:
    text = SHOP.replace("NAME", "DB_PASSWORD")
    assert not parse(text.replace("TEXT", "${db.password}")).noted["local"]
    assert parse(text.replace("TEXT", "x")).noted["local"]


def test_what_is_named_is_known_before_anything_runs() -> None:
    assert pieces("a${db.host}b$${c}") == ("a", Mention("db", "host"), "b${c}")
    assert mentions("${K}${db.url}${K}") == (Mention("K"), Mention("db", "url"))
    assert said_alone({"A": "x$${y}", "B": "${db.host}"}) == {"A": "x${y}"}
    assert str(Mention("db", "host")) + str(Mention("K")) == "${db.host}${K}"


@given(st.text(alphabet="${}ab.") | st.text())
@examples(100)
def test_a_text_that_is_escaped_names_nothing_and_is_itself_again(text: str) -> None:
    assert not is_open(escaped(text))
    assert "".join(map(str, pieces(escaped(text)))) == text
    assert not mentions(escaped(text))


def test_a_worker_names_parts_as_a_service_does() -> None:
    worker = '[worker.mail]\ncommand = "mail"\nuses = ["cache"]\nvariables = {{ URL = "{}" }}\n'
    shared = '[variables]\nCELERY_BROKER_URL = "${cache.url}"\nDB_HOST = "${db.host}"\n'
    more = worker.format("${cache.url}") + shared
    (mail,) = parse(SHOP + more).app().workers.values()
    assert sorted(mail.variables) == ["CELERY_BROKER_URL", "URL"]
    with pytest.raises(Problems, match='"mail" does not use "db"'):
        parse(SHOP + worker.format("${db.host}"))
