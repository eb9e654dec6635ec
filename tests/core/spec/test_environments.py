"""What an environment sets by itself, and how the file's own environments lie over the base."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairway.core.problem import Problems
from fairway.core.spec import document
from fairway.core.spec.entry import Entry
from fairway.core.spec.model import App, Blue, Canary, CanaryStep, Limits, Profile, Rolling
from fairway.core.spec.overlay import lay
from fairway.core.spec.parse import parse
from fairway.core.spec.quantities import Rate, Replicas
from tests.core.spec.toml_texts import documents, trees
from tests.properties import examples

HELLO = """
app = "hello"
[service.web]
asgi = "main:app"
uses = ["store", "db"]
[cache.store]
[database.db]
"""


def app(text: str, environment: str = "local") -> App:
    return parse(HELLO + text).app(environment)


@pytest.mark.requirement("R58")
def test_dev_staging_and_production_are_there_without_a_word_in_the_file() -> None:
    assert parse(HELLO).environments == ("local", "dev", "staging", "production")


@pytest.mark.requirement("R59", "R60", "R61", "R65")
@pytest.mark.parametrize(
    ("environment", "debug", "log_level", "cache_ttl_seconds", "db_pool_size"),
    [
        ("dev", True, "DEBUG", 600, 5),
        ("staging", False, "INFO", 1800, 10),
        ("production", False, "WARNING", 3600, 20),
        ("local", False, "INFO", 1800, 10),
    ],
)
def test_each_environment_has_its_profile(
    environment: str, debug: bool, log_level: str, cache_ttl_seconds: int, db_pool_size: int
) -> None:
    assert app("", environment).profile == Profile(
        debug=debug,
        log_level=log_level,  # pyright: ignore[reportArgumentType]
        cache_ttl_seconds=cache_ttl_seconds,
        db_pool_size=db_pool_size,
    )


@pytest.mark.requirement("R34", "R64", "R236")
@pytest.mark.parametrize(
    ("environment", "replicas"),
    [("dev", (1, 1)), ("staging", (2, 2)), ("production", (3, 10)), ("local", (2, 10))],
)
def test_each_environment_has_its_number_of_replicas(
    environment: str, replicas: tuple[int, int]
) -> None:
    assert app("", environment).services["web"].replicas == Replicas(*replicas)


@pytest.mark.requirement("R63", "R219")
@pytest.mark.parametrize(
    ("environment", "rate"),
    [("dev", None), ("staging", Rate(100, 60)), ("production", Rate(60, 60)), ("local", None)],
)
def test_each_environment_has_its_rate_limit(environment: str, rate: Rate | None) -> None:
    limits = app("", environment).services["web"].limits
    assert (limits.per_ip, limits.per_user) == (rate, rate)


@pytest.mark.requirement("R66")
def test_redis_is_off_in_dev_alone() -> None:
    enabled = {
        name: app("", name).caches["store"].enabled for name in ("dev", "staging", "production")
    }
    assert enabled == {"dev": False, "staging": True, "production": True}


@pytest.mark.requirement("R236")
def test_scaling_has_the_defaults_of_its_sources() -> None:
    scale = app("").services["web"].scale
    assert (scale.cpu_percent, scale.memory_percent, scale.queue) == (70, 80, 100)
    assert scale.up_after_seconds == 60
    assert (scale.down.cpu_percent, scale.down.memory_percent) == (30, 40)
    assert scale.down.after_seconds == 300


def test_deadlines_and_limits_have_the_defaults_of_their_sources() -> None:
    web = app("").services["web"]
    assert web.timeouts.request_seconds == 60
    assert web.timeouts.drain_seconds == 30
    assert web.timeouts.database_seconds == 5
    assert web.timeouts.cache_seconds == 0.1
    assert web.limits.body_bytes == 10 * 1024 * 1024


def test_a_release_has_the_defaults_of_its_sources() -> None:
    assert app("").services["web"].release == Rolling(batch=1, surge=1)
    canary = 'service.web = { asgi = "m:a", release = "canary" }'
    steps = (CanaryStep(10, 900), CanaryStep(25, 300), CanaryStep(50, 300))
    assert parse(f'app = "x"\n{canary}').app().services["web"].release == Canary(steps=steps)


def test_what_the_file_says_wins_over_what_the_environment_sets() -> None:
    text = HELLO.replace("uses", "replicas = 7\nlimits.per_ip = '5/s'\nuses")
    web = (
        parse(text.replace("[cache.store]", "[cache.store]\nenabled = true"))
        .app("dev")
        .services["web"]
    )
    assert web.replicas == Replicas(7, 7)
    assert web.limits == Limits(per_ip=Rate(5, 1), per_user=None)


def test_an_environment_changes_single_keys_deeply() -> None:
    text = "[environment.production]\nservice.web.scale.down.cpu = '20%'\n"
    down = app(text, "production").services["web"].scale.down
    assert (down.cpu_percent, down.memory_percent) == (20, 40)
    assert app(text, "staging").services["web"].scale.down.cpu_percent == 30


def test_an_environment_adds_nodes() -> None:
    text = (
        '[environment.dev]\nservice.mail = { command = "mailhog" }\nservice.web.uses = ["mail"]\n'
    )
    assert list(app(text, "dev").services) == ["mail", "web"]
    assert list(app(text, "staging").services) == ["web"]


def test_false_switches_a_node_off_and_drops_the_edges_to_it() -> None:
    text = "[environment.dev]\ncache.store = false\n"
    assert app(text, "dev").caches == {}
    assert app(text, "dev").services["web"].uses == ("db",)
    assert app(text, "staging").services["web"].uses == ("store", "db")


def test_false_switches_all_nodes_of_a_kind_off() -> None:
    text = "[environment.dev]\ncache = false\ndatabase = false\n"
    assert app(text, "dev").services["web"].uses == ()
    assert app(text, "dev").databases == {}


def test_false_switches_edges_between_jobs_sites_and_workflows_off() -> None:
    text = """
[job.a]
command = "a"
then = ["b"]
[job.b]
command = "b"
[workflow.w]
steps = ["a", "b"]
[service.api]
asgi = "main:api"
public = true
[site.page]
root = "site"
calls = "api"
[environment.dev]
job.b = false
service = false
"""
    dev = app(text, "dev")
    assert dev.jobs["a"].then == ()
    assert dev.workflows["w"].steps == ("a",)
    assert dev.sites["page"].calls == ()


@pytest.mark.requirement("R219")
def test_limits_false_means_no_limits() -> None:
    text = "[environment.production]\nservice.web.limits = false\n"
    assert app(text, "production").services["web"].limits == Limits(per_ip=None, per_user=None)


@pytest.mark.requirement("R69")
def test_development_has_sqlite_where_production_has_postgres() -> None:
    text = "[environment.dev]\ndatabase.db.engine = 'sqlite'\n"
    assert app(text, "dev").databases["db"].engine == "sqlite"
    assert app(text, "production").databases["db"].engine == "postgres"


@pytest.mark.requirement("R62")
def test_an_environment_changes_a_variable() -> None:
    text = """
[service.web.variables]
MAX_SCENARIOS = 10000
[environment.dev.service.web.variables]
MAX_SCENARIOS = 1000
[environment.staging.service.web.variables]
MAX_SCENARIOS = 5000
"""
    found = {
        name: app(text, name).services["web"].variables["MAX_SCENARIOS"]
        for name in ("dev", "staging", "production")
    }
    assert found == {"dev": "1000", "staging": "5000", "production": "10000"}


def test_another_choice_of_an_environment_replaces_that_of_the_base() -> None:
    text = """
app = "x"
[service.web]
asgi = "main:app"
release = { canary = ["10% for 1m"] }
[environment.dev]
service.web.script = "app.py"
service.web.release = { blue_green = { keep = "1h" } }
"""
    base, dev = parse(text).app().services["web"], parse(text).app("dev").services["web"]
    assert (base.asgi, base.script) == ("main:app", None)
    assert base.release == Canary(steps=(CanaryStep(10, 60),))
    assert (dev.asgi, dev.script) == (None, "app.py")
    assert dev.release == Blue(keep_seconds=3600)


def test_another_environment_has_the_values_of_production() -> None:
    text = "[environment.eu]\nservice.web.cpu = 2\n"
    eu, production = app(text, "eu"), app(text, "production")
    assert eu.environment == "eu"
    assert eu.profile == production.profile
    assert eu.services["web"].replicas == production.services["web"].replicas
    assert eu.services["web"].cpu == 2


def test_an_environment_that_is_like_another_has_its_values_and_its_changes() -> None:
    text = """
[environment.staging]
service.web.cpu = 2
service.web.memory = "1 GiB"
[environment.preview]
like = "staging"
service.web.cpu = 1
[environment.preview-2]
like = "preview"
"""
    preview = app(text, "preview")
    assert preview.profile == app("", "staging").profile
    assert preview.services["web"].cpu == 1
    assert preview.services["web"].memory_mib == 1024
    assert app(text, "preview-2").services == preview.services


def test_an_unknown_environment_is_a_problem_with_a_suggestion() -> None:
    with pytest.raises(Problems, match="Did you mean production"):
        app("", "productoin")


def test_a_problem_of_an_environment_points_at_the_line_that_set_it() -> None:
    with pytest.raises(Problems) as caught:
        parse(HELLO + "[environment.dev]\n\n\ncache.store.size = 3\nservice.web.cpu = 0\n")
    first, second = caught.value
    assert first.where == "fairway.toml:11 environment.dev.cache.store.size"
    assert second.where == "fairway.toml:12 environment.dev.service.web.cpu"


@pytest.mark.requirement("R57")
def test_variables_of_the_app_reach_every_service_and_job_whose_own_win() -> None:
    text = """
[job.j]
command = "j"
variables = { B = 3 }
[variables]
A = 1
B = 2
[environment.dev]
variables.A = 9
"""
    local, dev = app(text), app(text, "dev")
    assert local.services["web"].variables == {"A": "1", "B": "2"}
    assert local.jobs["j"].variables == {"A": "1", "B": "3"}
    assert dev.jobs["j"].variables == {"A": "9", "B": "3"}


def test_a_script_is_sticky_by_itself() -> None:
    text = 'app = "x"\n[service.a]\nscript = "app.py"\n[service.b]\nasgi = "m:a"\n'
    services = parse(text).app().services
    assert services["a"].sticky
    assert not services["b"].sticky


# -- Laying one table over another, whatever is in them ------------------------------------------


def entry(text: str) -> Entry:
    return document.read(text, "f")


texts = documents(trees)


@given(texts)
@settings(deadline=None)
def test_laying_nothing_over_a_table_changes_nothing(text: str) -> None:
    base = entry(text)
    assert lay(base.having({}), base) == base


@given(texts, texts)
@examples(50)
def test_laying_twice_is_laying_once(over: str, base: str) -> None:
    once = lay(entry(over), entry(base))
    assert lay(entry(over), once) == once


@given(texts, texts)
@examples(50)
def test_what_is_laid_over_is_there_and_the_rest_stays(over: str, base: str) -> None:
    top, bottom = entry(over), entry(base)
    laid = lay(top, bottom)
    assert laid.table.keys() == top.table.keys() | bottom.table.keys()
    for key in bottom.table.keys() - top.table.keys():
        assert laid.table[key] == bottom.table[key]


SECTIONS = [
    "[service.web]\nasgi = 'm:a'\nuses = 'db'\n",
    "[service.api]\nasgi = 'm:b'\n",
    "[database.db]\n",
    "[job.j]\ncommand = 'j'\n",
    "[environment.dev.service.web]\ncpu = 2\n",
    "[environment.staging]\ndatabase.db.zones = 2\n",
]


@given(st.permutations(SECTIONS))
@examples(30)
def test_the_order_of_tables_does_not_matter(sections: list[str]) -> None:
    assert (
        parse("app = 'x'\n" + "".join(sections)).apps
        == parse("app = 'x'\n" + "".join(SECTIONS)).apps
    )
