"""Writes the files of imagined stations: `python -m weather.generate --out data/incoming`.

The same arguments write the same bytes, on every machine. What is drawn, `weather.climate` says.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from weather.climate import station_file, station_ids
from weather.files import Folder, Source, Unreadable, open_source
from weather.lines import FIRST_YEAR
from weather.settings import Settings, log_to_stderr

__all__ = ["generate", "main"]

UPLOADS_AT_ONCE = 8


def generate(
    target: Source, stations: int, years: tuple[int, int], seed: int, *, dirty: bool
) -> tuple[int, int]:
    """Draw the stations, write a file for each, and count files and lines."""
    ids = station_ids(stations, seed)
    lines = 0
    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as uploads:
        writes = [
            (content.count(b"\n"), uploads.submit(target.write, f"{station}.txt", content))
            for station, content in zip(ids, _drawn(ids, years, seed, dirty), strict=True)
        ]
        for count, write in writes:
            write.result()
            lines += count
    return len(ids), lines


def _drawn(ids: list[str], years: tuple[int, int], seed: int, dirty: bool) -> Iterator[bytes]:
    """Draw the files in order, on all processors when there is much to draw."""
    draw = partial(station_file, seed=seed, first_year=years[0], last_year=years[1], dirty=dirty)
    processors = os.cpu_count() or 1
    if processors == 1 or len(ids) * (years[1] - years[0] + 1) < 100:
        yield from map(draw, ids)
        return
    with ProcessPoolExecutor(processors, mp_context=get_context("forkserver")) as pool:
        yield from pool.map(draw, ids)


def main(arguments: list[str] | None = None) -> int:
    """Write the files, print the outcome as one line of JSON, and return the exit code."""
    options = _parser().parse_args(arguments)
    first, last = options.first, options.last
    if options.small:
        options.stations, first, last = 5, 2010, 2012
    if not FIRST_YEAR <= first <= last <= datetime.now(UTC).year:
        _parser().error(f"the years must be {FIRST_YEAR} to now, the first before the last")
    settings = Settings.from_environment(os.environ)
    log_to_stderr(settings.log_level)
    if options.upload and not settings.bucket:
        _parser().error("--upload needs BUCKET_NAME (and AWS_ENDPOINT_URL_S3 outside AWS)")
    started = time.monotonic()
    target = open_source(settings) if options.upload else Folder(options.out or settings.files)
    try:
        files, lines = generate(
            target, options.stations, (first, last), options.seed, dirty=options.dirty
        )
    except Unreadable as error:
        print(f"can't write {error}", file=sys.stderr)
        return 1
    seconds = round(time.monotonic() - started, 2)
    print(json.dumps({"files": files, "lines": lines, "seconds": seconds}))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m weather.generate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stations", type=int, default=167, help="how many (167)")
    parser.add_argument("--from", dest="first", type=int, default=1985, metavar="YEAR", help="1985")
    parser.add_argument("--to", dest="last", type=int, default=2014, metavar="YEAR", help="2014")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another climate (1)")
    parser.add_argument("--small", action="store_true", help="5 stations, 2010 to 2012")
    parser.add_argument("--dirty", action="store_true", help="add lines that no loader may store")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, metavar="DIR", help="a folder (WEATHER_FILES)")
    where.add_argument("--upload", action="store_true", help="the bucket BUCKET_NAME")
    return parser


if __name__ == "__main__":
    sys.exit(main())
