"""Keys of cached calls: two calls have the same key only if their arguments are the same.

`plain_key` is quick and knows the plainest arguments only; `digest` knows all that can be told
apart by value, and is the same in every process. What can't be keyed is refused, never guessed.
"""

import datetime as dt
import decimal
import inspect
import struct
import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import blake2b
from pathlib import PurePath
from typing import Any, cast

__all__ = ["UnkeyableError", "digest", "digest_of_call", "plain_key"]

_PLAIN = frozenset((str, int, bool, bytes, type(None)))
_BY_TEXT = (
    *(dt.date, dt.time, dt.datetime, dt.timedelta, dt.timezone),
    *(decimal.Decimal, uuid.UUID, PurePath, complex),
)
_DEEPEST = 50


class UnkeyableError(TypeError):
    """An argument whose value can't be told: what it is, and what to do."""


def plain_key(args: tuple[object, ...], kwargs: Mapping[str, object]) -> Hashable | None:
    """A key of text, numbers, bytes and None within this process, or None: use `digest`.

    Types are part of it: 1, 1.0 and True are equal in Python and not the same argument.
    """
    kinds = tuple(map(type, args))
    if not _PLAIN.issuperset(kinds):  # one call for all: this is most of what a hit costs
        for value in args:
            kind = type(value)
            if kind not in _PLAIN and (kind is not float or not value or value != value):  # noqa: PLR0124
                return None  # -0.0 equals 0.0, and NaN nothing: `digest` tells them by their bits
    if not kwargs:
        return (args, kinds)
    if plain_key(tuple(kwargs.values()), {}) is None:
        return None
    named = tuple(sorted(kwargs.items(), key=lambda item: item[0]))
    return (args, kinds, named, tuple(type(value) for _, value in named))


def digest_of_call(
    signature: inspect.Signature, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> str:
    """The digest of all arguments by name, with defaults: however the call was written."""
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return digest(bound.arguments)


def digest(value: object) -> str:
    """32 hexadecimal digits that depend on the value alone; raises `UnkeyableError`."""
    parts: list[bytes] = []
    _write(value, parts.append, 0)
    return blake2b(b"".join(parts), digest_size=16).hexdigest()


def _write(value: object, put: Callable[[bytes], None], depth: int) -> None:
    """Each value as its type, its length and its bytes: no two have the same."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".encode()
    if depth > _DEEPEST:
        raise UnkeyableError("an argument is nested too deeply, or holds itself, to be a key")
    if value is None or kind is bool or kind is int or kind is str:
        _put(put, name, str(value).encode("utf-8", "surrogatepass"))
    elif kind is float:
        _put(put, name, struct.pack(">d", value))
    elif isinstance(value, bytes | bytearray):
        _put(put, name, bytes(value))
    elif isinstance(value, Enum):
        _put(put, name, value.name.encode())
    elif isinstance(value, _BY_TEXT):
        _put(put, name, repr(value).encode())
    else:
        _write_many(value, name, put, depth)


def _write_many(value: object, name: bytes, put: Callable[[bytes], None], depth: int) -> None:
    if isinstance(value, list | tuple):
        members = cast("Iterable[object]", value)
    elif isinstance(value, set | frozenset):
        unordered = cast("Iterable[object]", value)
        members = sorted(digest(member) for member in unordered)
    elif isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        members = [
            pair for _, pair in sorted(((digest(pair[0]), pair) for pair in items), key=_first)
        ]
    elif is_dataclass(value) and not isinstance(value, type):
        members = [(field.name, getattr(value, field.name)) for field in fields(value)]
    else:
        _write_array(value, name, put)
        return
    members = list(members)
    _put(put, name, b"%d" % len(members))
    for member in members:
        _write(member, put, depth + 1)


def _first(pair: tuple[str, object]) -> str:
    return pair[0]


def _write_array(value: object, name: bytes, put: Callable[[bytes], None]) -> None:
    """A numpy array or number, told by its own attributes: numpy need not be there."""
    array = cast("Any", value)
    is_numpy = type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tobytes")
    if is_numpy and not array.dtype.hasobject:
        _put(put, name, f"{array.dtype.str}{array.dtype.descr}{array.shape}".encode())
        _put(put, name, array.tobytes())
        return
    kind = name.decode().removeprefix("builtins.")
    raise UnkeyableError(
        f"can't tell the value of a {kind} for a cache key: pass plain values or a dataclass,"
        " or give cached(key=...)"
    )


def _put(put: Callable[[bytes], None], name: bytes, body: bytes) -> None:
    put(b"%d:%d:" % (len(name), len(body)))
    put(name)
    put(body)
