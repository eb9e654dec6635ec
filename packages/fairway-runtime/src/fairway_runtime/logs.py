"""The app's own `logging`, turned into the same JSON lines with the request's id (R161, R162).

`install` replaces what writes to the terminal, and leaves alone what the app sends elsewhere
(files, sockets). `LOG_LEVEL` decides about these lines only: the access log and `operation` are a
record of what happened, not talk, and are always written.
"""

import logging
import os
import sys
from typing import TextIO

from fairway_runtime import contract
from fairway_runtime.context import current
from fairway_runtime.errors import leave_crumb
from fairway_runtime.lines import Lines, LineWriter
from fairway_runtime.redact import redactor
from fairway_runtime.settings import Settings
from fairway_runtime.traces import place

__all__ = ["JsonHandler", "install", "lines", "lines_for"]

_PLAIN_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {
    "asctime",
    "color_message",
    "message",
    "taskName",
}
_SERVERS = frozenset(("uvicorn.error", "gunicorn.error"))  # they log what the app raised

_installed: list[Lines] = []  # one per process, as `logging` itself


def lines_for(settings: Settings) -> Lines:
    """Lines to stdout as `settings` ask for."""
    version = os.environ.get(contract.AWS_FUNCTION_VERSION, "")
    return Lines(settings.environment, redactor(settings.secrets), LineWriter(), version)


def lines() -> Lines:
    """The lines of this process: those installed, or such as the environment asks for."""
    if not _installed:
        environment = os.environ.get(contract.ENVIRONMENT, "dev")
        _installed.append(lines_for(Settings(environment=environment)))
    return _installed[0]


def install(settings: Settings, into: Lines) -> None:
    """Make the root logger write `into`; safe to call again after the app set up its own.

    Handlers that write to stdout or stderr are taken off every logger, which then passes its
    records on to the root; levels that the app chose stay.
    """
    _installed[:] = [into]
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    is_first = not any(isinstance(handler, JsonHandler) for handler in root.handlers)
    _take_terminal_off(root)
    root.handlers = [one for one in root.handlers if not isinstance(one, JsonHandler)]
    root.addHandler(JsonHandler(into))
    if is_first:
        root.setLevel(settings.log_level)
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and _take_terminal_off(logger):
            logger.propagate = True
    access = logging.getLogger("uvicorn.access")  # ours says more and costs less
    access.handlers = []
    access.propagate = False


def _take_terminal_off(logger: logging.Logger) -> bool:
    terminal = [handler for handler in logger.handlers if _writes_to_terminal(handler)]
    for handler in terminal:
        logger.removeHandler(handler)
    return bool(terminal)


def _writes_to_terminal(handler: logging.Handler) -> bool:
    if isinstance(handler, JsonHandler | logging.FileHandler):
        return False
    stream: TextIO | None = getattr(handler, "stream", None)
    return stream is not None and stream in (
        sys.stdout,
        sys.stderr,
        sys.__stdout__,
        sys.__stderr__,
    )


class JsonHandler(logging.Handler):
    """Writes each record as one of our lines, with its extra fields."""

    def __init__(self, into: Lines) -> None:
        super().__init__()
        self._into = into
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._emit(record)
        except Exception:  # logging must not fail the code that logs
            self.handleError(record)

    def _emit(self, record: logging.LogRecord) -> None:
        context = current()
        if context is not None:
            error = record.exc_info[1] if record.exc_info else None
            if error is not None and error is context.reported and record.name in _SERVERS:
                return  # ours said it already, and says more
            leave_crumb(context, record.levelname, _message(record), logger=record.name)
        fields: dict[str, object] = {"logger": record.name, "message": _message(record)}
        fields |= {
            name: value
            for name, value in record.__dict__.items()
            if name not in _PLAIN_ATTRIBUTES and name[0] != "_"
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception"] = self._formatter.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = record.stack_info
        here = place()
        if here is not None:
            fields |= {"trace_id": here.trace.id, "span_id": here.span_id}
        self._into.write(record.levelname, context, fields)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # wrong arguments: what the author meant is still worth reading
        return f"{record.msg!s} {record.args!r}"
