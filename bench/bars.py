"""Costs side by side: a bar for each, and its figure. Pure."""

from collections.abc import Sequence
from html import escape

__all__ = ["bars"]

WIDTH, LEFT, RIGHT, TOP, LINE, BAR = 900, 250, 90, 56, 30, 18
INK, FILL = "#1f2933", "#2b6cb0"


def bars(title: str, rows: Sequence[tuple[str, float]], unit: str) -> str:
    """An SVG of `(name, value)` from top to bottom; a value below 0 has no bar."""
    height = TOP + LINE * len(rows) + 10
    most = max((value for _, value in rows), default=0.0) or 1.0
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            f' font-family="system-ui, sans-serif" font-size="13" fill="{INK}">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="20" y="30" font-size="16">{escape(title)}</text>',
    ]
    for number, (name, value) in enumerate(rows):
        y = TOP + LINE * number
        long = max(0.0, value) / most * (WIDTH - LEFT - RIGHT)
        parts += [
            f'<text x="{LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{long:.1f}" height="{BAR}" fill="{FILL}"/>',
            f'<text x="{LEFT + long + 8:.1f}" y="{y + 14}">{value:.1f} {escape(unit)}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
