"""Limits of AWS Lambda and of its gateway that can be known beforehand (quotas of 2026-11). Pure.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
"""

import re
from collections.abc import Iterator

from fairway.core.problem import Problem
from fairway.core.spec.model import App, Service, Timeouts
from fairway.core.spec.wiring import wires
from fairway.targets.aws.render.function import (
    LEAST_MEMORY_MIB,
    LONGEST_BEHIND_GATEWAY_SECONDS,
    LONGEST_SECONDS,
    MOST_MEMORY_MIB,
)
from fairway.targets.aws.render.wiring import port_of

__all__ = ["function_limits"]

MOST_COPIES = 900  # of an account's first 1,000; AWS keeps 100 for functions without a number
TAKEN_PORTS = {3000: "Lambda Insights", 9001: "Lambda's own interface"}
MOST_OWN_VARIABLES_BYTES = 2_500  # of 4,096 for all; the rest is left for those that Fairway adds
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
RESERVED = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_REGION|REGION|EXECUTION_ENV|ACCESS_KEY|ACCESS_KEY_ID"
    r"|SECRET_ACCESS_KEY|SESSION_TOKEN|LAMBDA_.*)|LAMBDA_(TASK_ROOT|RUNTIME_DIR)|TZ"
)
SECRET = frozenset({"cache", "database", "secret"})


def function_limits(app: App, node: Service) -> Iterator[Problem]:
    """Every limit that this function would run into."""
    at = f"service.{node.name}"
    if node.script is not None:
        what = "a script speaks to its page by WebSocket, which no HTTP API carries"
        yield Problem(f"{at}.script", what, 'Write kind = "container".')
    users = [other.name for other in app.programs.values() if node.name in other.uses]
    users += [job.name for job in app.jobs.values() if node.name in job.uses]
    if users and not node.public:
        what = f"{users[0]} uses it, and a function has no address but its public one"
        yield Problem(f"{at}.public", what, 'Write public = true, or kind = "container".')
    yield from _of_size(at, node)
    yield from _of_time(at, node)
    yield from _of_variables(app, at, node)


def _of_size(at: str, node: Service) -> Iterator[Problem]:
    if not LEAST_MEMORY_MIB <= node.memory_mib <= MOST_MEMORY_MIB:
        what = f"a function has from {LEAST_MEMORY_MIB} to {MOST_MEMORY_MIB:,} MiB"
        yield Problem(f"{at}.memory", what)
    if node.replicas.maximum > MOST_COPIES:
        what = f"an account keeps at most {MOST_COPIES} copies free for one function at first"
        yield Problem(f"{at}.replicas", what, "Write fewer, or ask AWS for more and patch it.")
    taken = TAKEN_PORTS.get(port_of(node))
    if taken is not None:
        yield Problem(f"{at}.port", f"inside a function it is taken by {taken}", "Write another.")


def _of_time(at: str, node: Service) -> Iterator[Problem]:
    """Longer than what waits for an answer; where the file says nothing, a gap says it."""
    seconds = node.timeouts.request_seconds
    is_said = seconds != Timeouts().request_seconds
    if node.public and is_said and seconds > LONGEST_BEHIND_GATEWAY_SECONDS:
        what = "the gateway gives up after 30 s"
        mend = f"Write at most {LONGEST_BEHIND_GATEWAY_SECONDS}s, and let a job do the work."
        yield Problem(f"{at}.timeouts.request", what, mend)
    elif seconds > LONGEST_SECONDS:
        what = "Lambda ends an invocation after 15 minutes"
        yield Problem(f"{at}.timeouts.request", what, f"Write at most {LONGEST_SECONDS}s.")


def _of_variables(app: App, at: str, node: Service) -> Iterator[Problem]:
    for name in node.variables:
        if RESERVED.fullmatch(name):
            yield Problem(f"{at}.variables.{name}", "Lambda sets it itself", "Leave it out.")
        elif not NAME.fullmatch(name):
            what = "in a function a name begins with a letter, and has two characters or more"
            yield Problem(f"{at}.variables.{name}", what)
    size = sum(len(f"{name}{text}".encode()) for name, text in node.variables.items())
    if size > MOST_OWN_VARIABLES_BYTES:
        what = f"they take {size:,} bytes; a function has 4,096 for all of its variables"
        yield Problem(f"{at}.variables", what, "Keep long texts in a bucket.")
    if node.command is not None and any(wire.kind in SECRET for wire in wires(app, node)):
        what = "in a function the runtime reads passwords and secrets, and it does not start this"
        yield Problem(f"{at}.command", what, 'Name the app by asgi or wsgi, or kind = "container".')
