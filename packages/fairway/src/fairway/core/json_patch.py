"""JSON Patch (RFC 6902): a document and operations to a new document, with a reason where not.

Our own hundred lines rather than `jsonpatch`: it gives no types, and where a place is missing it
says so without naming what is there; a test holds the two together. Pure; the document that is
given is not changed.
"""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from fairway.core.problem import nearest

__all__ = ["Impossible", "Op", "apply", "at"]

Op = Literal["add", "remove", "replace", "move", "copy", "test"]
MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Impossible(Exception):
    """An operation that cannot be done: what, and how to mend it."""

    what: str
    mend: str = ""


def apply(document: Any, op: Op, path: str, *, value: Any = None, source: str = "") -> Any:
    """The document after one operation; raises `Impossible`.

    `value` is what add, replace and test use; `source` is the `from` of move and copy.
    """
    changed = copy.deepcopy(document)
    match op:
        case "add":
            return _add(changed, path, copy.deepcopy(value))
        case "remove":
            return _remove(changed, path)
        case "replace":
            at(changed, path)
            return _put(changed, path, copy.deepcopy(value))
        case "copy":
            return _add(changed, path, copy.deepcopy(at(changed, source)))
        case "move":
            if path.startswith(f"{source}/"):
                raise Impossible(f"{source} cannot be moved into itself")
            held = at(changed, source)
            return _add(_remove(changed, source), path, held)
        case "test":
            if not _same(at(changed, path), value):
                raise Impossible(f"{path} is {_shown(at(changed, path))}, not {_shown(value)}")
            return changed


def at(document: Any, path: str) -> Any:
    """What stands at a path; raises `Impossible`, naming the first part that is missing."""
    here = document
    done = ""
    for part in _parts(path):
        here = _step(here, part, done)
        done = f"{done}/{_escaped(part)}"
    return here


def _parts(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise Impossible(f"{path} is no path", f"Write /{path}.")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _step(here: Any, part: str, done: str) -> Any:
    table, array = _table(here), _array(here)
    if table is not None:
        if part in table:
            return table[part]
        raise Impossible(f"there is no {done}/{_escaped(part)}", _known(table, part, done))
    if array is not None:
        return array[_index(array, part, done, most=len(array) - 1)]
    raise Impossible(f"{done} is {_shown(here)}; nothing is inside of it")


def _table(value: Any) -> dict[str, Any] | None:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _array(value: Any) -> list[Any] | None:
    return cast("list[Any]", value) if isinstance(value, list) else None


def _index(here: Sequence[Any], part: str, done: str, *, most: int) -> int:
    plain = part.isascii() and part.isdigit() and (part == "0" or not part.startswith("0"))
    if not plain or int(part) > most:
        ending = f"It has {len(here)}, counted from 0." if here else "It is empty."
        raise Impossible(f"there is no {done}/{_escaped(part)}", ending)
    return int(part)


def _add(document: Any, path: str, value: Any) -> Any:
    """Put a value at a path: into a list before what is there, at its end for `-`."""
    parts = _parts(path)
    if not parts:
        return value
    inside, last = _inside(document, path), parts[-1]
    done = path.rpartition("/")[0]
    table, array = _table(inside), _array(inside)
    if table is not None:
        table[last] = value
    elif array is not None:
        most = len(array)
        array.insert(most if last == "-" else _index(array, last, done, most=most), value)
    else:
        raise Impossible(f"{done} is {_shown(inside)}; nothing goes inside of it")
    return document


def _put(document: Any, path: str, value: Any) -> Any:
    """Replace what is at a path, which is there."""
    parts = _parts(path)
    if not parts:
        return value
    inside = _inside(document, path)
    inside[int(parts[-1]) if isinstance(inside, list) else parts[-1]] = value
    return document


def _remove(document: Any, path: str) -> Any:
    at(document, path)
    parts = _parts(path)
    if not parts:
        raise Impossible("the whole cannot be removed")
    inside = _inside(document, path)
    del inside[int(parts[-1]) if isinstance(inside, list) else parts[-1]]
    return document


def _inside(document: Any, path: str) -> Any:
    return at(document, path.rpartition("/")[0])


def _known(here: dict[str, Any], part: str, done: str) -> str:
    """What is there instead, and what was probably meant."""
    likely = nearest(part, here)
    meant = f"Did you mean {done}/{_escaped(likely)}? " if likely else ""
    names = sorted(here)
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return f"{meant}There is: {', '.join(names[:MOST_SHOWN])}{more}." if names else "It is empty."


def _same(left: Any, right: Any) -> bool:
    """Equal as JSON: true is not 1, 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    one, two = _table(left), _table(right)
    if one is not None and two is not None:
        return one.keys() == two.keys() and all(_same(one[key], two[key]) for key in one)
    first, second = _array(left), _array(right)
    if first is not None and second is not None:
        pairs = zip(first, second, strict=False)
        return len(first) == len(second) and all(_same(*pair) for pair in pairs)
    return left == right


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"
