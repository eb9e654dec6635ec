"""`logs`, `run`, `exec`, `scale`, `cancel` and what steers, of an environment at AWS."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from fairway.cli import logs, view
from fairway.core.problem import Problem, Problems
from fairway.targets.aws.decide import asked
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.reading import Line, Reader
from fairway.targets.aws.runs import execute, run_job
from fairway.targets.aws.scaling import scale
from fairway.targets.aws.steering import can_not_hold, go_on, take_back
from fairway.targets.aws.takedown import cancel

__all__ = ["cancelled", "executed", "printed", "ran", "scaled", "steered"]

LOOK_SECONDS = 2.0
BACK_SECONDS = 3600.0  # how far `logs` looks back


def printed(environment: Environment, nodes: Sequence[str], *, lines: int, follow: bool) -> None:
    """Print the last lines of the last hour, merged; with `follow`, go on until it is ended."""
    reader = Reader(environment, asked.nodes(environment.app, nodes))
    moment = environment.clock.now()
    before = reader.since(moment - BACK_SECONDS)
    is_read = write(before[-lines:] if lines else [])
    while follow and is_read:
        time.sleep(LOOK_SECONDS)
        news = reader.since(moment)
        moment = max([moment, *(line.at for line in news)])
        is_read = write(news)


def write(found: Sequence[Line]) -> bool:
    """Print lines; whether somebody reads them."""
    width = max((len(f"{line.node}.{line.task}") for line in found), default=0)
    for line in found:
        at, text = logs.parsed(line.text.encode())
        if at is None:
            moment = datetime.fromtimestamp(line.at, UTC).strftime("%H:%M:%S.%f")[:-3]
            text = f"{moment} {text}"
        colour = logs.COLOURS[sum(line.node.encode()) % len(logs.COLOURS)]
        name = f"{line.node}.{line.task}".ljust(width)
        if not view.text(f"{click.style(name, fg=colour)} | {text}"):
            return False
    return True


def ran(
    environment: Environment, job: str, *, detach: bool, from_start: bool, as_json: bool
) -> None:
    """Run a job now; raises `Problems` where it failed."""
    name = environment.app.environment
    if from_start and job in environment.app.jobs:
        what = f"`{job}` is a job: each run begins at its start"
        raise Problems([Problem("--from-start", what, "Leave it out.")])
    result = run_job(environment, job, waits=not detach, from_start=from_start)
    if as_json:
        view.data(asdict(result))
    if detach:
        begun = f", from {result.began_with} on" if result.began_with else ""
        view.say(f"{job} runs as {result.run}{begun}; see `fairway status {name}`")
        return
    if result.status != "succeeded":
        reason = f": {result.reason}" if result.reason else ""
        mend = f"Its output: `fairway logs {name} {job}`."
        if result.stopped_at:
            step = result.stopped_at
            reason = f" at {step}{reason}"
            mend = (
                f"Its output: `fairway logs {name} {step}`. Then `fairway run {name} {job}` goes on"
                f" with {step}."
            )
        problem = Problem(f"{job} {result.run}", f"it {result.status}{reason}", mend)
        raise Problems([problem], exit_code=1)
    view.say(f"{job} succeeded in {result.seconds:.1f} s")


def executed(environment: Environment, node: str, command: Sequence[str]) -> int:
    """Run a command in a task of the service's own; its exit code."""
    view.say(f"a task of {node}'s own starts at AWS, which takes up to a minute")

    def heard(line: str) -> None:
        view.text(line)

    ended = execute(environment, node, command, heard)
    if ended.exit_code is None:
        where = f"fairway exec {environment.app.environment} {node}"
        raise Problems([Problem(where, f"it never began: {ended.why}")], exit_code=1)
    return ended.exit_code


def scaled(environment: Environment, sizes: Sequence[tuple[str, int | None]]) -> None:
    """Set how many tasks of each service run."""
    for service, replicas in sizes:
        view.say(scale(environment, service, replicas))


def cancelled(environment: Environment, *, yes: bool) -> None:
    """Take back what goes on, after asking."""
    holder = environment.opened().holder()
    if holder is not None:
        view.say(f"{holder.owner} holds it for `{holder.verb}`")
    if not yes:
        view.confirm("Take back what goes on?", to="take it back")
    if not cancel(environment, say=view.say):
        view.say("nothing goes on: there is nothing to cancel")


def steered(environment: Environment, verb: str) -> None:
    """`promote`, `resume`, `abort` or `pause` what ECS has in progress; raises `Problems`."""
    name = environment.app.environment
    match verb:
        case "promote" | "resume":
            for service in go_on(environment, verb):
                view.say(f"{service}: its release goes on; see `fairway status {name}`")
        case "abort":
            for service in take_back(environment):
                view.say(f"{service}: ECS takes its release back; see `fairway status {name}`")
        case _:
            raise Problems([can_not_hold(environment)], exit_code=1)
