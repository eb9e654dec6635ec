"""What this process costs: CPU, memory, and how late its event loop runs."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fairway_runtime import contract
from fairway_runtime.metrics import Labels, family

__all__ = ["LoopLag", "process_metrics"]

_WINDOW_SECONDS = 15.0
_STATM = Path("/proc/self/statm")
_MOST_INTERFACES = 16
_DISK = {
    "disk_reads": "Calls that read.",
    "disk_writes": "Calls that wrote.",
    "disk_read_bytes": "Bytes that came from a disk.",
    "disk_written_bytes": "Bytes that went to a disk.",
}
_FROM_IO = {
    "disk_reads": "syscr",
    "disk_writes": "syscw",
    "disk_read_bytes": "read_bytes",
    "disk_written_bytes": "write_bytes",
}
_STARTED = time.time() - time.process_time()


class LoopLag:
    """How late the event loop was at each look, and at worst lately.

    The worst covers the current window of 15 s and the one before, so a scrape every 15 s sees
    every stall once at least.
    """

    def __init__(self, now: float) -> None:
        self.last = 0.0
        self._worst = 0.0
        self._worst_before = 0.0
        self._window_ends = now + _WINDOW_SECONDS

    @property
    def worst(self) -> float:
        return max(self._worst, self._worst_before)

    def observe(self, now: float, due: float) -> None:
        """The loop meant to look at `due` and did at `now`."""
        self.last = max(0.0, now - due)
        if now >= self._window_ends:
            self._worst_before, self._worst = self._worst, 0.0
            self._window_ends = now + _WINDOW_SECONDS
        self._worst = max(self._worst, self.last)

    def collect(self) -> Iterator[str]:
        yield from family(
            contract.LOOP_LAG_METRIC,
            "gauge",
            "Seconds the event loop ran late at the last look.",
            [((), self.last)],
        )
        yield from family(
            contract.LOOP_LAG_MAX_METRIC,
            "gauge",
            "The worst of the last 15 to 30 seconds.",
            [((), self.worst)],
        )


def process_metrics() -> Iterator[str]:
    """CPU seconds since the start, resident memory, and when it started."""
    yield from family(
        contract.CPU_METRIC, "counter", "CPU seconds, user and system.", [((), time.process_time())]
    )
    yield from family(
        contract.MEMORY_METRIC, "gauge", "Resident memory in bytes.", [((), resident_bytes())]
    )
    yield from _host_metrics()
    yield from family(
        contract.STARTED_METRIC, "gauge", "When the process started, Unix time.", [((), _STARTED)]
    )


def _host_metrics() -> Iterator[str]:
    """What Linux says of this process's disk, network and limits (R172-R175); else nothing."""
    disk = _disk()
    for name, about in _DISK.items():
        if name in disk:
            yield from family(f"process_{name}_total", "counter", about, [((), disk[name])])
    received, sent = _network()
    yield from family("network_receive_bytes_total", "counter", "By interface.", received)
    yield from family("network_transmit_bytes_total", "counter", "By interface.", sent)
    descriptors = Path("/proc/self/fd")
    if descriptors.exists():
        count = len(list(descriptors.iterdir()))
        yield from family("process_open_fds", "gauge", "Open files and sockets.", [((), count)])
    threads = threading.active_count()
    yield from family("process_threads", "gauge", "Threads of Python.", [((), threads)])
    cores, memory = _limits()
    yield from family("cpu_limit_cores", "gauge", "What the process may use.", [((), cores)])
    if memory:
        yield from family("memory_limit_bytes", "gauge", "The container's.", [((), memory)])


def _disk() -> dict[str, int]:
    try:
        lines = Path("/proc/self/io").read_text("ascii").splitlines()
    except OSError:
        return {}
    found = {name: int(value) for name, _, value in (line.partition(": ") for line in lines)}
    return {ours: found[theirs] for ours, theirs in _FROM_IO.items() if theirs in found}


def _network() -> tuple[list[tuple[Labels, int]], list[tuple[Labels, int]]]:
    received: list[tuple[Labels, int]] = []
    sent: list[tuple[Labels, int]] = []
    try:
        lines = Path("/proc/self/net/dev").read_text("ascii").splitlines()[2:]
    except OSError:
        return received, sent
    for line in lines[:_MOST_INTERFACES]:
        name, _, numbers = line.partition(":")
        columns = numbers.split()
        labels: Labels = (("interface", name.strip()),)
        received.append((labels, int(columns[0])))
        sent.append((labels, int(columns[8])))
    return received, sent


def _limits() -> tuple[float, int]:
    """Cores, and bytes of memory or 0: the container's where it has any (cgroup 2)."""
    cores = float(os.cpu_count() or 1)
    memory = 0
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        cores = min(cores, int(quota) / int(period))
    with suppress(OSError, ValueError):
        memory = int(Path("/sys/fs/cgroup/memory.max").read_text("ascii"))
    return cores, memory


def resident_bytes() -> int:
    """Memory that the process holds now; at its highest, where the system has no /proc."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
