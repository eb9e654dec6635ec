"""How much memory programs hold: the sum of their resident sets, here or in an engine's containers.

What several of a program's processes share is counted once for each, on both sides alike.
"""

from fairway.targets.local import procfs

__all__ = ["listed_mib", "tree_mib"]

MIB = 1 << 20


def tree_mib(leader: int) -> float:
    """MiB of a process and all its descendants."""
    family = procfs.members(procfs.scan(), leader)
    return sum(procfs.resident_bytes([each.pid]) for each in family) / MIB


def listed_mib(listing: str) -> float:
    """MiB in what `ps -o pid,rss` printed: a line of titles, then KiB in the second column."""
    return sum(int(line.split()[1]) for line in listing.splitlines()[1:]) / 1024
