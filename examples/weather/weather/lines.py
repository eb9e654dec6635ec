"""Judges the lines of a station's file: which may be stored, which are put aside, and why.

Purpose: the rules of the data, in one place, for every database. Pure: bytes in, batches out;
nothing here reads a file or knows a table.

A line holds `YYYYMMDD, tmax, tmin, prcp`, separated by tabs, in tenths of °C and of mm, with
-9999 for a missing value. Almost all lines are right, and there are millions of them. So a whole
chunk is judged at once: one expression matches good lines, and of the dates each *different* one
is judged once for all files. Only a chunk in which something is wrong is taken line by line.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from operator import itemgetter

__all__ = [
    "FIRST_YEAR",
    "MISSING",
    "STATES",
    "Batch",
    "Judge",
    "Reject",
    "station_of",
    "whole_lines",
]

MISSING = -9999
FIRST_YEAR = 1700

# The five states of the data set, by the first two digits of the COOP number.
STATES = {"25": "NE", "13": "IA", "11": "IL", "12": "IN", "33": "OH"}

COLDEST, HOTTEST = -900, 600  # tenths of °C
LONGEST_LINE = 4096  # bytes; nothing that long is an observation
LONGEST_RAW = 200  # characters kept of a line that is put aside

NUMBER = re.compile(rb"-?[0-9]{1,9}")
DAY = re.compile(rb"[0-9]{8}")
STATION = re.compile(r"[A-Z]{2}[A-Z0-9]{9}")
DAY_OF = itemgetter(slice(8))
YEAR_OF = itemgetter(slice(4))

# Lines in which only the date can still be wrong, written as a database would write them: no
# `-0`, no leading zeros. It accepts nothing that the rules below would not.
GOOD_TEMPERATURE = rb"(?:-?(?:[1-5][0-9]{0,2}|[6-9][0-9]?)|0|-9999|600|-[678][0-9]{2}|-900)"
GOOD_RAIN = rb"(?:0|[1-9][0-9]{0,8}|-9999)"
GOOD_LINES = re.compile(
    rb"(?:[0-9]{8}\t%b\t%b\t%b\n)*+" % (GOOD_TEMPERATURE, GOOD_TEMPERATURE, GOOD_RAIN)
)


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is not stored: its number in the file, counted from 1, the reason, its text."""

    line: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines of a file, judged.

    `text` holds the good ones, in the order of the file: date, tmax, tmin and prcp as digits and
    signs, one tab between them, a line feed behind. No date comes twice in a file. `years` counts
    them by year.
    """

    text: bytes
    years: Counter[int]
    rejects: tuple[Reject, ...] = ()

    @property
    def rows(self) -> int:
        return self.years.total()

    def fields(self) -> list[bytes]:
        """Date, maximum, minimum and rain of each row, one after the other."""
        return self.text.split()


def station_of(key: str) -> str | None:
    """Read the station's id from a file's name: `incoming/USC00110072.txt`."""
    stem = key.rpartition("/")[2].partition(".")[0]
    return stem if STATION.fullmatch(stem) else None


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a file's chunks behind a line's end, and end the last line if the file does not.

    A line longer than `LONGEST_LINE` is handed on in part, so that a file without line ends
    can't fill the memory; the rest of it is dropped.
    """
    rest = b""
    is_dropping = False
    for chunk in chunks:
        text = rest + chunk
        if is_dropping:
            _, found, text = text.partition(b"\n")
            is_dropping = not found
        cut = text.rfind(b"\n") + 1
        if cut:
            yield text[:cut]
        rest = text[cut:]
        if len(rest) > LONGEST_LINE:
            yield rest[:LONGEST_LINE] + b"\n"
            rest, is_dropping = b"", True
    if rest:
        yield rest + b"\n"


class Judge:
    """Judges files one after the other; one per thread. `today` is the last day that may be.

    Call `begin` for each file, then `judge` for each of its pieces, in order.
    """

    def __init__(self, today: date) -> None:
        self._today = today
        self._known_days: set[bytes] = set()
        self._seen: set[bytes] = set()
        self._line = 0

    def begin(self) -> None:
        """Forget the dates and the line numbers of the file before."""
        self._seen = set()
        self._line = 0

    def judge(self, text: bytes) -> Batch:
        """Judge whole lines, the last one ended too."""
        count = text.count(b"\n")
        plain = _without_padding(text)
        days = self._days_if_all_good(plain, count)
        batch = self._line_by_line(text) if days is None else Batch(plain, _by_year(days))
        self._line += count
        return batch

    def _days_if_all_good(self, text: bytes, count: int) -> set[bytes] | None:
        if not GOOD_LINES.fullmatch(text):
            return None
        days = set(map(DAY_OF, text.split(b"\n")))
        days.discard(b"")  # behind the last line's end
        if len(days) != count or not self._seen.isdisjoint(days):
            return None
        for fresh in days - self._known_days:
            if self._wrong_day(fresh):
                return None
            self._known_days.add(fresh)
        self._seen = self._seen | days if self._seen else days
        return days

    def _line_by_line(self, text: bytes) -> Batch:
        good: list[bytes] = []
        days: list[bytes] = []
        rejects: list[Reject] = []
        for number, line in enumerate(text.split(b"\n")[:-1], start=self._line + 1):
            fields = [field.strip() for field in line.split(b"\t")]
            if fields == [b""]:
                continue
            reason = self._wrong(fields)
            if reason:
                rejects.append(Reject(number, reason, _readable(line)))
                continue
            self._seen.add(fields[0])
            days.append(fields[0])
            numbers = (b"%d" % int(field) for field in fields[1:])
            good.append(b"\t".join((fields[0], *numbers)) + b"\n")
        return Batch(b"".join(good), _by_year(days), tuple(rejects))

    def _wrong(self, fields: list[bytes]) -> str | None:
        if len(fields) != 4:
            return f"malformed: {len(fields)} fields, not 4"
        day, tmax, tmin, rain = fields
        return (
            self._wrong_day(day)
            or _wrong_temperature("tmax", tmax)
            or _wrong_temperature("tmin", tmin)
            or _wrong_rain(rain)
            or ("repeated: this file has the date before" if day in self._seen else None)
        )

    def _wrong_day(self, token: bytes) -> str | None:
        if not DAY.fullmatch(token):
            return "malformed: the date is not YYYYMMDD"
        try:
            day = date(int(token[:4]), int(token[4:6]), int(token[6:]))
        except ValueError:
            return "impossible date: not in the calendar"
        if day.year < FIRST_YEAR:
            return f"impossible date: before {FIRST_YEAR}"
        if day > self._today:
            return "impossible date: in the future"
        return None


def _wrong_temperature(name: str, token: bytes) -> str | None:
    if not NUMBER.fullmatch(token):
        return f"malformed: {name} is not a whole number"
    value = int(token)
    if value != MISSING and not COLDEST <= value <= HOTTEST:
        return f"out of range: {name} is {value / 10} °C, not -90 to 60"
    return None


def _wrong_rain(token: bytes) -> str | None:
    if not NUMBER.fullmatch(token):
        return "malformed: prcp is not a whole number"
    value = int(token)
    if value != MISSING and value < 0:
        return f"out of range: prcp is {value / 10} mm, below 0"
    return None


def _by_year(days: Iterable[bytes]) -> Counter[int]:
    years = Counter(map(YEAR_OF, days))
    return Counter({int(year): count for year, count in years.items()})


def _without_padding(text: bytes) -> bytes:
    """Take off the spaces that some files put before their values, and carriage returns."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    while b"\t " in text:
        text = text.replace(b"\t ", b"\t")
    return text


def _readable(line: bytes) -> str:
    text = line[: 4 * LONGEST_RAW].decode(errors="replace").rstrip("\r")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:LONGEST_RAW]
