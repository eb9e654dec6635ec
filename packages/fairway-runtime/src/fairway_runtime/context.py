"""Which request the code that runs right now belongs to.

One small object a request, held in a context variable: tasks and threads started through asyncio
inherit it, and what one of them adds (the user, say) is seen by all. It is never taken out again:
a server gives each request its own task, and lines logged after the app returned still belong to
the request.
"""

import re
from contextvars import ContextVar
from random import getrandbits
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque

    from fairway_runtime.traces import Trace

__all__ = ["RequestContext", "correlation_id", "current", "enter", "identify", "new_id", "sane_id"]

# What may stand in a log line and a header unescaped; long enough for any tracer's id.
_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}\Z")


class RequestContext:
    """What every log line of one request says: its id, its user, its number of scenarios.

    `trace` and `crumbs` are None until someone has use for them; `reported` is the error that was
    told already.
    """

    __slots__ = ("correlation_id", "crumbs", "reported", "scenarios", "trace", "user_id")

    def __init__(self, correlation_id: str) -> None:
        self.correlation_id = correlation_id
        self.user_id: str | None = None
        self.scenarios: int | None = None
        self.trace: Trace | None = None
        self.crumbs: deque[dict[str, object]] | None = None
        self.reported: BaseException | None = None


_current: ContextVar[RequestContext | None] = ContextVar("fairway_request", default=None)

enter = _current.set
current = _current.get


def correlation_id() -> str | None:
    """The id of the request that the calling code belongs to (R162), or None outside of one."""
    context = _current.get()
    return None if context is None else context.correlation_id


def identify(user_id: str) -> None:
    """Name the user of the request that runs: every later line of it carries `user_id` (R161).

    The user also counts among the `active_users` of the next five minutes (R176).
    """
    from fairway_runtime.business import business

    business.saw(user_id)
    context = _current.get()
    if context is not None:
        context.user_id = user_id


def new_id() -> str:
    """A fresh id, `req-` and 16 hexadecimal digits: unique, not secret."""
    return "req-" + getrandbits(64).to_bytes(8, "big").hex()  # half the time of a format's


def sane_id(value: bytes) -> str | None:
    """`value` as an id, or None where it is too long or could forge a header or a log line."""
    return value.decode("ascii") if _SANE.match(value) else None
