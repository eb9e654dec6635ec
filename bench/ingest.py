"""Loading 1.7 million rows of station files into the PostgreSQL that `fairway up` runs.

167 stations, every day from 1985 to 2014, generated before any clock starts. Each round loads
them into empty tables with `python -m weather.ingest` as the job does: from the bucket, with the
app's two replicas and its other servers at rest beside it; then computes the statistics, and loads
a second time, which must add nothing. The clock runs around the whole process, its start and its
imports included. `folder_seconds` is the same load from a folder. `copy_seconds` is what a load
can't beat: `psql` copies the same rows from one ready file into a table without a key. Memory is
the most that the process and its children have together.
"""

import json
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.bare import psql
from bench.project import Project, copied, is_short, median, say
from bench.result import Result
from fairway.targets.local import procfs
from fairway.targets.local.postgres import Postgres
from fairway.targets.local.processes import ProcessTable

REQUIREMENTS = ("R76",)

ROWS = 1_700_000
ROUNDS = 5
SHORT_ROUNDS = 1
LOOK_SECONDS = 0.01
GOALS = {
    "seconds": "<= 5",
    "statistics_seconds": "<= 1",
    "peak_mib": "<= 300",
    "second_load_rows": "== 0",
    "rows": f">= {ROWS}",
}
EMPTY = """
truncate observation, station, loaded_file, quarantine, coverage, station_year, job cascade;
"""
BARE_TABLE = """
drop table if exists bare;
create table bare (station integer, day date, tmax smallint, tmin smallint, prcp integer);
"""


def run() -> Result:
    """Round after round; medians."""
    with copied() as project:
        project.up_to_first_200()
        project.settle()
        project.exec("python", "-m", "weather.generate", "--upload")
        bench = Bench(project)
        with tempfile.TemporaryDirectory(prefix="fairway-bench-") as folder:
            project.exec("python", "-m", "weather.generate", "--out", folder)
            rows = joined(Path(folder))
            count = SHORT_ROUNDS if is_short() else ROUNDS
            rounds = [bench.round(Path(folder), rows) for _ in range(count)]
    figures = {name: median([each[name] for each in rounds]) for name in rounds[0]}
    figures["seconds_worst"] = max(each["seconds"] for each in rounds)
    figures["peak_mib"] = max(each["peak_mib"] for each in rounds)
    figures["ratio"] = figures["seconds"] / figures["copy_seconds"]
    return Result(figures, GOALS)


class Bench:
    """The loads of one running app."""

    def __init__(self, project: Project) -> None:
        self.variables, self.directory = project.as_job()
        self.url = self.variables["DATABASE_URL"]
        table = ProcessTable(project.layout.run)
        server = Postgres(project.layout.data / "postgres", table, "postgres")
        self.administrator = server.admin_environment()

    def round(self, folder: Path, rows: Path) -> dict[str, float]:
        """All figures once, from empty tables."""
        self.empty()
        copied_in = self.copy(rows)
        from_folder = {**self.variables, "WEATHER_FILES": str(folder)}
        del from_folder["BUCKET_NAME"]
        by_folder, _, _ = self.timed("ingest", from_folder)
        self.empty()
        seconds, peak, told = self.timed("ingest")
        counted, _, _ = self.timed("statistics")
        again, _, second = self.timed("ingest")
        say(f"loaded in {seconds:.2f} s, statistics {counted:.2f} s, bare copy {copied_in:.2f} s")
        return {
            "rows": float(told["rows_added"]),
            "seconds": seconds,
            "statistics_seconds": counted,
            "peak_mib": peak,
            "second_load_rows": float(second["rows_added"]),
            "second_load_seconds": again,
            "folder_seconds": by_folder,
            "copy_seconds": copied_in,
        }

    def empty(self) -> None:
        """Leave no rows, and nothing that is still to be written."""
        psql(EMPTY, self.url)
        psql("checkpoint;", environment=self.administrator)

    def copy(self, rows: Path) -> float:
        """Seconds of one plain COPY of all rows."""
        psql(BARE_TABLE, self.url)
        began = time.monotonic()
        psql(f"\\copy bare from '{rows}' (null '-9999')", self.url)
        return time.monotonic() - began

    def timed(
        self, module: str, variables: dict[str, str] | None = None
    ) -> tuple[float, float, dict[str, Any]]:
        """Seconds, most MiB, and what it said, of `python -m weather.<module>`."""
        began = time.monotonic()
        process = subprocess.Popen(
            [Path(self.variables["VIRTUAL_ENV"], "bin", "python"), "-m", f"weather.{module}"],
            cwd=self.directory,
            env=variables or self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        watch = Watch(process.pid)
        watch.start()
        output, _ = process.communicate()
        seconds = time.monotonic() - began
        watch.stop()
        if process.returncode:
            raise RuntimeError(f"weather.{module} ended with {process.returncode}")
        return seconds, watch.most_bytes / 2**20, json.loads(output)


class Watch(threading.Thread):
    """Looks every 10 ms how much memory a process and its descendants hold."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.most_bytes = 0
        self._pid = pid
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            held = procfs.resident_bytes([self._pid, *children(self._pid)])
            self.most_bytes = max(self.most_bytes, held)

    def stop(self) -> None:
        """Look no more."""
        self._is_over.set()
        self.join()


def children(pid: int) -> list[int]:
    """The processes that a process started, and those that these did."""
    found: list[int] = []
    for thread in procfs.threads(pid):
        try:
            text = Path(f"/proc/{pid}/task/{thread}/children").read_text()
        except OSError:
            continue
        for child in map(int, text.split()):
            found += [child, *children(child)]
    return found


def joined(folder: Path) -> Path:
    """One file of all stations' rows, each with its station's number before it."""
    path = folder / "rows.tsv"
    with path.open("wb") as file:
        for number, station in enumerate(sorted(folder.rglob("*.txt")), 1):
            prefix = b"%d\t" % number
            text = station.read_bytes().replace(b"\n", b"\n" + prefix)
            file.write(prefix + text[: -len(prefix)])
    os.sync()  # nothing of it is still to be written when the clock runs
    return path
