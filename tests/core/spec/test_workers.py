"""Workers: what the file says of them, what they find, and what is planned and priced for them."""

import pytest

from fairway.core.build.images import images
from fairway.core.cost.estimate import estimate
from fairway.core.cost.layout import layout_of
from fairway.core.detect.sources import Sources
from fairway.core.masked import Masked
from fairway.core.plan.creation import creations
from fairway.core.plan.diff import diff
from fairway.core.plan.order import release_order
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.core.spec.quantities import Replicas
from fairway.core.spec.variables import Addresses, variables
from tests.core.cost.price_tables import prices

SHOP = """
app = "shop"
variables = { LEVEL = "high" }

[service.web]
asgi = "shop:app"
public = true
uses = ["db", "queue"]

[worker.clock]
command = "celery -A shop.tasks beat"
uses = ["queue"]

[worker.a-mails]
command  = "celery -A shop.tasks worker"
uses     = ["db", "queue", "web"]
replicas = "2..4"
cpu      = 1
memory   = "2 GiB"
interruptible = true
timeouts = { drain = "90s" }
variables = { POOL = "solo" }

[database.db]
serverless = true
[cache.queue]

[environment.dev]
worker.a-mails.replicas = 1
worker.clock = false
"""


def app(text: str = SHOP, environment: str = "production") -> App:
    return parse(text).app(environment)


def test_a_worker_is_a_service_without_a_front() -> None:
    mails = app().programs["a-mails"]
    assert not mails.answers
    assert mails.replicas == Replicas(2, 4)
    assert mails.timeouts.drain_seconds == 90.0
    assert mails.node_kind == "worker"
    assert sorted(app().services) == ["web"]
    assert sorted(app().programs) == ["a-mails", "clock", "web"]


def test_one_replica_is_the_default_in_every_environment_and_never_runs_twice() -> None:
    for environment in ("local", "production"):
        assert app(environment=environment).programs["clock"].runs_alone
    assert not app().programs["a-mails"].runs_alone
    assert app(environment="dev").programs["a-mails"].runs_alone
    assert not app().programs["web"].runs_alone


def test_an_environment_switches_a_worker_off() -> None:
    assert sorted(app(environment="dev").workers) == ["a-mails"]


def test_a_worker_finds_what_a_job_would() -> None:
    found = variables(
        app(),
        app().programs["a-mails"],
        Addresses(
            databases={"db": Masked("postgresql://db")},
            caches={"queue": Masked("redis://queue")},
            services={"web": "http://web"},
        ),
    )
    assert {"DATABASE_URL", "REDIS_URL", "WEB_URL", "LEVEL", "POOL", "LOG_LEVEL"} <= set(found)
    ours = {name for name in found if name.startswith("FAIRWAY_")}
    assert ours == {"FAIRWAY_APP", "FAIRWAY_SERVICE"}
    assert found["FAIRWAY_SERVICE"] == "a-mails"
    assert found["LEVEL"] == "high"


def test_workers_are_released_after_all_services() -> None:
    """They find the tables that a service's `before` has made."""
    assert release_order(app()) == ("web", "a-mails", "clock")


def test_a_plan_names_workers_and_their_keys() -> None:
    changed = SHOP.replace("celery -A shop.tasks beat", "celery -A shop.tasks beat -l info")
    plan = str(diff(app(), app(changed), revision_before="a", revision_after="b"))
    assert "~ worker clock" in plan
    assert "command: celery -A shop.tasks beat → celery -A shop.tasks beat -l info" in plan
    assert "~ worker a-mails" in plan
    assert "released on the new revision" in plan


def test_a_cloud_is_told_how_a_worker_runs_and_is_replaced() -> None:
    found = {each.node: each.what for each in creations(app(), layout_of(app()))}
    assert found["worker a-mails"] == "2..4 tasks of 1 vCPU, 2 GB on Spot, rolling"
    assert found["worker clock"] == "1 task of 0.5 vCPU, 1 GB, the old one ends first"


@pytest.mark.requirement("R256")
def test_a_worker_costs_its_fewest_replicas_and_up_to_its_most_less_on_spot() -> None:
    table = prices()
    found = estimate(app(), table)
    clock = 730 * (0.5 * 0.04048 + 0.004445)
    assert found.usd == pytest.approx(sum(line.usd for line in found.lines))
    assert sum(line.usd for line in found.of("worker clock")) == pytest.approx(clock)
    share = 1 - table.discounts["fargate.spot"].lowest
    one = 730 * (0.04048 + 2 * 0.004445) * share
    lines = found.of("worker a-mails")
    assert sum(line.usd for line in lines) == pytest.approx(2 * one)
    assert sum(line.highest_usd for line in lines) == pytest.approx(4 * one)


def test_the_image_of_an_app_that_is_a_worker_alone_starts_it_and_opens_no_port() -> None:
    bot = app('app = "bot"\n[worker.bot]\ncommand = "python -m bot"\n')
    (image,) = images(bot, Sources("bot", {"requirements.txt": ""}, frozenset()), 8000)
    assert image.main == bot.programs["bot"]
    assert image.ports == ()


def notes(text: str) -> list[str]:
    return [f"{note.where}: {note.what}" for note in parse(text).notes]


@pytest.mark.parametrize("command", ["celery -A shop beat", "celery -A shop worker -B"])
def test_what_keeps_time_more_than_once_is_noted(command: str) -> None:
    text = f'app = "x"\n[worker.clock]\ncommand = "{command}"\nreplicas = 2\n'
    (found,) = notes(text)
    assert found.startswith('fairway.toml:4 worker.clock.replicas: "clock" keeps time')
    assert notes(text.replace("replicas = 2", "")) == []


def test_connections_of_workers_count() -> None:
    text = SHOP.replace("serverless = true", "").replace('replicas = "2..4"', "replicas = 9")
    assert any("420 connections" in note for note in notes(text))


def test_a_shell_that_would_take_the_end_itself_is_noted() -> None:
    text = 'app = "x"\n[worker.w]\ncommand = "sh -c \'migrate && celery worker\'"\n'
    (found,) = notes(text)
    assert found.startswith("fairway.toml:3 worker.w.command: At its end the shell is told")
    assert notes(text.replace("celery", "exec celery")) == []
    assert notes(text.replace("sh -c 'migrate && celery worker'", "celery worker")) == []
