"""What a service or a job finds in its environment."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given

import fairway
from fairway.core.masked import Masked, revealed
from fairway.core.problem import Problems
from fairway.core.spec.model import App, Job, Service
from fairway.core.spec.parse import parse
from fairway.core.spec.variables import Addresses, variables
from fairway.core.spec.variables_reference import EDGES, ENVIRONMENT, RUNTIME, variables_reference
from fairway_runtime import contract
from tests.core.spec.app_texts import app_trees, written
from tests.properties import examples

SHOP = """
app = "shop"

[service.web]
asgi = "shop:app"
uses = ["db", "store", "files", "SESSION_KEY", "api"]
timeouts = { request = "90s", drain = "1500ms" }
limits.body = "1 MiB"

[service.api]
asgi = "shop:api"
uses = ["db", "archive", "store", "pages", "files", "reports"]

[job.nightly]
command = "python -m shop.nightly"
uses = ["files"]

[job.alone]
command = "python -m shop.alone"

[database.db]
[database.archive]
[cache.store]
[cache.pages]
[bucket.files]
[bucket.reports]
[secret.SESSION_KEY]
[secret.UNUSED]
"""
ADDRESSES = Addresses(
    databases={
        "db": Masked("postgresql://shop:pw@127.0.0.1:5432/shop_db"),
        "archive": Masked("postgresql://shop:pw@127.0.0.1:5432/shop_archive"),
    },
    caches={
        "store": Masked("redis://:pw@127.0.0.1:6379/0"),
        "pages": Masked("redis://:pw@127.0.0.1:6380/0"),
    },
    buckets={"files": "shop-files", "reports": "shop-reports"},
    services={"api": "http://127.0.0.1:8001", "web": "http://127.0.0.1:8000"},
    secrets={"SESSION_KEY": Masked("hunter2"), "UNUSED": Masked("hunter3")},
    s3_endpoint="http://127.0.0.1:9000",
    s3_region="us-east-1",
    s3_access_key="key",
    s3_secret_key=Masked("hunter4"),
)


def node(app: App, name: str) -> Service | Job:
    found = app.node(name)
    assert isinstance(found, Service | Job)
    return found


def given_to(
    name: str, environment: str = "local", text: str = SHOP, addresses: Addresses = ADDRESSES
) -> Mapping[str, str | Masked]:
    app = parse(text).app(environment)
    return variables(app, node(app, name), addresses)


def test_the_only_database_cache_and_bucket_have_the_names_that_apps_read() -> None:
    found = revealed(given_to("web"))
    assert found["DATABASE_URL"] == "postgresql://shop:pw@127.0.0.1:5432/shop_db"
    assert found["REDIS_URL"] == "redis://:pw@127.0.0.1:6379/0"
    assert found["BUCKET_NAME"] == "shop-files"
    assert found["API_URL"] == "http://127.0.0.1:8001"


def test_of_several_each_has_its_own_name() -> None:
    found = given_to("api")
    assert {"DB_URL", "ARCHIVE_URL", "STORE_URL", "PAGES_URL"} <= found.keys()
    assert {"FILES_BUCKET_NAME", "REPORTS_BUCKET_NAME"} <= found.keys()
    assert not {"DATABASE_URL", "REDIS_URL", "BUCKET_NAME"} & found.keys()


def test_the_object_store_is_where_every_sdk_looks_for_it() -> None:
    found = revealed(given_to("nightly"))
    assert found["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:9000"
    assert found["AWS_REGION"] == "us-east-1"
    assert found["AWS_ACCESS_KEY_ID"] == "key"
    assert found["AWS_SECRET_ACCESS_KEY"] == "hunter4"


def test_who_uses_no_bucket_gets_no_keys() -> None:
    assert not [name for name in given_to("alone") if name.startswith("AWS_")]


def test_where_a_role_gives_access_there_are_no_keys() -> None:
    addresses = Addresses(buckets=ADDRESSES.buckets, s3_region="eu-west-1")
    found = given_to("nightly", addresses=addresses)
    assert [name for name in found if name.startswith("AWS_")] == ["AWS_REGION"]


@pytest.mark.requirement("R72")
def test_a_secret_arrives_where_it_is_used_and_nowhere_else() -> None:
    assert given_to("web")["SESSION_KEY"] == Masked("hunter2")
    assert "SESSION_KEY" not in given_to("api")
    assert "UNUSED" not in given_to("web")


def test_nothing_secret_is_printed() -> None:
    for name in ("web", "api", "nightly"):
        shown = str(given_to(name)) + str(ADDRESSES)
        assert "hunter" not in shown
        assert ":pw@" not in shown


@pytest.mark.requirement("R59", "R60", "R61", "R63", "R65", "R66")
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("dev", "true DEBUG 600 - 5 false"),
        ("staging", "false INFO 1800 100/min 10 true"),
        ("production", "false WARNING 3600 60/min 20 true"),
    ],
)
def test_the_environment_sets_what_every_app_reads(environment: str, expected: str) -> None:
    found = given_to("web", environment)
    names = ["DEBUG", "LOG_LEVEL", "CACHE_TTL", "RATE_LIMIT", "DB_POOL_SIZE", "REDIS_ENABLED"]
    assert " ".join(str(found.get(name, "-")) for name in names) == expected
    assert found["ENVIRONMENT"] == environment


@pytest.mark.requirement("R66")
def test_a_cache_that_is_off_brings_no_address() -> None:
    found = given_to("web", "dev")
    assert found["REDIS_ENABLED"] == "false"
    assert "REDIS_URL" not in found
    assert "REDIS_URL" not in str(found[contract.READY_CHECKS])


def test_own_variables_win() -> None:
    text = SHOP.replace(
        "limits.body", 'variables = { DEBUG = true, DATABASE_URL = "x", Y = 1 }\nlimits.body'
    )
    found = given_to("web", text=text)
    assert (found["DEBUG"], found["DATABASE_URL"], found["Y"]) == ("true", "x", "1")


@pytest.mark.requirement("R62")
def test_a_variable_of_the_file_arrives_as_the_environment_says_it() -> None:
    more = "[variables]\nMAX_SCENARIOS = 10000\n[environment.dev]\nvariables.MAX_SCENARIOS = 1000\n"
    text = f"{SHOP}\n{more}"
    assert given_to("web", "production", text)["MAX_SCENARIOS"] == "10000"
    assert given_to("alone", "dev", text)["MAX_SCENARIOS"] == "1000"


@pytest.mark.requirement("R158")
def test_the_runtime_is_told_what_to_ask_and_how_long_to_wait() -> None:
    found = given_to("web")
    assert found["FAIRWAY_READY_CHECKS"] == "DATABASE_URL REDIS_URL AWS_ENDPOINT_URL_S3"
    assert found["FAIRWAY_DRAIN_SECONDS"] == "1.5"
    assert found["FAIRWAY_REQUEST_SECONDS"] == "90"
    assert found["FAIRWAY_CHECK_SECONDS"] == "1"
    assert found["FAIRWAY_BODY_BYTES"] == "1048576"
    assert found["FAIRWAY_APP"] == "shop"
    assert found["FAIRWAY_SERVICE"] == "web"


def test_a_job_is_not_told_what_only_services_need() -> None:
    assert [name for name in given_to("alone") if name.startswith("FAIRWAY_")] == [
        "FAIRWAY_APP",
        "FAIRWAY_SERVICE",
    ]


def test_an_address_that_the_target_forgot_is_an_error() -> None:
    with pytest.raises(KeyError):
        given_to("web", addresses=Addresses())


def test_variables_as_a_page(golden: Callable[[str, str], None]) -> None:
    parts: list[str] = []
    for environment in ("local", "dev", "production"):
        for name in ("web", "api", "nightly"):
            found = given_to(name, environment)
            parts += [f"# {name}, {environment}", *(f"{k}={v}" for k, v in found.items()), ""]
    golden("variables.txt", "\n".join(parts))


DOCUMENTED = " ".join(row[0] for row in (*EDGES, *ENVIRONMENT, *RUNTIME))


def test_every_variable_is_in_the_reference() -> None:
    for name in given_to("web"):
        example = {"API_URL": "API_URL", "SESSION_KEY": "SESSION_KEY"}.get(name, name)
        assert f"`{example}`" in DOCUMENTED


def test_every_variable_of_the_contract_that_the_tool_sets_is_in_the_reference() -> None:
    tool = Path(fairway.__file__).parent
    code = "".join(file.read_text() for file in sorted(tool.rglob("*.py")))
    set_elsewhere = {contract.LAME_DUCK_SECONDS, contract.LOGS}  # between its own processes
    for constant, name in vars(contract).items():
        ours = isinstance(name, str) and name.startswith("FAIRWAY_") and name not in set_elsewhere
        if ours and f"contract.{constant}" in code:
            assert f"`{name}`" in DOCUMENTED


def test_the_reference_of_variables_is_the_one_in_the_docs(
    golden: Callable[[str, str], None],
) -> None:
    golden("../../../../docs/reference/variables.md", variables_reference())


@given(app_trees)
@examples(30)
def test_every_node_of_every_app_has_variables(tree: object) -> None:
    """Whatever the file: names are names, values texts, each address the one that was given."""
    try:
        spec = parse(written(tree))  # pyright: ignore[reportArgumentType]
    except Problems:
        return
    for app in spec.apps.values():
        addresses = Addresses(
            databases={name: f"d:{name}" for name in app.databases},
            caches={name: f"c:{name}" for name in app.caches},
            buckets={name: f"b-{name}" for name in app.buckets},
            services={name: f"http://{name}" for name in app.services},
            secrets={name: Masked(name) for name in app.secrets},
        )
        for owner in (*app.services.values(), *app.jobs.values()):
            found = variables(app, owner, addresses)
            assert list(found) == sorted(found)
            for name in owner.uses:
                if name in app.databases:
                    assert f"d:{name}" in found.values()
                if name in app.buckets:
                    assert f"b-{name}" in found.values()
