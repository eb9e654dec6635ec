"""Log lines: JSON, one system call each, with exactly the contract's fields first (R161).

What a line says and how it reaches the descriptor. `logs` makes the app's own `logging` write
such lines; nothing here knows about `logging`.
"""

import json
import math
import os
import select
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol, cast

from fairway_runtime import contract
from fairway_runtime.context import RequestContext
from fairway_runtime.redact import HIDDEN, is_secret_name

__all__ = ["LineWriter", "Lines", "Writer", "encode"]

_RESERVED = frozenset(contract.LOG_FIELDS)
_DEEPEST = 8  # levels of nested fields that are followed
_PATHS_KEPT = 1024
_WAIT_SECONDS = 1.0  # for a reader of stdout that does not read
_THOUSANDTHS = tuple(f".{one:03d}Z" for one in range(1000))  # looked up in a third of the time


def _plainly(value: object, /) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_encoded: Callable[[object], bytes]
try:
    import orjson
except ImportError:
    _encoded = _plainly
else:
    _encoded = orjson.dumps


def encode(value: object) -> bytes:
    """`value` (text, numbers, None, and lists and dictionaries of them) as JSON; never fails."""
    try:
        return _encoded(value)
    except (TypeError, ValueError, UnicodeError, RecursionError):
        return json.dumps(value, default=repr, separators=(",", ":"), skipkeys=True).encode()


class Writer(Protocol):
    """Takes whole lines; `lost` counts those that it could not keep."""

    lost: int

    def write(self, line: bytes) -> None: ...


class LineWriter:
    """Writes each line to a file descriptor at once: SIGKILL can cost the current line only.

    Lines of several threads never mix. When nobody reads the other end for a second, the line is
    dropped and counted in `lost` instead of stopping the app.
    """

    def __init__(self, descriptor: int = 1) -> None:
        self.lost = 0
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def write(self, line: bytes) -> None:
        with self._lock:
            try:
                written = os.write(self._descriptor, line)
                while written < len(line):
                    written += os.write(self._descriptor, line[written:])
            except BlockingIOError:
                self._write_slowly(line)
            except OSError:
                self.lost += 1  # closed: there is nobody to tell

    def _write_slowly(self, line: bytes) -> None:
        """The descriptor is non-blocking and full: wait for its reader, within bounds."""
        rest = line
        deadline = time.monotonic() + _WAIT_SECONDS
        while rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [self._descriptor], [], left)[1]:
                self.lost += 1
                return
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                continue
            except OSError:
                self.lost += 1
                return


class Lines:
    """Makes lines: R161's fields in their order, then what the caller adds, redacted.

    `version`: of the function that this process is; then it stands behind the environment.
    """

    def __init__(
        self, environment: str, redact: Callable[[str], str], writer: Writer, version: str = ""
    ) -> None:
        self.redact = redact
        self.writer = writer
        self._environment = encode(environment).decode()
        self._reserved = _RESERVED
        if version:
            self._environment += f',"version":{encode(version).decode()}'
            self._reserved = _RESERVED | {"version"}
        self._second = (0, "")
        self._paths: dict[str, tuple[str, str]] = {}

    def write(
        self, level: str, context: RequestContext | None, fields: Mapping[str, object]
    ) -> None:
        """One line. What `fields` say of R161's names stands in its place; the others follow.

        The time, the level, the request and the environment are not theirs to say.
        """
        own = {str(name): self.plain(value, str(name)) for name, value in fields.items()}
        head = self._head(level, context, own)
        rest = encode({name: value for name, value in own.items() if name not in self._reserved})
        tail = b"}\n" if rest == b"{}" else b"," + rest[1:] + b"\n"
        self.writer.write(head.encode() + tail)

    def access(
        self,
        context: RequestContext,
        *,
        operation: str,
        method: str,
        path: str,
        status: int,
        duration_ms: float,
        success: bool,
        refusal: str | None = None,
    ) -> None:
        """The line of one request; `operation` and `method` are JSON already.

        `refusal` names what the runtime itself did to the request, if anything. Same fields and
        order as `write`, put together by hand because every request pays for it.
        """
        level, outcome = ("INFO", "true") if success else ("ERROR", "false")
        user = "null" if context.user_id is None else encode(context.user_id).decode()
        scenarios = "null" if context.scenarios is None else context.scenarios
        place, _ = self._paths.get(path) or self._place(path)
        tail = "" if refusal is None else f',"refusal":"{refusal}"'
        trace = context.trace
        if trace is not None:
            tail = f'{tail},"trace_id":"{trace.id}","span_id":"{trace.span_id}"'
        self.writer.write(
            (
                f'{{"timestamp":"{self._timestamp()}","level":"{level}",'
                f'"correlation_id":"{context.correlation_id}","user_id":{user},'
                f'"operation":{operation},"duration_ms":{duration_ms:.3f},'
                f'"scenarios":{scenarios},"success":{outcome},"environment":{self._environment},'
                f'"method":{method},"path":{place},"status":{status}{tail}}}\n'
            ).encode()
        )

    def plain(self, value: object, name: str = "", depth: int = 0) -> object:
        """`value` as JSON can hold it, secrets hidden by their name and by their look."""
        if value is None or isinstance(value, bool | int):
            return value  # a number is no secret: `tokens=512` stays
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if name and is_secret_name(name):
            return HIDDEN
        if isinstance(value, str):
            return self.redact(value)
        if depth < _DEEPEST:
            if isinstance(value, Mapping):
                items = cast("Mapping[object, object]", value).items()
                return {str(key): self.plain(item, str(key), depth + 1) for key, item in items}
            if isinstance(value, list | tuple | set | frozenset):
                members = cast("Collection[object]", value)
                return [self.plain(item, "", depth + 1) for item in members]
        return self.redact(_text(value))

    def _head(self, level: str, context: RequestContext | None, own: Mapping[str, object]) -> str:
        """The nine fields of R161, in order, without the closing brace."""
        request = user = scenarios = None
        if context is not None:
            request, user = context.correlation_id, context.user_id
            scenarios = context.scenarios
        duration = own.get("duration_ms")
        head: dict[str, object] = {
            "timestamp": self._timestamp(),
            "level": level,
            "correlation_id": request,
            "user_id": own.get("user_id", user),
            "operation": own.get("operation"),
            "duration_ms": round(duration, 3) if isinstance(duration, float) else duration,
            "scenarios": own.get("scenarios", scenarios),
            "success": own.get("success"),
        }
        return f'{encode(head).decode()[:-1]},"environment":{self._environment}'

    def _timestamp(self) -> str:
        """Now, in UTC with milliseconds."""
        now = time.time()
        whole = int(now)
        second, text = self._second
        if second != whole:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
            self._second = (whole, text)
        return text + _THOUSANDTHS[int((now - whole) * 1000)]

    def path(self, path: str) -> str:
        """A request's path, redacted."""
        return (self._paths.get(path) or self._place(path))[1]

    def _place(self, path: str) -> tuple[str, str]:
        """A path as JSON and as text, redacted; the last ones are kept: requests repeat them."""
        if len(self._paths) >= _PATHS_KEPT:
            self._paths.clear()
        shown = self.redact(path)
        place = self._paths[path] = (encode(shown).decode(), shown)
        return place


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__} without text>"
