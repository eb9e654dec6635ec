"""Errors that nobody handled, told whole: what, where, whose, and what went before (R187, R188).

One log line an error, with the stack, the request, the user and the breadcrumbs: what the request
logged and did before it failed. With SENTRY_DSN the same goes to Sentry. The client learns none of
it: it gets a problem with the request's id.
"""

import time
import traceback
from collections import deque
from typing import TYPE_CHECKING

from fairway_runtime.context import RequestContext, current
from fairway_runtime.lines import Lines

if TYPE_CHECKING:
    from fairway_runtime.asgi import Scope
    from fairway_runtime.sentry import Sentry
    from fairway_runtime.settings import Settings

__all__ = ["Reporter", "breadcrumb", "leave_crumb"]

_MOST_CRUMBS = 20
_LONGEST = 200  # characters of a breadcrumb
_LONGEST_STACK = 20_000  # its end is what matters


def breadcrumb(message: str, **fields: object) -> None:
    """Note something that will help to understand an error later in this request, if one comes."""
    context = current()
    if context is not None:
        leave_crumb(context, "INFO", message, **fields)


def leave_crumb(context: RequestContext, level: str, message: str, **fields: object) -> None:
    """Add to `context`'s breadcrumbs; the last 20 are kept."""
    if context.crumbs is None:
        context.crumbs = deque(maxlen=_MOST_CRUMBS)
    crumb: dict[str, object] = {"at": time.time(), "level": level, "message": message[:_LONGEST]}
    context.crumbs.append(crumb | fields)


class Reporter:
    """Tells of errors in one process."""

    def __init__(self, settings: "Settings", lines: Lines) -> None:
        self._lines = lines
        who = {
            "service": settings.service,
            "revision": settings.revision,
            "replica": settings.replica,
        }
        self._who = {name: value for name, value in who.items() if value}
        self._sentry: Sentry | None = None
        if settings.sentry_dsn:
            self._sentry = _sentry(settings, lines)

    def report(
        self, error: BaseException, context: RequestContext, scope: "Scope", operation: str
    ) -> None:
        """One unhandled error of one request. Never raises: the request's answer comes first."""
        context.reported = error
        try:
            fields = self._fields(error, context, scope, operation)
            self._lines.write("ERROR", context, fields)
            if self._sentry is not None:
                self._sentry.capture(error, context, fields)
        except Exception as fault:
            self._lines.write(
                "ERROR", context, {"message": f"an error could not be told: {fault!r}"}
            )

    def flush(self) -> None:
        """Let Sentry send what waits (R224); blocks for 2 s at most."""
        if self._sentry is not None:
            self._sentry.flush()

    def _fields(
        self, error: BaseException, context: RequestContext, scope: "Scope", operation: str
    ) -> dict[str, object]:
        now = time.time()
        agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
        crumbs: list[dict[str, object]] = []
        for crumb in context.crumbs or ():
            at = crumb["at"]
            before = round((now - at) * 1000, 3) if isinstance(at, float) else None
            rest = {name: value for name, value in crumb.items() if name != "at"}
            crumbs.append({"ms_before": before, **rest})
        fields: dict[str, object] = {
            "operation": operation,
            "success": False,
            "message": "unhandled error",
            "error": f"{type(error).__name__}: {error}" if str(error) else type(error).__name__,
            "exception": "".join(traceback.format_exception(error))[-_LONGEST_STACK:],
            "method": scope.get("method", "GET"),
            "path": scope["path"],
            "user_agent": agent[:_LONGEST].decode("latin-1"),
            **self._who,
            "breadcrumbs": crumbs,
        }
        if context.trace is not None:
            fields |= {"trace_id": context.trace.id, "span_id": context.trace.span_id}
        return fields


def _sentry(settings: "Settings", lines: Lines) -> "Sentry | None":
    try:
        from fairway_runtime.sentry import Sentry
    except ImportError:
        message = (
            "SENTRY_DSN is set, and sentry-sdk is not installed: add `fairway-runtime[sentry]`"
            " to the app's requirements"
        )
        lines.write("WARNING", None, {"operation": "start", "message": message})
        return None
    return Sentry.of(settings, lines.redact)
