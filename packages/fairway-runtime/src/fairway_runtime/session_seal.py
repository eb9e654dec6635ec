"""What a session's cookie holds, signed: read back only if it is ours, whole, and in time.

Signed, not encrypted: its owner can read it. Pure: keys and time arrive as arguments.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

__all__ = ["Seal", "Ticket"]

_SHORTEST_KEY = 32
_LONGEST = 4096  # bytes that every browser takes (RFC 6265, section 6.1)
_PURPOSE = b"fairway session 1\0"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session as its cookie tells it; times are seconds since 1970, whole ones."""

    identity: str
    began: int
    seen: int  # when the cookie was written
    version: int  # grows with each change
    data: Mapping[str, Any]


class Seal:
    """Signs with the first of `keys` and believes all of them: put a new one first, drop the last.

    A ticket is good for `seconds` since it was written, and `longest_seconds` since its session
    began. `name` is the cookie's: a ticket is no good under another.
    """

    def __init__(
        self, keys: Sequence[bytes], name: str, *, seconds: int, longest_seconds: int
    ) -> None:
        if not keys or any(len(key) < _SHORTEST_KEY for key in keys):
            raise ValueError(f"session keys: one or more, of {_SHORTEST_KEY} bytes or more each")
        prefix = _PURPOSE + name.encode() + b"\0"
        self._macs = [hmac.new(key, prefix, hashlib.sha256) for key in keys]
        self._seconds = seconds
        self._longest = longest_seconds

    def sign(self, ticket: Ticket) -> str:
        """The cookie's value; raises `ValueError` where it is too large for a browser."""
        said = [ticket.identity, ticket.began, ticket.seen, ticket.version, ticket.data]
        text = json.dumps(said, separators=(",", ":"), allow_nan=False).encode()
        body = _encode(text)
        value = f"{body}.{_encode(self._mac(self._macs[0], body.encode()))}"
        if len(value) > _LONGEST - 256:  # its name and attributes take their part
            raise ValueError(f"the session's cookie would take {len(value)} bytes: keep less in it")
        return value

    def open(self, value: str, now: float) -> Ticket | None:
        """The ticket in `value`, or None where it is forged, broken or over."""
        if len(value) > _LONGEST or not value.isascii():
            return None
        body, _, signature = value.partition(".")
        try:
            given = _decode(signature)
            if not any(
                hmac.compare_digest(self._mac(mac, body.encode()), given) for mac in self._macs
            ):
                return None
            identity, began, seen, version, data = cast("list[Any]", json.loads(_decode(body)))
        except (ValueError, TypeError, binascii.Error):
            return None
        ticket = Ticket(identity, began, seen, version, data)
        is_over = now >= ticket.seen + self._seconds or now >= ticket.began + self._longest
        return None if is_over else ticket

    def is_stale(self, ticket: Ticket, now: float) -> bool:
        """Whether half of its time is over: time to write it anew."""
        return now >= ticket.seen + self._seconds / 2

    @staticmethod
    def _mac(keyed: "hmac.HMAC", body: bytes) -> bytes:
        mac = keyed.copy()
        mac.update(body)
        return mac.digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
