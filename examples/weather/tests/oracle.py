"""What must come out, worked out by brute force from the files alone.

Shares no code with the app: whole files in memory, one line at a time, whole tenths, fractions.
"""

from calendar import monthrange
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

Values = tuple[int | None, int | None, int | None]
Year = tuple[float | None, float | None, float | None, int, int, int]


@dataclass
class Truth:
    rows: dict[tuple[str, str], Values] = field(default_factory=dict[tuple[str, str], Values])
    rejected: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])

    def flagged(self) -> set[tuple[str, str]]:
        return {
            key
            for key, (tmax, tmin, _) in self.rows.items()
            if tmax is not None and tmin is not None and tmin > tmax
        }

    def between(
        self, station: str | None, start: str | None, end: str | None
    ) -> list[tuple[str, str]]:
        return sorted(
            (its_station, day)
            for its_station, day in self.rows
            if (station is None or its_station == station)
            and (start is None or day >= start)
            and (end is None or day <= end)
        )

    def yearly(self) -> dict[tuple[str, int], Year]:
        """Mean maximum and minimum in °C, rain in cm (each the nearest double), three counts."""
        columns: dict[tuple[str, int], tuple[list[int], list[int], list[int]]] = defaultdict(
            lambda: ([], [], [])
        )
        for (station, day), values in self.rows.items():
            of_year = columns[station, int(day[:4])]
            for column, value in zip(of_year, values, strict=True):
                if value is not None:
                    column.append(value)
        return {
            key: (
                float(Fraction(sum(highs), 10 * len(highs))) if highs else None,
                float(Fraction(sum(lows), 10 * len(lows))) if lows else None,
                float(Fraction(sum(rains), 100)) if rains else None,
                len(highs),
                len(lows),
                len(rains),
            )
            for key, (highs, lows, rains) in columns.items()
        }


def read(folder: Path) -> Truth:
    """Read every file of a folder, in the order of their names."""
    truth = Truth()
    for path in sorted(folder.iterdir()):
        station = path.name.split(".")[0]
        in_this_file: set[str] = set()
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
            if not line.strip():
                continue
            observed = observation(line)
            if observed is None or observed[0] in in_this_file:
                truth.rejected.add((path.name, number))
                continue
            day, *values = observed
            in_this_file.add(day)
            truth.rows.setdefault((station, day), (values[0], values[1], values[2]))
    return truth


def observation(line: bytes) -> tuple[str, int | None, int | None, int | None] | None:
    """Read a line; none if it may not be stored."""
    fields = [part.strip() for part in line.split(b"\t")]
    if len(fields) != 4 or len(fields[0]) != 8 or not fields[0].isdigit():
        return None
    digits = fields[0].decode()
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    if year < 1700 or not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1]:
        return None
    numbers: list[int | None] = []
    for part in fields[1:]:
        bare = part.removeprefix(b"-")
        if not bare.isdigit() or len(bare) > 9:
            return None
        numbers.append(None if int(part) == -9999 else int(part))
    tmax, tmin, rain = numbers
    for temperature in (tmax, tmin):
        if temperature is not None and not -900 <= temperature <= 600:
            return None
    if rain is not None and rain < 0:
        return None
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}", tmax, tmin, rain
