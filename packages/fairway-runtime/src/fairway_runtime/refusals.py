"""What the runtime answers in the app's stead: RFC 9457 problems that give nothing away."""

from dataclasses import dataclass

from fairway_runtime.asgi import Headers, Message, Send
from fairway_runtime.lines import encode

__all__ = ["BROKEN", "DRAINED", "NOT_STARTED", "TIMED_OUT", "TOO_LARGE", "Refusal", "answer"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way to refuse; `word` is what the log line says."""

    word: str
    status: int
    title: str
    detail: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


_CLOSE = (b"connection", b"close")
_SOON = (b"retry-after", b"1")

TIMED_OUT = Refusal("timeout", 504, "Gateway Timeout", "The request took too long.")
DRAINED = Refusal(
    "drain",
    503,
    "Service Unavailable",
    "This replica is shutting down; ask again.",
    (_CLOSE, _SOON),
)
NOT_STARTED = Refusal(
    "starting", 503, "Service Unavailable", "This replica is starting; ask again.", (_SOON,)
)
TOO_LARGE = Refusal(
    "too_large", 413, "Content Too Large", "The request's body is too large.", (_CLOSE,)
)
BROKEN = Refusal("error", 500, "Internal Server Error", "The request failed; its id finds the log.")


async def answer(refusal: Refusal, headers: Headers, correlation_id: str, send: Send) -> None:
    """Send `refusal` whole, but for the end of the body: the caller closes when it is ready."""
    if not refusal.title:  # nothing to read
        only = [*refusal.headers, *headers]
        await send({"type": "http.response.start", "status": refusal.status, "headers": only})
        return
    body = encode(
        {
            "type": "about:blank",
            "title": refusal.title,
            "status": refusal.status,
            "detail": refusal.detail,
            "correlation_id": correlation_id,
        }
    )
    start: Message = {
        "type": "http.response.start",
        "status": refusal.status,
        "headers": [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            *refusal.headers,
            *headers,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": True})
