"""The lines of an answer's head, checked, rendered once and remembered.

Most of an answer's dozen headers are the same each time: to look one up takes a tenth of checking
and joining it. What is new with every answer, or private to one, is never kept.
"""

import re
from http import HTTPStatus

__all__ = ["LINES", "STATUS_LINES", "header_line", "kept_line"]

# The ASGI extension by which `lines` of an http.response.start are header lines, rendered and
# checked by whoever sends them, that follow `headers`.
LINES = "fairway.lines"
# As RFC 9110 has them: a name is a token, a value holds no control character but a tab.
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_MOST_KEPT = 1024
_LONGEST_KEPT = 512  # bytes
_NEVER_KEPT = frozenset(
    (
        *(b"connection", b"content-length", b"transfer-encoding"),  # who writes them reads them
        *(b"etag", b"ratelimit-remaining", b"set-cookie", b"x-request-id"),
    )
)

_lines: dict[tuple[bytes, bytes], bytes] = {}
_beginnings: dict[bytes, bytes] = {}
kept_line = _lines.get


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


STATUS_LINES = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, _reason(status)) for status in range(100, 600)
}


def header_line(name: bytes, value: bytes) -> bytes:
    """`name: value` and the end of the line, the name in small letters.

    ValueError where it would end the line early or is no name: what follows would be a header, or
    a body, that nobody meant to send.
    """
    beginning = _beginnings.get(name) or _begin(name)
    if _CONTROL.search(value):
        raise ValueError(f"the header {name.decode()} holds a control character: {value!r}")
    line = beginning + value + b"\r\n"
    if name not in _NEVER_KEPT and len(line) <= _LONGEST_KEPT:
        if len(_lines) >= _MOST_KEPT:
            _lines.clear()
        _lines[name, value] = line
    return line


def _begin(name: bytes) -> bytes:
    if not _TOKEN.match(name):
        raise ValueError(f"{name!r} is no name of a header")
    if len(_beginnings) >= _MOST_KEPT:
        _beginnings.clear()
    beginning = _beginnings[name] = name.lower() + b": "
    return beginning
