"""The picture of `bench autoscale`: what came, how many answered, and how soon. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan

__all__ = ["Moment", "picture"]

WIDTH, LEFT, RIGHT = 900, 90, 20
PANEL, GAP, TOP = 110, 34, 46
INK, FAINT = "#1f2933", "#d9dee4"
COLOURS = ("#2b6cb0", "#2f855a", "#c05621")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One look: `at` in seconds (monotonic), `rate` requests a second; None: nothing was timed."""

    at: float
    rate: float
    wanted: int
    ready: int
    p95_ms: float | None


Reading = Callable[[Moment], float]


def picture(moments: Sequence[Moment]) -> str:
    """An SVG of three panels over one axis of seconds."""
    panels: tuple[tuple[str, Reading], ...] = (
        ("requests a second", lambda each: each.rate),
        ("replicas ready", lambda each: float(each.ready)),
        ("p95, ms", lambda each: each.p95_ms if each.p95_ms is not None else float("nan")),
    )
    height = TOP + len(panels) * (PANEL + GAP) + 16
    begin, end = moments[0].at, max(moments[-1].at, moments[0].at + 1)
    title = "A step in the load, and the replicas that follow"
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            f' font-family="system-ui, sans-serif" font-size="13" fill="{INK}">'
        ),
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="26" font-size="16">{title}</text>',
    ]
    for place, (name, reading) in enumerate(panels):
        top = TOP + place * (PANEL + GAP)
        points = [(each.at - begin, reading(each)) for each in moments]
        parts += panel(name, COLOURS[place], points, top, end - begin)
    bottom = TOP + len(panels) * (PANEL + GAP) - GAP
    for seconds in range(0, int(end - begin) + 1, 60):
        x = across(seconds, end - begin)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{seconds} s</text>')
    return "\n".join([*parts, "</svg>", ""])


def panel(
    name: str, colour: str, points: Sequence[tuple[float, float]], top: float, seconds: float
) -> list[str]:
    """One line over time, from 0 to its highest value."""
    known = [(at, value) for at, value in points if not isnan(value)]
    most = max((value for _, value in known), default=0.0) or 1.0
    bottom = top + PANEL
    path: list[str] = []
    for at, value in known:
        x, y = across(at, seconds), bottom - PANEL * value / most
        path.append(f"H{x:.1f}V{y:.1f}" if path else f"M{x:.1f},{y:.1f}")
    return [
        f'<line x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}" stroke="{FAINT}"/>',
        f'<line x1="{LEFT}" y1="{top}" x2="{WIDTH - RIGHT}" y2="{top}" stroke="{FAINT}"/>',
        f'<text x="{LEFT - 8}" y="{top + 5}" text-anchor="end">{most:.0f}</text>',
        f'<text x="{LEFT - 8}" y="{bottom + 4}" text-anchor="end">0</text>',
        f'<text x="{LEFT}" y="{top - 6}" fill="{colour}">{name}</text>',
        f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="2"/>',
    ]


def across(at: float, seconds: float) -> float:
    """Where a moment lies on the axis."""
    return LEFT + (WIDTH - LEFT - RIGHT) * at / seconds
