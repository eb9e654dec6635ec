"""What AWS would refuse is said before anything is written; what it would drop is said as a gap."""

from collections.abc import Callable

import pytest

from fairway.core.spec.parse import parse
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import choices_for, stacks
from fairway.targets.aws.render.limits import limits, of_stacks
from fairway.targets.aws.render.sizes import Size, fitting
from tests.targets.aws.shapes import APPS, ENVIRONMENTS, app, app_of

WEB = '[service.web]\nasgi = "m:app"\npublic = true\n'


def told(text: str, environment: str = "production") -> list[str]:
    found = app_of(text, environment)
    return [problem.where for problem in limits(found, choices_for(found))]


@pytest.mark.parametrize("name", APPS)
def test_the_shapes_run_into_no_limit(name: str) -> None:
    for environment in ENVIRONMENTS:
        of = app(name, environment)
        assert limits(of, choices_for(of)) == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (WEB + "timeouts.drain = '2m'", "service.web.timeouts.drain"),
        (WEB + "timeouts.request = '2h'", "service.web.timeouts.request"),
        (WEB + "cpu = 32", "service.web.memory"),
        (WEB + "memory = '121 GiB'", "service.web.memory"),
        (WEB + "release.blue_green.keep = '2d'", "service.web.release.blue_green.keep"),
        (WEB + 'release.canary = ["10% for 25h"]', "service.web.release.canary"),
        (
            WEB + 'release.canary = ["25% for 12h", "50% for 12h", "75% for 12h"]',
            "service.web.release.canary",
        ),
        ('[job.big]\ncommand = "x"\ncpu = 20', "job.big.memory"),
        ("[database.db]\nstorage = '5 GiB'", "database.db.storage"),
        ("[database.db]\nbackups = '60d'", "database.db.backups"),
        ("[database.db]\nbackups = '0s'\nread_replicas = 1", "database.db.backups"),
        ("[secret.KEY]\nrotate = '10y'", "secret.KEY.rotate"),
        ("[database.db]\nrotate = '10y'", "database.db.rotate"),
    ],
)
def test_a_limit_is_a_problem_before_the_deploy(text: str, where: str) -> None:
    assert told(text) == [where]


def test_a_database_s_name_must_fit_postgresql() -> None:
    found = parse(f'app = "{"a" * 40}"\n[database.{"d" * 40}]').app("production")
    told_of = [problem.where for problem in limits(found, choices_for(found))]
    assert told_of == [f"database.{'d' * 40}"]


def test_too_many_public_services_are_a_problem() -> None:
    lines = [f'[service.s{n}]\nasgi = "m:app"\npublic = true' for n in range(61)]
    assert "service" in told("\n".join(lines))


def test_too_many_users_of_one_node_are_a_problem() -> None:
    lines = ["[database.db]"]
    lines += [f'[service.s{n}]\nasgi = "m:app"\nuses = ["db"]' for n in range(60)]
    assert told("\n".join(lines)) == ["db"], "what renews its login speaks to it too"


def test_a_template_that_is_too_large_is_a_problem() -> None:
    of = app_of("\n".join(f"[bucket.b{n}]" for n in range(200)))
    problems = list(of_stacks(stacks(of, choices_for(of))))
    assert [problem.where for problem in problems] == ["data.json"]


@pytest.mark.parametrize(
    ("cpu", "memory", "size"),
    [
        (0.25, 512, Size(256, 512)),
        (0.5, 512, Size(512, 1024)),
        (0.3, 300, Size(512, 1024)),
        (0.25, 3000, Size(512, 3072)),
        (1, 8192, Size(1024, 8192)),
        (1, 8193, Size(2048, 9216)),
        (8, 61_000, Size(8192, 61440)),
        (16, 122_880, Size(16384, 122_880)),
        (17, 1024, None),
    ],
)
def test_a_task_has_the_smallest_size_that_fits(cpu: float, memory: int, size: Size | None) -> None:
    assert fitting(cpu, memory) == size


def test_gaps_of_every_shape_are_written_down(golden: Callable[[str, str], None]) -> None:
    for name in APPS:
        lines = [str(gap) for gap in gaps(app(name, "production"))]
        golden(f"{name}/gaps.txt", "\n".join([*lines, ""]))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (WEB + 'kind = "function"', "service.web.replicas"),
        (WEB + "release.rolling = { batch = 2 }", "service.web.release.rolling.batch"),
        (WEB + 'account = "x"', "service.web.account"),
        (WEB + "limits = { per_ip = false, per_user = '5/min' }", "service.web.limits.per_user"),
        ('[stream.events]\ninto = "lake/"\n[bucket.lake]', "stream.events"),
        ('[database.db]\nengine = "sqlite"', "database.db.engine"),
        ('[database.db]\nurl = "env:URL"', "database.db.url"),
        ("[secret.KEY]", "secret.KEY"),
        (
            WEB + "kind = 'function'\nuses = ['KEY']\n[secret.KEY]\nrotate = '9d'",
            "secret.KEY.rotate",
        ),
        ('[pipeline]\non_push = { main = "staging" }', "pipeline"),
        ("[recovery]\nrto = '1m'", "recovery"),
    ],
)
def test_what_is_not_honoured_is_said(text: str, where: str) -> None:
    assert where in [gap.where for gap in gaps(app_of(text))]
