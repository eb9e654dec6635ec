"""Security headers, HSTS and CORS on every answer, refusals included (R7, R22, R206).

What the app says itself wins. Nothing here reads a request's body or its cookies.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fairway_runtime import contract
from fairway_runtime.asgi import Headers
from fairway_runtime.http_head import header_line
from fairway_runtime.refusals import Refusal
from fairway_runtime.settings import Settings

__all__ = ["PREFLIGHT", "Common", "Cors", "Security", "origin_in", "without_given"]

_YEAR_SECONDS = 31_536_000
_HARDENED = frozenset(("staging", "production"))
_ALLOW_ORIGIN = b"access-control-allow-origin"
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_REMEMBERED = b"600"  # seconds that a browser keeps what a preflight said
_EXPOSED = (
    b"x-request-id, retry-after, ratelimit-limit, ratelimit-policy, ratelimit-remaining,"
    b" ratelimit-reset"
)
_LONGEST_ORIGIN = 270  # https://, a name of 253 letters, a port
_VARY: tuple[bytes, bytes] = (b"vary", b"origin")


class Common(NamedTuple):
    """Headers of many answers; as `lines` too, for a server that takes them so."""

    pairs: Headers
    lines: bytes

    @classmethod
    def of(cls, pairs: Headers) -> "Common":
        return cls(pairs, b"".join([header_line(*pair) for pair in pairs]))


PREFLIGHT = Refusal("preflight", 204, "", "")


class Security:
    """The headers that an answer gets; made once, because every answer pays for them.

    `over_http` and `over_https` are those of an app that sets none of `names` itself.
    """

    def __init__(self, settings: Settings, others: Headers) -> None:
        added: Headers = []
        if settings.has_security_headers:
            added = [
                (b"x-content-type-options", b"nosniff"),
                (b"x-frame-options", b"SAMEORIGIN"),
                (b"referrer-policy", b"strict-origin-when-cross-origin"),
            ]
        if settings.content_security_policy:
            policy = settings.content_security_policy.encode("ascii", "replace")
            added.append((b"content-security-policy", policy))
        self.over_http: Headers = [*others, *added]
        self.over_https = self.over_http
        seconds = settings.hsts_seconds
        if seconds is None:
            seconds = _YEAR_SECONDS if settings.environment in _HARDENED else 0
        if seconds:
            hsts = (b"strict-transport-security", b"max-age=%d" % seconds)
            self.over_https = [*self.over_http, hsts]
        names = frozenset(name for name, _ in self.over_https) - {name for name, _ in others}
        self.names = names | {contract.CORRELATION_HEADER.encode(), _ALLOW_ORIGIN}

    def headers(self, is_secure: bool) -> Headers:  # noqa: FBT001 (all that there is to know)
        """For an answer over HTTPS, or over HTTP."""
        return self.over_https if is_secure else self.over_http


def origin_in(found: Mapping[bytes, bytes]) -> bytes | None:
    """The page's origin; None without one, and for what is too long to be one.

    Answers are remembered by it, and strangers may invent them.
    """
    origin = found.get(b"origin")
    return origin if origin is not None and len(origin) <= _LONGEST_ORIGIN else None


class Cors:
    """Which pages of other origins may call, and read the answers.

    `origins` are exact (`https://a.example`), one level of subdomains and below
    (`https://*.b.example`), or `*` for all of them without credentials.
    """

    def __init__(self, origins: Iterable[str], *, allows_credentials: bool = False) -> None:
        known = [origin.lower().encode() for origin in origins]
        self._is_open = b"*" in known
        self._exact = frozenset(one for one in known if b"*" not in one)
        patterns = [one.partition(b"*") for one in known if b"*." in one]
        self._wild = [(before, after) for before, _, after in patterns]
        self._credentials: Headers = []
        if allows_credentials:
            self._credentials = [(b"access-control-allow-credentials", b"true")]

    def allows(self, origin: bytes) -> bool:
        one = origin.lower()
        return (
            self._is_open
            or one in self._exact
            or any(
                one.startswith(before) and one.endswith(after) and len(one) > len(before + after)
                for before, after in self._wild
                if b"/" not in one[len(before) :] and b"@" not in one
            )
        )

    def headers(self, origin: bytes | None) -> Headers:
        """For the answer to a request that a page of `origin` makes, or no page at all."""
        if self._is_open:
            return self._allowed(b"*") if origin is not None else []
        if origin is None or not self.allows(origin):
            return [_VARY]
        return [*self._allowed(origin), _VARY]

    def preflight(self, found: Mapping[bytes, bytes]) -> Headers:
        """What a browser asks before a request that a form could not send."""
        if not self.allows(found.get(b"origin", b"")):
            return [_VARY]
        asked = found.get(b"access-control-request-headers")
        named: Headers = [(b"access-control-allow-headers", asked)] if asked else []
        return [
            *self.headers(found.get(b"origin")),
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-max-age", _REMEMBERED),
            *named,
        ]

    def _allowed(self, origin: bytes) -> Headers:
        return [
            (_ALLOW_ORIGIN, origin),
            # Browsers read `*` as a name where credentials go along. A server checks every byte.
            (b"access-control-expose-headers", _EXPOSED if self._credentials else b"*"),
            *self._credentials,
        ]


def without_given(
    given: Iterable[tuple[bytes, bytes]], ours: Headers, names: frozenset[bytes]
) -> Headers:
    """`ours` without what the app has said itself; its CORS is all its own, or all ours."""
    said = {name for name, _ in given}
    has_cors = _ALLOW_ORIGIN in said
    return [
        (name, value)
        for name, value in ours
        if not (name in names and name in said)
        and not (has_cors and name.startswith(b"access-control-"))
    ]
