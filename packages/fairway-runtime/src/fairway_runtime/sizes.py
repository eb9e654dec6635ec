"""About how many bytes a value holds in memory, itself and what it alone refers to."""

import sys
from collections.abc import Iterable
from typing import Any, cast

__all__ = ["bytes_of"]

_FLAT = (str, bytes, bytearray, int, float, complex, bool, type(None))


def bytes_of(value: object) -> int:
    """The size of containers, objects and their contents; shared parts are counted once.

    An array counts by its `nbytes`. Classes, functions and modules count as nothing: they are
    there anyway. What a C extension hides is not seen.
    """
    total = 0
    seen: set[int] = set()
    left: list[object] = [value]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, type) or callable(one):
            continue
        total += sys.getsizeof(one, 64)
        if isinstance(one, _FLAT):
            continue
        held = getattr(one, "nbytes", None)
        if isinstance(held, int):
            total += held
        elif isinstance(one, dict):
            items = cast("dict[object, object]", one)
            left.extend(items.keys())
            left.extend(items.values())
        elif isinstance(one, list | tuple | set | frozenset):
            left.extend(cast("Iterable[object]", one))
        else:
            left.extend(_attributes(one))
    return total


def _attributes(one: object) -> Iterable[object]:
    """What an object holds in its dictionary and its slots."""
    unknown = cast("Any", one)
    yield from getattr(unknown, "__dict__", {}).values()
    for kind in type(one).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if hasattr(one, slot):
                yield getattr(one, slot)
