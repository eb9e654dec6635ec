"""`fairway status` of an environment at AWS, as lines of any width."""

from collections.abc import Iterator
from datetime import UTC, datetime

from fairway.cli import aws, view
from fairway.cli.project import Project
from fairway.targets.aws.decide.hold import age
from fairway.targets.aws.decide.stack_status import went_well
from fairway.targets.aws.decide.standing import ServiceStanding, Standing, to_json
from fairway.targets.aws.looking import look

__all__ = ["lines", "show"]

MARKS = {"done": "●", "going": "◐", "failed": "✗", "absent": "○"}


def show(
    found: Project, name: str, *, region: str | None, profile: str | None, as_json: bool
) -> None:
    """Print it."""
    standing = look(aws.opened(found, name, region=region, profile=profile))
    if as_json:
        view.data(to_json(standing))
        return
    for line in lines(standing):
        view.text(line)


def lines(standing: Standing) -> Iterator[str]:
    """The page: address, who changes it, services with their tasks, jobs, stacks, releases."""
    revision = f"  revision {standing.revision}" if standing.revision else "  nothing released"
    url = f"  {standing.url}" if standing.url else ""
    place = f"{standing.account} {standing.region}"
    yield f"{standing.app}  {standing.environment}  {place}{url}{revision}"
    if standing.held is not None:
        since = age(standing.now - standing.held.since)
        yield f"◐ {standing.held.owner} is at it: {standing.held.verb}, {since}"
    for service in standing.services:
        yield ""
        yield from of_service(service, standing.now)
    if standing.jobs:
        yield ""
    for job in standing.jobs:
        took = f" in {job.seconds:.0f} s" if job.seconds is not None else ""
        ago = "" if job.started_at is None else f", began {age(standing.now - job.started_at)} ago"
        yield f"  {job.name:<18} {job.status or 'no run yet'}{took}{ago}"
    yield ""
    bad = [each for each in standing.stacks if not went_well(each.status)]
    whole = len(standing.stacks) - len(bad)
    yield f"stacks: {whole} of {len(standing.stacks)} as they were last applied"
    for stack in bad:
        yield f"  {stack.name:<18} {stack.status.lower().replace('_', ' ') or 'not there'}"
    if standing.releases:
        yield ""
    for release in standing.releases:
        at = datetime.fromtimestamp(release.at, UTC).strftime("%Y-%m-%d %H:%M")
        reason = f": {release.reason}" if release.reason else ""
        words = f"{release.outcome.replace('_', ' ')}{reason}"
        yield f"  {at} UTC  {release.revision}  {release.image.rpartition('/')[2]}  {words}"


def of_service(service: ServiceStanding, now: float) -> Iterator[str]:
    mark = MARKS[service.release]
    count = f"{service.running} of {service.wanted} run  "
    if service.kind == "function":
        count = ""
    worker = "worker  " if service.kind == "worker" else ""
    yield f"{mark} {service.name}  {worker}{count}{service.definition}  {service.words}"
    for task in service.tasks:
        since = "" if task.since is None else f"  {age(now - task.since)}"
        health = "" if task.health in {"", "unknown"} else f"  {task.health}"
        yield f"    {task.id[:12]}  {task.state}{health}{since}"
