"""The verbs in an environment at AWS, as a user types them, against ministack."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fairway.cli import aws
from fairway.cli.main import cli
from fairway.core.problem import Problems
from fairway.core.spec.parse import parse
from fairway.targets.aws.course import Given
from fairway.targets.aws.deploying import deploy
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.render import choices_for, stacks
from tests.targets.aws.emulators import (
    MINISTACK,
    QUICK,
    REGION,
    account,
    ministack,
    reduced,
    tasks_that_end,
)

pytestmark = [pytest.mark.real, pytest.mark.alone]

FILE = """
app = "shop"
[service.web]
asgi = "shop:app"
public = true
replicas = 1
[job.count]
command = "python -m count"
[job.broken]
command = "false"
"""


class Shell:
    """A terminal in the project's folder, signed in at the emulator."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(folder / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        }

    def __call__(self, *words: str, **more: str | None) -> Result:
        verb, *rest = words
        environment = {**self.environment, **more}
        arguments = [verb, "-C", str(self.folder), *rest]
        return CliRunner().invoke(cli, arguments, env=environment, standalone_mode=False)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shop that is deployed in two releases."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "fairway.toml").write_text(FILE)
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        of = account(url)
        of.client("route53").create_hosted_zone(Name="example.org", CallerReference="1")
        app = parse(FILE).app("production")
        found = tuple(reduced(stack, MINISTACK)[0] for stack in stacks(app))
        environment = Environment(of, app, found, QUICK)
        values = environment.values(domain="shop.example.org", zone=None)
        with tasks_that_end(account(url), environment.cluster, says="hello from the task"):
            for tag in ("one", "two"):
                given = Given(
                    images=lambda at, asked, tag=tag: dict.fromkeys(asked, f"{at}:{tag}"),
                    values=values,
                    folder=folder,
                )
                assert deploy(environment, given).outcome == "promoted"
            yield Shell(url, folder)


def problems(result: Result) -> str:
    assert isinstance(result.exception, Problems), (result.output, result.exception)
    return str(result.exception)


def test_status_shows_services_stacks_and_releases(shell: Shell) -> None:
    result = shell("status", "production")
    assert result.exit_code == 0, result.output
    first = result.stdout.splitlines()[0]
    assert first.startswith("shop  production  000000000000 eu-central-1  https://shop.example.org")
    assert "● web  1 of 1 run" in result.stdout
    assert "shop-production:two  promoted" in result.stdout
    assert "stacks:" in result.stdout
    said = json.loads(shell("status", "production", "--json").stdout)
    assert [each["outcome"] for each in said["releases"]] == ["promoted", "promoted"]
    assert said["services"][0]["tasks"]
    assert said["held"] is None


def test_a_command_runs_in_a_task_of_its_own_and_its_lines_are_printed(shell: Shell) -> None:
    result = shell("exec", "production", "web", "--", "python", "-m", "shop.count")
    assert result.exit_code == 0, result.output
    assert "hello from the task" in result.stdout


def test_what_a_task_printed_is_in_the_logs(shell: Shell) -> None:
    shell("exec", "production", "web", "--", "true")
    result = shell("logs", "production", "web")
    assert result.exit_code == 0, result.output
    assert "hello from the task" in result.stdout
    assert "web." in result.stdout
    assert "there is no service, worker or job `nobody`" in problems(
        shell("logs", "production", "nobody")
    )


def test_a_job_runs_now_and_is_waited_for(shell: Shell) -> None:
    result = shell("run", "production", "count", "--detach", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["job"] == "count"
    assert "there is no job `nothing`" in problems(shell("run", "production", "nothing"))


def test_a_number_of_tasks_is_set_and_stays(shell: Shell) -> None:
    result = shell("scale", "production", "web=3")
    assert result.exit_code == 0, result.output
    said = json.loads(shell("status", "production", "--json").stdout)
    assert said["services"][0]["wanted"] == 3
    assert shell("scale", "production", "web=auto").exit_code == 0
    assert "there is no service or worker `nobody`" in problems(
        shell("scale", "production", "nobody=1")
    )


def test_rollback_goes_to_the_release_before(shell: Shell) -> None:
    result = shell("rollback", "production", "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    said = json.loads(result.stdout)
    assert said["outcome"] == "promoted"
    assert str(said["image"]).endswith(":one")
    assert "service web" in result.stderr


def test_nothing_in_progress_is_nothing_to_cancel(shell: Shell) -> None:
    result = shell("cancel", "production", "--yes")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "there is nothing to cancel" in result.stderr


def test_a_lock_that_nobody_holds_any_more_is_taken_away(shell: Shell) -> None:
    app = parse(FILE).app("production")
    environment = Environment(account(shell.url), app, stacks(app), QUICK)
    hold = environment.opened().held("deploy production", "production")
    hold.__enter__()
    assert "holds it for `deploy production`" in problems(shell("rollback", "production"))
    assert shell("cancel", "production", "--yes").exit_code == 0
    assert environment.opened().holder() is None


def test_a_plan_is_held_against_what_runs_where_somebody_is_signed_in(shell: Shell) -> None:
    result = shell("plan", "staging", "--region", REGION)
    assert result.return_value == 2, (result.output, result.exception)
    assert f"against account 000000000000 in {REGION}" in result.stdout
    assert "+ service web" in result.stdout
    offline = shell("plan", "staging", "--region", REGION, "--offline")
    assert "against an empty account" in offline.stdout


def test_a_plan_that_can_not_ask_says_why_and_goes_on_alone(shell: Shell) -> None:
    nowhere: dict[str, str | None] = {"AWS_REGION": "mars-1", "AWS_DEFAULT_REGION": "mars-1"}
    result = shell("plan", "staging", **nowhere)
    assert result.return_value == 2
    assert "AWS was not asked: there is no region mars-1" in result.stderr
    assert "against an empty account" in result.stdout
    assert "there is no region mars-1" in problems(shell("plan", "staging", "--online", **nowhere))


def test_what_cloudformation_refuses_is_told_in_its_words_and_lets_go(shell: Shell) -> None:
    result = shell("deploy", "production", "--image", "registry/shop:three")
    assert "Unrecognized resource types" in problems(result)
    assert json.loads(shell("status", "production", "--json").stdout)["held"] is None


def test_an_image_without_its_tag_is_none(shell: Shell) -> None:
    told = problems(shell("deploy", "production", "--image", "registry.example.org/shop"))
    assert "is no image with its tag or digest" in told


def test_how_services_reach_the_outside_is_remembered(shell: Shell) -> None:
    app = parse(FILE).app("production")
    store = Environment(account(shell.url), app, stacks(app), QUICK).opened()
    first = choices_for(app)
    aws.remember(replace(first, egress="endpoints", builds="remote", traces="xray"), store)
    kept = aws.remembered(first, {}, store)
    assert (kept.egress, kept.builds, kept.traces) == ("endpoints", "remote", "xray")
    assert aws.remembered(first, {"egress": "one-nat"}, store).egress == "one-nat"
    assert aws.remembered(first, {}, None) == first
    aws.remember(first, store)


def test_an_environment_that_was_never_deployed_says_how(shell: Shell) -> None:
    for verb in ("status", "rollback", "down", "cancel"):
        told = problems(shell(verb, "staging", *(["--yes"] if verb in {"down", "cancel"} else [])))
        assert "nothing of shop is deployed in eu-central-1" in told, verb
        assert "fairway deploy staging" in told, verb


def test_data_is_not_deleted_where_nobody_types_its_name(shell: Shell) -> None:
    result = shell("down", "production", "--delete-data")
    assert "nobody is here to confirm" in problems(result)
    assert "This deletes for good, in 000000000000 eu-central-1:" in result.stderr
    assert "and the stacks " in result.stderr


def test_a_release_that_nobody_began_can_not_be_steered(shell: Shell) -> None:
    for verb in ("promote", "resume", "abort"):
        assert "no release is in progress" in problems(shell(verb, "production")), verb
    assert "only where a hook in the template says so" in problems(shell("pause", "production"))


def test_nobody_to_ask_means_no(shell: Shell) -> None:
    assert "nobody is here to confirm" in problems(shell("down", "production"))


def test_without_credentials_or_region_it_says_how_to_get_them(shell: Shell) -> None:
    none: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    told = problems(shell("status", "production", **none))
    assert "there are no credentials" in told
    assert "aws sso login" in told
    nowhere: dict[str, str | None] = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
    assert "no region is said" in problems(shell("status", "production", **nowhere))
    assert "there is no region mars-1" in problems(
        shell("status", "production", "--region", "mars-1")
    )
    unknown: dict[str, str | None] = {"AWS_PROFILE": "nobody"}
    assert "profile" in problems(shell("status", "production", **unknown))


@pytest.mark.parametrize(
    "words",
    [
        ("run", "production", "cuont"),
        ("logs", "production", "cuont"),
        ("exec", "production", "wbe", "--", "true"),
        ("scale", "production", "wbe=2"),
    ],
)
def test_a_name_that_is_not_in_the_file_is_told_before_anybody_signs_in(
    shell: Shell, words: tuple[str, ...]
) -> None:
    nowhere: dict[str, str | None] = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
    told = problems(shell(*words, **nowhere))
    meant = "web" if "wb" in " ".join(words) else "count"
    assert f"Did you mean `{meant}`?" in told
    assert "region" not in told


def test_down_deletes_all_but_data_and_the_network_that_it_is_in(shell: Shell) -> None:
    result = shell("down", "production", "--yes")
    assert result.exit_code == 0, (result.output, result.exception)
    formation = account(shell.url).client("cloudformation")
    left = {
        stack["StackName"]
        for stack in formation.describe_stacks()["Stacks"]
        if stack["StackStatus"] != "DELETE_COMPLETE"
    }
    assert left == {f"shop-production-{name}" for name in ("fairway", "network", "data")}
    assert "shop-production-data" in result.stderr
