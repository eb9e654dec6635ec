"""The sizes that Fargate has (task CPU and memory, Linux, 2026-11).

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
"""

from typing import NamedTuple

__all__ = ["Size", "fitting"]


class Size(NamedTuple):
    """CPU units (1024 a processor) and memory."""

    cpu: int
    memory_mib: int


def _steps(first_gib: int, last_gib: int, step_gib: int) -> tuple[int, ...]:
    return tuple(gib * 1024 for gib in range(first_gib, last_gib + 1, step_gib))


MEMORY: tuple[tuple[int, tuple[int, ...]], ...] = (
    (256, (512, 1024, 2048)),
    (512, _steps(1, 4, 1)),
    (1024, _steps(2, 8, 1)),
    (2048, _steps(4, 16, 1)),
    (4096, _steps(8, 30, 1)),
    (8192, _steps(16, 60, 4)),
    (16384, _steps(32, 120, 8)),
)


def fitting(cpu: float, memory_mib: int) -> Size | None:
    """The smallest size that has at least so much of both; None where there is none."""
    for units, memories in MEMORY:
        if units < cpu * 1024:
            continue
        for memory in memories:
            if memory >= memory_mib:
                return Size(units, memory)
    return None
