"""`operation`: one line that says how long a piece of work took and whether it succeeded."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from fairway_runtime import contract, logs
from fairway_runtime.context import RequestContext, current

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

    __slots__ = ("_began", "_name", "fields")

    def __init__(self, name: str, /, **fields: object) -> None:
        taken = sorted(_TAKEN & fields.keys())
        if taken:
            raise TypeError(f"operation {name!r}: the log line has a meaning for {taken[0]!r}")
        self._name = name
        self.fields = fields
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        duration_ms = (time.perf_counter() - self._began) * 1000
        context = current()
        fields: dict[str, object] = {
            "operation": self._name,
            "duration_ms": duration_ms,
            "success": kind is None,
        }
        fields.update((name, own) for name, own in self.fields.items() if name not in _TAKEN)
        if kind is not None:
            fields["error"] = f"{kind.__name__}: {error}" if str(error) else kind.__name__
        if context is not None:
            _remember(context, fields)
        logs.lines().write("INFO" if kind is None else "ERROR", context, fields)

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
