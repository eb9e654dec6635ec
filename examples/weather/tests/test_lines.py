"""The rules of the data, line by line and in bulk."""

import random
from datetime import date

import pytest
from weather.lines import Batch, Judge, station_of, whole_lines

from tests import oracle

TODAY = date(2026, 3, 1)


def judged(text: bytes, chunk: int = 1 << 20) -> list[Batch]:
    judge = Judge(TODAY)
    judge.begin()
    chunks = (text[place : place + chunk] for place in range(0, len(text), chunk))
    return [judge.judge(piece) for piece in whole_lines(chunks)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"these words are no observation", "malformed: 1 fields, not 4"),
        (b"20200101\t1\t2", "malformed: 3 fields, not 4"),
        (b"20200101\t1\t2\t3\t4", "malformed: 5 fields, not 4"),
        (b"2020-01-01\t1\t2\t3", "malformed: the date is not YYYYMMDD"),
        (b"20200101\t1.5\t2\t3", "malformed: tmax is not a whole number"),
        (b"20200101\t1\t\t3", "malformed: tmin is not a whole number"),
        (b"20200101\t1\t2\t1_0", "malformed: prcp is not a whole number"),
        (b"20200101\t1\t2\t9999999999", "malformed: prcp is not a whole number"),
        (b"20200101\t1\t2\t\xb2", "malformed: prcp is not a whole number"),
        (b"20210229\t1\t2\t3", "impossible date: not in the calendar"),
        (b"20201301\t1\t2\t3", "impossible date: not in the calendar"),
        (b"00000101\t1\t2\t3", "impossible date: not in the calendar"),
        (b"16991231\t1\t2\t3", "impossible date: before 1700"),
        (b"20260302\t1\t2\t3", "impossible date: in the future"),
        (b"20200101\t601\t2\t3", "out of range: tmax is 60.1 °C, not -90 to 60"),
        (b"20200101\t1\t-901\t3", "out of range: tmin is -90.1 °C, not -90 to 60"),
        (b"20200101\t1\t2\t-1", "out of range: prcp is -0.1 mm, below 0"),
    ],
)
def test_a_wrong_line_is_put_aside_with_its_number_and_reason(line: bytes, reason: str) -> None:
    good = b"20190101\t1\t2\t3\n"
    (batch,) = judged(good + line + b"\n" + b"20190102\t1\t2\t3\n")
    (reject,) = batch.rejects
    assert (reject.line, reject.reason) == (2, reason)
    assert reject.raw == line.decode(errors="replace")
    assert batch.rows == 2


@pytest.mark.parametrize(
    "line",
    [
        b"17000101\t-900\t-900\t0",
        b"20260301\t600\t600\t999999999",
        b"20200229\t-9999\t-9999\t-9999",
        b"20200101\t10\t20\t0",  # the minimum above the maximum: stored, and flagged there
    ],
)
def test_a_value_on_the_edge_of_its_range_is_stored(line: bytes) -> None:
    (batch,) = judged(line + b"\n")
    assert (batch.text, batch.rejects) == (line + b"\n", ())
    assert batch.years == {int(line[:4]): 1}


@pytest.mark.parametrize(
    ("line", "stored"),
    [
        (b"20200101\t  -22\t -128\t   94", b"20200101\t-22\t-128\t94\n"),
        (b"20200101\t1\t2\t3\r", b"20200101\t1\t2\t3\n"),
        (b" 20200101 \t1 \t2\t3", b"20200101\t1\t2\t3\n"),
        (b"20200101\t-0\t007\t-09999", b"20200101\t0\t7\t-9999\n"),
    ],
)
def test_spaces_zeros_and_carriage_returns_change_no_value(line: bytes, stored: bytes) -> None:
    assert [batch.text for batch in judged(line + b"\n")] == [stored]


@pytest.mark.parametrize("column", [1, 2, 3])
def test_every_value_is_judged_in_bulk_as_by_itself(column: int) -> None:
    for value in (*range(-1010, 1010), *range(-10_010, -9_990), 9999, 10_000, 999_999_999):
        fields = [b"20200101", b"10", b"0", b"0"]
        fields[column] = b"%d" % value
        line = b"\t".join(fields) + b"\n"
        (batch,) = judged(line)
        assert bool(batch.rows) == (oracle.observation(line) is not None), line
        assert batch.text in {line, b""}


def test_the_last_line_needs_no_end_and_an_empty_line_is_none() -> None:
    (first, last) = judged(b"20200101\t1\t2\t3\n\n20200102\t1\t2\t3")
    assert (first.rows, first.rejects) == (1, ())
    assert (last.rows, last.text) == (1, b"20200102\t1\t2\t3\n")


def test_the_second_line_of_a_date_is_put_aside_even_in_another_chunk() -> None:
    text = b"20200101\t1\t2\t3\n20200102\t1\t2\t3\n20200101\t9\t9\t9\n"
    for chunk in (1, 20, 1000):
        batches = judged(text, chunk)
        assert b"".join(batch.text for batch in batches) == text[:30]
        assert [reject.line for batch in batches for reject in batch.rejects] == [3]


def test_a_file_without_line_ends_does_not_fill_the_memory() -> None:
    endless = (b"x" * 100_000 for _ in range(50))
    pieces = list(whole_lines(endless))
    assert sum(map(len, pieces)) < 10_000
    assert sum(piece.count(b"\n") for piece in pieces) == 1


def test_what_follows_an_endless_line_is_read_and_numbered() -> None:
    text = b"x" * 9000 + b"\n20200101\t1\t2\t3\nwrong\n"
    batches = judged(text, 100)
    assert sum(batch.rows for batch in batches) == 1
    assert [reject.line for batch in batches for reject in batch.rejects] == [1, 3]


def test_a_line_that_is_kept_can_be_stored_as_text() -> None:
    (batch,) = judged(b"\x00\xff" + b"y" * 1000 + b"\n")
    (reject,) = batch.rejects
    assert "\0" not in reject.raw
    assert len(reject.raw) == 200


@pytest.mark.parametrize("seed", range(40))
def test_bulk_judging_agrees_with_brute_force_on_soiled_lines(seed: int) -> None:
    chance = random.Random(seed)
    lines = [
        f"{day.year}{day.month:02d}{day.day:02d}\t{chance.randint(-300, 400)}"
        f"\t{chance.randint(-300, 400)}\t{chance.randint(0, 900)}".encode()
        for day in (date.fromordinal(728_000 + number) for number in range(300))
    ]
    for _ in range(chance.choice([0, 1, 1, 2, 20])):
        place = chance.randrange(len(lines))
        line = bytearray(lines[place])
        line[chance.randrange(len(line))] = chance.choice(b"\t\n -09x\r.")
        lines[place] = bytes(line)
    text = b"\n".join(lines) + b"\n"

    seen: set[str] = set()
    rows: list[tuple[str, int | None, int | None, int | None]] = []
    rejected: list[int] = []
    for number, line in enumerate(text.split(b"\n"), start=1):
        if not line.strip():
            continue
        observed = oracle.observation(line)
        if observed is None or observed[0] in seen or observed[0] > TODAY.isoformat():
            rejected.append(number)
        else:
            seen.add(observed[0])
            rows.append(observed)

    batches = judged(text, chance.choice([7, 100, 1000, 1 << 20]))
    stored = [oracle.observation(line) for batch in batches for line in batch.text.splitlines()]
    assert stored == rows
    assert [reject.line for batch in batches for reject in batch.rejects] == rejected
    assert all(batch.text.count(b"\n") == batch.rows for batch in batches)


@pytest.mark.parametrize(
    ("key", "station"),
    [
        ("incoming/USC00110072.txt", "USC00110072"),
        ("USC00110072", "USC00110072"),
        ("incoming/2024/ASN00012345.txt.gz", "ASN00012345"),
        ("incoming/readme.txt", None),
        ("incoming/usc00110072.txt", None),
        ("incoming/", None),
    ],
)
def test_a_files_name_is_its_station(key: str, station: str | None) -> None:
    assert station_of(key) == station
