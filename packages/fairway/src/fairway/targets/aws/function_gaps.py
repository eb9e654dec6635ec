"""What a service that runs as a function does not honour of its file. Pure; `gaps.py` asks."""

from collections.abc import Iterator

from fairway.core.problem import Problem
from fairway.core.spec.model import App, Canary, OffHours, Rolling, Scale, Service
from fairway.targets.aws.render.deployment import is_linear
from fairway.targets.aws.render.function import request_seconds
from fairway.targets.aws.render.function_release import is_shifted, whole_percent
from fairway.targets.aws.render.service_alarms import LEAST_REQUESTS

__all__ = ["function_gaps"]

WHOLE_PROCESSOR_MIB = 1769  # what a whole one comes with, says Lambda's documentation
LARGEST_BODY_BYTES = 6 * 1024 * 1024  # of an event, and of an answer


def function_gaps(app: App, node: Service) -> Iterator[Problem]:
    """Every part of the service that Lambda would not run as the file says."""
    at = f"service.{node.name}"
    yield from _of_copies(at, node)
    yield from _of_release(at, node)
    if node.public:
        yield from _at_gateway(app, at, node)
    else:
        what = "nothing leads to it: it is not public. What starts it is yours to make"
        yield Problem(f"{at}.public", what)
    for name in node.uses:
        other = app.services.get(name)
        if other is not None and not other.public:
            what = f"a function cannot reach {name}: only containers are in its mesh"
            yield Problem(f"{at}.uses", what, f"Make {name} public.")
    if app.alarm is not None:
        yield Problem(f"{at}.memory", "no alarm tells of its memory; each run's is in its log")


def _of_copies(at: str, node: Service) -> Iterator[Problem]:
    least, most = node.replicas.minimum, node.replicas.maximum
    what = f"one copy answers one request at a time, at most {most} at once"
    what += ", and none is kept ready" if least else ""
    mend = f"Where an account's first quota is too small for {most}, ask AWS for 1,000 copies."
    yield Problem(f"{at}.replicas", what, mend)
    share = node.memory_mib / WHOLE_PROCESSOR_MIB
    if share < node.cpu:
        what = (
            f"Lambda gives processors by memory: {share:.2g} with {node.memory_mib} MiB, "
            f"a whole one with {WHOLE_PROCESSOR_MIB:,}"
        )
        yield Problem(f"{at}.cpu", what)
    if isinstance(node.off_hours, OffHours):
        yield Problem(f"{at}.off_hours", "a function has the same limit at every hour")
    # `requests` is what its gateway lets through.
    if node.scale != Scale(requests=node.scale.requests):
        yield Problem(f"{at}.scale", "a function is there once a request: no load adds copies")
    if node.sticky:
        yield Problem(f"{at}.sticky", "each request may come to another copy")


def _of_release(at: str, node: Service) -> Iterator[Problem]:
    match node.release:
        case Canary() as canary if is_shifted(node):
            yield from _of_canary(f"{at}.release.canary", canary)
        case Rolling() as rolling if rolling == Rolling():
            pass
        case _:
            what = "a new version answers everybody at once; where it does not answer, it goes back"
            yield Problem(f"{at}.release", what)
    if node.test is not None:
        yield Problem(f"{at}.test", "nothing tests a new revision before it takes over yet")


def _of_canary(at: str, canary: Canary) -> Iterator[Problem]:
    """What CodeDeploy does otherwise."""
    first = canary.steps[0]
    percent = whole_percent(first.percent)
    if canary.probes:
        yield Problem(f"{at}.probes", "nothing asks them on AWS yet")
    if len(canary.steps) > 1 and not is_linear(canary.steps):
        what = (
            f"CodeDeploy knows one step: {percent}% for {first.hold_seconds / 60:g} min, then all"
        )
        mend = 'Even steps of the same length, such as "25%", "50%", "75%", are all kept.'
        yield Problem(at, what, mend)
    elif percent != first.percent:
        yield Problem(at, f"CodeDeploy knows whole percents: {percent} for {first.percent:g}")
    what = f"alarms alone judge the new version: below {LEAST_REQUESTS} requests a minute it passes"
    yield Problem(at, what)


def counts_together(app: App, node: Service) -> bool:
    """Whether all copies know what one has let through."""
    return any(name in app.caches and app.caches[name].enabled for name in node.uses)


def _at_gateway(app: App, at: str, node: Service) -> Iterator[Problem]:
    limits = node.limits
    if request_seconds(node) != node.timeouts.request_seconds:
        what = f"the gateway gives up after 30 s: the app is told {request_seconds(node):g}"
        yield Problem(f"{at}.timeouts.request", what)
    if limits.body_bytes > LARGEST_BODY_BYTES:
        yield Problem(f"{at}.limits.body", "a function takes and gives at most 6 MB")
    if node.command is not None and (limits.per_ip or limits.per_user):
        what = "requests to a server of your own are not limited per client"
        yield Problem(f"{at}.limits", what, "Name the app by asgi or wsgi.")
    elif limits.per_user is not None and limits.per_ip is None:
        what = "users are limited where addresses are: nobody is"
        yield Problem(f"{at}.limits.per_user", what, "Write `per_ip` too.")
    elif limits.per_ip is not None and not counts_together(app, node):
        what = f"each copy counts by itself, and {node.replicas.maximum} may run"
        yield Problem(f"{at}.limits.per_ip", what, "With a cache in `uses` they count together.")
    if node.firewall and not node.cache:
        what = "no firewall stands before an HTTP API"
        mend = "Write `cache`: one stands before the CDN."
        yield Problem(f"{at}.firewall", what, mend)
    elif node.firewall:
        what = "it stands before the CDN alone; the gateway's own name has none"
        yield Problem(f"{at}.firewall", what)
    yield Problem(at, "its gateway takes TLS 1.2 too, and answers nothing at port 80")
