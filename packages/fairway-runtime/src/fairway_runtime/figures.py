"""The figures of named things (breakers, retries, bulkheads, caches) for `/metrics`.

An app makes these where it needs them, often before there is a middleware, so there is one roll
a process, as there is one root logger. It holds them weakly: what is gone is told no more.
"""

import threading
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from fairway_runtime.metrics import Labels, family

__all__ = ["Figure", "Roll", "Source", "roll"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number now; `kind` is `counter` or `gauge`."""

    name: str
    kind: str
    about: str
    labels: Labels
    value: float


class Source(Protocol):
    """Whatever has figures; it must allow weak references."""

    def figures(self) -> Iterable[Figure]: ...


class Roll:
    """Who has figures; thread-safe.

    Things of the same kind and name are told as one: counters add up, of gauges the highest is
    told (of two breakers of one name, the one that is open).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: list[weakref.ref[Source]] = []

    def add(self, source: Source) -> None:
        with self._lock:
            self._sources = [one for one in self._sources if one() is not None]
            self._sources.append(weakref.ref(source))

    def collect(self) -> Iterator[str]:
        """Every figure as Prometheus text, one family after the other, sorted."""
        with self._lock:
            sources = [one() for one in self._sources]
        abouts: dict[str, tuple[str, str]] = {}
        samples: dict[str, dict[Labels, float]] = {}
        for source in sources:
            for figure in source.figures() if source is not None else ():
                abouts[figure.name] = (figure.kind, figure.about)
                into = samples.setdefault(figure.name, {})
                before = into.get(figure.labels)
                if before is None:
                    into[figure.labels] = figure.value
                elif figure.kind == "counter":
                    into[figure.labels] = before + figure.value
                else:
                    into[figure.labels] = max(before, figure.value)
        for name, (kind, about) in sorted(abouts.items()):
            yield from family(name, kind, about, sorted(samples[name].items()))


roll = Roll()
