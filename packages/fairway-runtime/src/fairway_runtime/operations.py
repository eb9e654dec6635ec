"""`operation`: a line and a span that say how long a piece of work took and whether it succeeded.

The span is below the operation or the request that it runs in (R185); outside of both it begins a
trace of its own.
"""

import time
from collections.abc import Mapping
from contextvars import Token
from random import getrandbits
from types import TracebackType
from typing import Self

from fairway_runtime import contract, logs, traces
from fairway_runtime.context import RequestContext, current
from fairway_runtime.errors import leave_crumb

__all__ = ["operation"]

_TAKEN = frozenset(contract.LOG_FIELDS) - {"user_id", "scenarios"}


class operation:  # noqa: N801 (reads as a statement: `with operation("simulate", scenarios=1000):`)
    """Log one line when the block ends: `duration_ms`, `success`, and the fields given.

        with operation("simulate", scenarios=1000) as work:
            work.fields["paths"] = run()

    `async with` does the same. `user_id` and `scenarios` fill R161's fields and are remembered for
    the request's own line; other fields follow them. An exception makes `success` false, is named
    in `error`, and goes on its way. Fields whose names R161 has taken raise `TypeError`.
    """

    __slots__ = ("_began", "_name", "_parent_id", "_place", "_token", "fields")

    def __init__(self, name: str, /, **fields: object) -> None:
        taken = sorted(_TAKEN & fields.keys())
        if taken:
            raise TypeError(f"operation {name!r}: the log line has a meaning for {taken[0]!r}")
        self._name = name
        self.fields = fields
        self._began = 0.0
        self._parent_id = ""
        self._place: traces.Place | None = None
        self._token: Token[traces.Place | None] | None = None

    def __enter__(self) -> Self:
        above = traces.place()
        if above is None:
            trace = traces.tracer().begin()
            context = current()
            if context is None:
                above = traces.Place(trace, "")
            else:
                context.trace = trace
                above = traces.Place(trace, trace.span_id)
        self._parent_id = above.span_id
        self._place = traces.Place(above.trace, f"{getrandbits(64) or 1:016x}")
        self._token = traces.enter(self._place)
        self._began = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ended = time.perf_counter()
        self._leave()
        context = current()
        fields: dict[str, object] = {
            "operation": self._name,
            "duration_ms": (ended - self._began) * 1000,
            "success": kind is None,
        }
        fields.update((name, own) for name, own in self.fields.items() if name not in _TAKEN)
        if kind is not None:
            fields["error"] = f"{kind.__name__}: {error}" if str(error) else kind.__name__
        if context is not None:
            _remember(context, fields)
            duration_ms = round((ended - self._began) * 1000, 3)
            level = "INFO" if kind is None else "ERROR"
            leave_crumb(context, level, self._name, duration_ms=duration_ms)
        if self._place is not None:
            self._record(self._place, fields, ended)
        logs.lines().write("INFO" if kind is None else "ERROR", context, fields)

    def _leave(self) -> None:
        token, self._token = self._token, None
        if token is not None:
            try:
                traces.leave(token)
            except ValueError:  # entered in another task's context, which has ended
                return

    def _record(self, here: traces.Place, fields: dict[str, object], ended: float) -> None:
        """The span; its ids join the line's fields."""
        trace, span_id = here
        if trace.is_recorded:
            plain = logs.lines().plain
            own = {
                name: plain(value, name)
                for name, value in fields.items()
                if name not in {"operation", "duration_ms", "success"}
            }
            error = str(own.pop("error", ""))
            ids, times = (span_id, self._parent_id), (self._began, ended)
            trace.record(self._name, ids, times, own, error=error)
        fields |= {"trace_id": trace.id, "span_id": span_id}
        if self._parent_id:
            fields["parent_span_id"] = self._parent_id

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)


def _remember(context: RequestContext, fields: Mapping[str, object]) -> None:
    """Let the request's own line say what one of its operations learned."""
    user, scenarios = fields.get("user_id"), fields.get("scenarios")
    if user is not None:
        context.user_id = str(user)
    if isinstance(scenarios, int):
        context.scenarios = scenarios
