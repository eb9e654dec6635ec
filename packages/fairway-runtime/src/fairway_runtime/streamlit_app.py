"""A Streamlit script as an app that can be watched: its runs counted and timed, its logs with ids.

Streamlit talks to a page over one WebSocket, in protobuf: a run of the script begins with a
`new_session` message and ends with `script_finished`. The messages pass through as they are; only
their outermost fields are looked at. Place in the flow: `target` puts it around `streamlit.App`.
"""

import inspect
import logging
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, cast

from fairway_runtime.asgi import App, Message, Receive, Scope, Send
from fairway_runtime.business import business
from fairway_runtime.context import RequestContext, current, enter
from fairway_runtime.conversations import Conversation
from fairway_runtime.settings import Dependency

__all__ = ["StreamlitApp", "outermost"]

_LOG = logging.getLogger("fairway.streamlit")
_STREAM = "/_stcore/stream"
# ForwardMsg's and BackMsg's fields; tests hold them against Streamlit's own.
_NEW_SESSION, _SCRIPT_FINISHED = 4, 6
_RERUN_SCRIPT = 11
_RAN_ON = 2  # FINISHED_EARLY_FOR_RERUN: another run follows at once
_OUTCOMES = {0: "finished", 1: "not compiled", _RAN_ON: "restarted", 3: "fragment"}
_MOST_FIELDS = 8  # of one message; it has three


class StreamlitApp:
    """Serves `script`; counts and times each run of it.

    In `/metrics`: `streamlit_script_seconds` by how a run ended, `streamlit_script_errors_total`.
    Each run is a log line with the id of its page's WebSocket, and so is whatever the script
    logs; `correlation_id()` works in it.
    """

    # What readiness asks: whether Streamlit's runtime takes pages.
    dependency = Dependency("streamlit", "streamlit:")

    def __init__(self, make: Callable[..., object], script: str) -> None:
        hooks: dict[str, object] = {}
        if "on_script_error" in inspect.signature(make).parameters:  # older ones have none
            hooks["on_script_error"] = _failed
        self._app = cast("App", make(script, **hooks))
        _carry_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or not scope["path"].endswith(_STREAM):
            await self._app(scope, receive, send)
            return
        page = _Page(scope.get("fairway.conversation"))

        async def seeing_receive() -> Message:
            message = await receive()
            page.hear(message.get("bytes"))
            return message

        async def seeing_send(message: Message) -> None:
            page.say(message.get("bytes"))
            await send(message)

        await self._app(scope, seeing_receive, seeing_send)


class _Page:
    """One page's WebSocket: whether its script runs, and since when."""

    def __init__(self, conversation: Conversation | None) -> None:
        self._conversation = conversation or Conversation(0)
        self._began: float | None = None

    def hear(self, data: bytes | None) -> None:
        """What the page said: it may ask for a run."""
        if data is not None and any(number == _RERUN_SCRIPT for number, _ in outermost(data)):
            self._conversation.is_busy = True

    def say(self, data: bytes | None) -> None:
        """What Streamlit said."""
        for number, value in outermost(data or b""):
            if number == _NEW_SESSION:
                self._conversation.is_busy = True
                self._began = time.perf_counter()
            elif number == _SCRIPT_FINISHED:
                self._finish(value)

    def _finish(self, status: int) -> None:
        self._conversation.is_busy = status == _RAN_ON
        began, self._began = self._began, None
        if began is None:
            return
        seconds = time.perf_counter() - began
        outcome = _OUTCOMES.get(status, "other")
        business.observe("streamlit_script_seconds", seconds, outcome=outcome)
        fields = {"operation": "SCRIPT", "duration_ms": seconds * 1000, "outcome": outcome}
        _LOG.info("script ran", extra={**fields, "success": status != 1})


def _failed(error: Exception) -> None:
    """The script raised: Streamlit shows it on the page and logs it; we count it."""
    business.count("streamlit_script_errors_total")
    fields = {"operation": "SCRIPT", "success": False, "error": type(error).__name__}
    _LOG.error("the script failed", exc_info=error, extra=fields)


def _carry_ids() -> None:
    """Let the script's threads belong to the request that started them (R162).

    Streamlit starts them with `threading.Thread`, which inherits no context variables, and has no
    hook for it: so the method that starts one is wrapped. Where a version of Streamlit has it no
    more, the id is still in `st.context.headers`.
    """
    try:
        module = import_module("streamlit.runtime.scriptrunner.script_runner")
        runner: Any = module.ScriptRunner
        start = runner.start
    except (ImportError, AttributeError):
        return
    if getattr(start, "carries_ids", False) or not hasattr(runner, "_run_script_thread"):
        return

    def start_with_id(self: Any) -> None:
        context = current()
        if context is not None:
            self._run_script_thread = _within(context, self._run_script_thread)
        start(self)

    start_with_id.carries_ids = True  # pyright: ignore[reportFunctionMemberAccess] (a mark)
    runner.start = start_with_id


def _within(context: RequestContext, run: Callable[[], None]) -> Callable[[], None]:
    def run_within() -> None:
        enter(context)
        run()

    return run_within


def outermost(data: bytes) -> Iterator[tuple[int, int]]:
    """Each outermost field of a protobuf message: its number, and its value where that is a number.

    Of other fields only the length is read. Stops at what is not protobuf.
    https://protobuf.dev/programming-guides/encoding/, read in November 2026.
    """
    at, end = 0, len(data)
    for _ in range(_MOST_FIELDS):
        if at >= end:
            return
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        value = 0
        if kind == 0:
            value, at = _varint(data, at)
        elif kind == 2:
            length, at = _varint(data, at)
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            return
        if at > end:
            return
        yield number, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends; past the end where it does not."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return 0, len(data) + 1
