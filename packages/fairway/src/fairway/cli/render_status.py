"""A status as a picture in the terminal: the same for `status` and for the live view. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fairway.core.status import (
    EventLine,
    JobLine,
    NodeLine,
    ReplicaLine,
    ServiceLine,
    Status,
    WorkerLine,
)

__all__ = ["as_svg", "history", "picture"]

# A mark says the same as its colour: nothing is told by colour alone.
STATES = {
    "up": ("●", "green"),
    "ready": ("●", "green"),
    "idle": ("○", "dim"),
    "running": ("◐", "cyan"),
    "starting": ("◐", "yellow"),
    "waiting": ("◔", "yellow"),
    "stopping": ("◑", "yellow"),
    "unready": ("◌", "yellow"),
    "down": ("✗", "red"),
    "hung": ("✗", "red"),
    "exited": ("✗", "red"),
    "failed": ("✗", "red"),
}
EVENTS = {"info": ("·", "dim"), "good": ("✓", "green"), "bad": ("✗", "red")}
STATE_WIDTH = 10  # of the longest state with its mark: all tables begin alike
BAR_WIDTH = 20


def picture(status: Status, *, events: int = 8) -> RenderableType:
    """The whole app: address, what runs with its replicas, nodes, jobs, what happened last."""
    parts: list[RenderableType] = [heading(status)]
    parts += [service(line, beside=status.url) for line in status.services]
    parts += [worker(line) for line in status.workers]
    if status.nodes:
        parts.append(nodes(status.nodes))
    if status.jobs:
        parts.append(jobs(status.jobs, status.now))
    recent = [event for event in status.events if event.at >= status.started_at]
    if recent and events:
        parts.append(happened(recent[-events:], status.app))
    return Group(*(Padding(part, (0, 0, 1, 1), expand=False) for part in parts))


def as_svg(status: Status, *, width: int = 118) -> str:
    """The picture as SVG, for a page or a report."""
    console = Console(record=True, width=width, file=StringIO(), force_terminal=True)
    console.print(picture(status))
    drawn = console.export_svg(title=f"fairway status: {status.app}", unique_id="fairway")
    # Rich names a web font; a picture loads nothing from elsewhere.
    return re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL).replace(
        "Fira Code", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono"
    )


def heading(status: Status) -> Text:
    line = Text.assemble((status.app or "…", "bold"), f"  {status.environment}  ")
    line.append_text(state(status.phase))
    if status.url:
        line.append("  ").append(status.url, style="bold underline")
    if status.revision:
        line.append(f"  revision {status.revision}", style="dim")
    line.append(f"  up {age(status.now - status.started_at)}", style="dim")
    return line


def service(line: ServiceLine, *, beside: str) -> RenderableType:
    """Its figures, its address if it is not said already, its release, its replicas."""
    head = Text.assemble((line.name, "bold"), f"  {line.ready} of {line.wanted} ready")
    head.append(f"  {line.requests_per_second:.0f} requests/s")
    head.append(f"  p95 {milliseconds(line.p95_ms)}")
    errors = f"  errors {line.error_percent:.2g}%"
    head.append(errors, style="red" if line.error_percent else "")
    if line.in_flight or line.queued:
        head.append(f"  in flight {line.in_flight}, queued {line.queued}")
    if line.url and line.url != beside:
        head.append("  ").append(line.url, style="dim")
    parts: list[RenderableType] = [head]
    if line.release:
        parts.append(release(line))
    parts.append(replicas(line.replicas))
    return Group(*parts)


def worker(line: WorkerLine) -> RenderableType:
    """How many of it run, its release, its replicas."""
    head = Text.assemble((line.name, "bold"), f"  {line.ready} of {line.wanted} running  worker")
    parts: list[RenderableType] = [head]
    if line.release:
        parts.append(Text(f"release: {line.release}", "cyan"))
    parts.append(replicas(line.replicas))
    return Group(*parts)


def release(line: ServiceLine) -> Text:
    """How much of the traffic is on the new revision, and what is waited for."""
    filled = round(line.release_percent / 100 * BAR_WIDTH)
    bar = "█" * filled + "░" * (BAR_WIDTH - filled)
    return Text(f"release {bar} {line.release_percent:3.0f}%  {line.release}", "cyan")


def replicas(lines: Sequence[ReplicaLine]) -> Table:
    table = grid(6)
    for line in lines:
        table.add_row(
            state(line.state),
            line.name,
            line.revision,
            f":{line.port}" if line.port else "",
            age(line.uptime_seconds),
            f"{line.rss_mib:.0f} MiB" if line.rss_mib else "",
        )
    return table


def nodes(lines: Sequence[NodeLine]) -> Table:
    table = grid(4)
    for line in lines:
        kind = line.kind if line.kind != line.name else ""
        table.add_row(state(line.state), Text(line.name, "bold"), kind, line.address)
    return table


def jobs(lines: Sequence[JobLine], now: float) -> Table:
    """Every job; where the terminal is narrow, what triggers it is cut short."""
    table = grid(5, shrinks=2)
    for line in lines:
        last = ""
        if line.last_exit_code is not None and line.last_ended_at is not None:
            word = "ok" if line.last_exit_code == 0 else f"exit {line.last_exit_code}"
            took = f"{line.last_seconds or 0.0:.1f} s"
            last = f"{word} in {took}, {age(now - line.last_ended_at)} ago"
        coming = "" if line.next_at is None else f"next in {age(line.next_at - now)}"
        name = Text(line.name, "bold")
        trigger = Text(line.trigger, no_wrap=True, overflow="ellipsis")
        table.add_row(state(line.state), name, trigger, last, coming)
    return table


def history(line: JobLine) -> RenderableType:
    """A job's runs, newest last, with where each one's output is."""
    table = Table.grid(padding=(0, 2))
    for run in line.history:
        done = Text("· none", "dim")
        if run.exit_code is not None:
            done = Text("✓ ok", "green") if run.exit_code == 0 else Text("✗ failed", "red")
        code = "" if run.exit_code in {None, 0} else f"exit code {run.exit_code}"
        tried = f"try {run.attempt}" if run.attempt > 1 else ""
        words = ", ".join(each for each in (run.cause, tried, code, run.note) if each)
        took = f"{run.seconds:.1f} s" if run.exit_code is not None else ""
        output = f".fairway/logs/{run.run}.log" if run.run and not line.steps else ""
        table.add_row(f"{moment(run.started_at)} UTC", done, run.run, took, words, output)
    head = Text.assemble((line.name, "bold"), f"  {line.trigger}")
    return Group(head, table if line.history else Text("no run yet", "dim"))


def happened(events: Sequence[EventLine], app: str) -> Table:
    """The last events, UTC; of one with more lines the first."""
    table = Table.grid(padding=(0, 1))
    for event in events:
        mark, style = EVENTS[event.level]
        at = datetime.fromtimestamp(event.at, UTC).strftime("%H:%M:%S")
        first = event.text.splitlines()[0] if event.text else ""
        node = Text(event.node or app, "bold" if event.node else "dim")
        table.add_row(Text(at, "dim"), Text(mark, style), node, first)
    return table


def grid(columns: int, *, shrinks: int | None = None) -> Table:
    """A table without lines; with `shrinks`, only that column gives way where space is short."""
    table = Table.grid(padding=(0, 2))
    for number in range(columns):
        fixed = shrinks is not None and number != shrinks
        # Rich counts a column without text as 0 wide when it measures, as 1 when it draws.
        table.add_column(no_wrap=fixed, min_width=STATE_WIDTH if number == 0 else 1)
    return table


def state(word: str) -> Text:
    mark, style = STATES.get(word, ("·", ""))
    return Text(f"{mark} {word}", style)


def age(seconds: float) -> str:
    """90 -> `1m 30s`."""
    whole = max(0, int(seconds))
    for unit, size, smaller, small in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "m", 60),
        ("m", 60, "s", 1),
    ):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // small}{smaller}"
    return f"{whole}s"


def milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def moment(at: float) -> str:
    """A time of another day, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%m-%d %H:%M:%S")
