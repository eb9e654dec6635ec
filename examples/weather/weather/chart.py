"""Draws a station's years: mean temperatures as lines, rain as bars.

Pure: statistics in, SVG out. Colours and type come from the page's style; nothing is told by
colour alone, each mark has its words as a title.
"""

import math
from collections.abc import Callable, Sequence
from html import escape

from weather.models import StationYear

__all__ = ["draw"]

WIDTH, HEIGHT = 860, 320
LEFT, RIGHT, TOP, BOTTOM = 44, 48, 14, 28
FLOOR = HEIGHT - BOTTOM

Scale = Callable[[float], float]


def draw(station_id: str, years: Sequence[StationYear]) -> str:
    """Draw the years as one SVG element; there must be at least one."""
    first, last = years[0].year, years[-1].year
    slot = (WIDTH - LEFT - RIGHT) / (last - first + 1)

    def across(year: float) -> float:
        return LEFT + (year - first + 0.5) * slot

    means = [
        mean
        for row in years
        for mean in (row.mean_max_temperature_celsius, row.mean_min_temperature_celsius)
        if mean is not None
    ]
    rains = [row.total_precipitation_cm for row in years if row.total_precipitation_cm is not None]
    warmth, degrees = _axis(min(means, default=0.0), max(means, default=1.0))
    wetness, centimetres = _axis(0.0, max(rains, default=1.0), share=0.5)
    parts = [
        *_grid(warmth, degrees, wetness, centimetres),
        *_years(first, last, across),
        *_bars(years, across, wetness, 0.62 * slot),
        *_line("max", [(y.year, y.mean_max_temperature_celsius) for y in years], across, warmth),
        *_line("min", [(y.year, y.mean_min_temperature_celsius) for y in years], across, warmth),
    ]
    label = f"Mean temperatures and rain of {station_id}, {first} to {last}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        + "".join(parts)
        + "</svg>"
    )


def _axis(low: float, high: float, share: float = 1.0) -> tuple[Scale, list[float]]:
    """Choose some round ticks around the values, and a scale for this share of the height."""
    rough = max(high - low, 1e-9) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    begin = step * math.floor(low / step)
    count = max(1, math.ceil((high - begin) / step - 1e-9))
    end = begin + count * step

    def scale(value: float) -> float:
        return FLOOR - (value - begin) / (end - begin) * share * (FLOOR - TOP)

    return scale, [begin + number * step for number in range(count + 1)]


def _grid(
    warmth: Scale, degrees: list[float], wetness: Scale, centimetres: list[float]
) -> list[str]:
    lines = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{warmth(value):.1f}"'
        f' y2="{warmth(value):.1f}"/>'
        f'<text x="{LEFT - 8}" y="{warmth(value) + 4:.1f}" text-anchor="end">{value:g}°</text>'
        for value in degrees
    ]
    return lines + [
        f'<text x="{WIDTH - RIGHT + 8}" y="{wetness(value) + 4:.1f}">{value:g} cm</text>'
        for value in centimetres
    ]


def _years(first: int, last: int, across: Scale) -> list[str]:
    apart = next(step for step in (1, 2, 5, 10, 20, 50) if (last - first) / step <= 12)
    return [
        f'<text x="{across(year):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{year}</text>'
        for year in range(first, last + 1)
        if year % apart == 0
    ]


def _bars(years: Sequence[StationYear], across: Scale, wetness: Scale, width: float) -> list[str]:
    return [
        f'<rect class="rain" x="{across(row.year) - width / 2:.1f}" width="{width:.1f}"'
        f' y="{wetness(rain):.1f}" height="{FLOOR - wetness(rain):.1f}">'
        f"<title>{row.year}: {rain:.1f} cm of rain</title></rect>"
        for row in years
        if (rain := row.total_precipitation_cm) is not None
    ]


def _line(
    name: str, points: list[tuple[int, float | None]], across: Scale, warmth: Scale
) -> list[str]:
    """Draw a line that breaks where a year has no value, with a dot for each that has."""
    path: list[str] = []
    dots: list[str] = []
    before: int | None = None
    for year, mean in points:
        if mean is None:
            continue
        x, y = f"{across(year):.1f}", f"{warmth(mean):.1f}"
        path.append(f"{'L' if before == year - 1 else 'M'}{x} {y}")
        dots.append(
            f'<circle class="{name}-dot" cx="{x}" cy="{y}" r="3">'
            f"<title>{year}: mean {name}imum {mean:.1f} °C</title></circle>"
        )
        before = year
    return [f'<path class="{name}" d="{" ".join(path)}"/>', *dots]
