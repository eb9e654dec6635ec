"""What an estimate takes for granted, because the file does not say it: traffic and data.

Each has a name that the command line sets (`--assume requests_per_month=5e6`), a default and a
sentence. They are printed with every estimate: a cost without its traffic means nothing. Pure.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any

from fairway.core.problem import Problem, Problems, nearest
from fairway.core.spec.model import App

__all__ = ["Assumptions", "concerning", "documented", "supposing"]


def assumed(default: float, unit: str, doc: str) -> Any:
    """A number with its unit and what it stands for."""
    return field(default=default, metadata={"unit": unit, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Numbers a month unless their name says otherwise; GB are 10^9 bytes, as bills count."""

    requests_per_month: float = assumed(3e6, "requests", "to each service and each site")
    response_kb: float = assumed(20, "kB", "sent for one request")
    cpu_ms: float = assumed(20, "ms", "of processor time for one request")
    peak: float = assumed(2, "times", "the average traffic in the busiest hours")
    busy_hours: float = assumed(8, "hours", "of a day are the busiest")
    function_ms: float = assumed(100, "ms", "that a function takes for one request")
    edge_hits: float = assumed(80, "%", "of cacheable requests are answered at the edge")
    log_kb: float = assumed(1, "kB", "logged for one request")
    flow_kb: float = assumed(0.2, "kB", "that the network logs for one request")
    gateway_kb: float = assumed(0.3, "kB", "that the gateway of a function logs for one request")
    access_kb: float = assumed(1, "kB", "that balancer or CDN log for one request")
    egress_gb: float = assumed(10, "GB", "fetched from outside through NAT")
    joined_gb: float = assumed(10, "GB", "sent to each network that is joined, as much comes back")
    database_kb: float = assumed(5, "kB", "between service and database for one request")
    database_acu: float = assumed(1, "ACU", "in use by a serverless database, on average")
    database_ios: float = assumed(2, "I/Os", "of a serverless database for one request")
    bucket_gb: float = assumed(20, "GB", "in each bucket")
    bucket_puts: float = assumed(1e5, "objects", "written to each bucket")
    bucket_gets: float = assumed(1e6, "objects", "read from each bucket")
    object_kb: float = assumed(200, "kB", "in an object")
    table_ops: float = assumed(2, "reads", "of each table for one request, and half as many writes")
    stream_gb: float = assumed(5, "GB", "through each stream")
    job_minutes: float = assumed(5, "minutes", "that one run of a job takes")
    image_gb: float = assumed(0.3, "GB", "that one image takes in the registry")
    traced: float = assumed(10, "%", "of the requests are traced, where spans are sent")
    builds: float = assumed(40, "builds", "of images, where AWS builds them")
    build_minutes: float = assumed(3, "minutes", "that one build takes")


def documented() -> tuple[tuple[str, float, str, str], ...]:
    """Name, default, unit and sentence of each."""
    return tuple(
        (each.name, getattr(Assumptions(), each.name), each.metadata["unit"], each.metadata["doc"])
        for each in fields(Assumptions)
    )


def concerning(app: App, *, is_traced: bool = False, has_builds: bool = False) -> frozenset[str]:
    """The names of those that change what this app costs, as it is laid out."""
    serverless = any(each.serverless for each in app.databases.values())
    functions = any(each.kind == "function" for each in app.services.values())
    container = any(each.kind == "container" for each in app.services.values())
    kept = any(each.cache for each in app.services.values())
    balanced = any(each.public and each.kind == "container" for each in app.services.values())
    public = any(each.public for each in app.services.values()) or bool(app.sites)
    conditions = {
        "requests_per_month": bool(app.services) or bool(app.sites),
        "response_kb": public,
        "cpu_ms": container,
        "peak": container,
        "busy_hours": container,
        "function_ms": functions,
        "edge_hits": kept,
        "log_kb": bool(app.services),
        "flow_kb": bool(app.services),
        "gateway_kb": any(
            each.public and each.kind == "function" for each in app.services.values()
        ),
        "access_kb": balanced or kept or bool(app.sites),
        "joined_gb": bool(app.networks),
        "database_kb": any(each.is_server for each in app.databases.values()),
        "database_acu": serverless,
        "database_ios": serverless,
        "bucket_gb": bool(app.buckets) or bool(app.tables),
        "bucket_puts": bool(app.buckets),
        "bucket_gets": bool(app.buckets),
        "object_kb": bool(app.buckets) or bool(app.sites),
        "table_ops": bool(app.tables),
        "stream_gb": bool(app.streams),
        "job_minutes": bool(app.jobs),
        "image_gb": bool(app.jobs) or bool(app.programs),
        "traced": is_traced,
        "builds": has_builds,
        "build_minutes": has_builds,
    }
    return frozenset(each.name for each in fields(Assumptions) if conditions.get(each.name, True))


def supposing(assumptions: Assumptions, words: tuple[str, ...]) -> Assumptions:
    """The same, but for `NAME=NUMBER` words; raises `Problems` with all that are none."""
    names = [each.name for each in fields(Assumptions)]
    changed: dict[str, float] = {}
    wrong: list[Problem] = []
    for word in words:
        name, _, text = word.partition("=")
        if name not in names:
            near = nearest(name, names)
            mend = f"Did you mean {near}?" if near else f"There are {', '.join(names)}."
            wrong.append(Problem(f"--assume {word}", f"nothing is called {name}", mend))
        elif (number := amount(text)) is None:
            what = f"{text or 'nothing'} is not a number from 0 to 10^15"
            wrong.append(Problem(f"--assume {word}", what, f"Write it like {name}=5000."))
        elif name in {"edge_hits", "traced"} and number > 100:
            wrong.append(Problem(f"--assume {word}", "more than 100 %", "Write it like 80."))
        elif name == "busy_hours" and number > 24:
            wrong.append(Problem(f"--assume {word}", "a day has 24 hours", "Write it like 8."))
        else:
            changed[name] = number
    if wrong:
        raise Problems(wrong)
    return replace(assumptions, **changed)


def amount(text: str) -> float | None:
    """A plain number, from 0 to 10^15: `5000`, `5e6`, `5_000_000`."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= 1e15 else None
