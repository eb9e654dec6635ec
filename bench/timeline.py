"""A picture of what happened over some seconds or minutes: panels over one axis of time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Mark", "Panel", "picture"]

WIDTH, LEFT, RIGHT = 900, 90, 20
PANEL, GAP, TOP, LINE = 110, 34, 62, 18
INK, FAINT, MARK = "#1f2933", "#d9dee4", "#9b2c2c"
COLOURS = ("#2b6cb0", "#2f855a", "#c05621")
TICKS = (5, 10, 30, 60, 120, 300)
MOST_TICKS = 12


@dataclass(frozen=True, slots=True)
class Panel:
    """One line: `(seconds, value)` in order; each value holds until the next."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment: a thin line through all panels, and its words."""

    seconds: float
    text: str


def picture(title: str, panels: Sequence[Panel], marks: Sequence[Mark] = ()) -> str:
    """An SVG, the same bytes for the same values."""
    whole = max((at for each in panels for at, _ in each.points), default=0.0) or 1.0
    bottom = TOP + len(panels) * (PANEL + GAP) - GAP
    height = bottom + 40 + LINE * len(marks)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            f' font-family="system-ui, sans-serif" font-size="13" fill="{INK}">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="26" font-size="16">{escape(title)}</text>',
    ]
    for place, each in enumerate(panels):
        parts += drawn(each, COLOURS[place % len(COLOURS)], TOP + place * (PANEL + GAP), whole)
    every = next((tick for tick in TICKS if whole / tick <= MOST_TICKS), TICKS[-1])
    for seconds in range(0, int(whole) + 1, every):
        x = across(seconds, whole)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{seconds} s</text>')
    for number, mark in enumerate(marks, 1):
        x, y = across(mark.seconds, whole), bottom + 22 + LINE * number
        parts += [
            (
                f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="{MARK}"'
                ' stroke-dasharray="3 3"/>'
            ),
            f'<text x="{x + 3:.1f}" y="{TOP + 11}" font-size="11" fill="{MARK}">{number}</text>',
            f'<text x="{LEFT}" y="{y}">{number}. {mark.seconds:.0f} s: {escape(mark.text)}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def drawn(each: Panel, colour: str, top: float, whole: float) -> list[str]:
    """The panel, from 0 to its highest value."""
    most = max((value for _, value in each.points), default=0.0) or 1.0
    bottom = top + PANEL
    path: list[str] = []
    for at, value in each.points:
        x, y = across(at, whole), bottom - PANEL * value / most
        path.append(f"H{x:.1f}V{y:.1f}" if path else f"M{x:.1f},{y:.1f}")
    right = WIDTH - RIGHT
    return [
        f'<line x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}" stroke="{FAINT}"/>',
        f'<line x1="{LEFT}" y1="{top}" x2="{right}" y2="{top}" stroke="{FAINT}"/>',
        f'<text x="{LEFT - 8}" y="{top + 5}" text-anchor="end">{_figure(most)}</text>',
        f'<text x="{LEFT - 8}" y="{bottom + 4}" text-anchor="end">0</text>',
        f'<text x="{LEFT}" y="{top - 6}" fill="{colour}">{escape(each.name)}</text>',
        f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="2"/>',
    ]


def across(at: float, whole: float) -> float:
    """Where a moment lies on the axis."""
    return LEFT + (WIDTH - LEFT - RIGHT) * at / whole


def _figure(value: float) -> str:
    """Three digits, and thousands as people write them: 0.25, 300, 3,550."""
    return f"{float(f'{value:.3g}'):,g}"
