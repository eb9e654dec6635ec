"""Reads one HTTP/1.1 response from whatever pieces it arrives in.

Pure and small on purpose: the load generator shares two cores with what it measures. The usual
response, complete in one piece with its length, costs one search and no copy.
"""

__all__ = ["Malformed", "Response"]

END = b"\r\n\r\n"
MAX_HEAD_BYTES = 64 * 1024


class Malformed(ValueError):
    """What arrived is not an HTTP/1.x response."""


class Response:
    """The response to one request that was not HEAD.

    Feed it until `feed` returns True, or tell it by `end` that no more will come. With
    `keep_body` the body is kept for `body()`; otherwise it is only counted.
    """

    __slots__ = ("_chunked", "_head", "_keep", "_left", "_pieces", "_rest", "is_last", "status")

    def __init__(self, *, keep_body: bool = False) -> None:
        self.status = 0  # 0 until the head is complete
        self.is_last = False  # the server closes the connection after this response
        self._head = b""  # what came of an incomplete head
        self._rest = b""  # of a chunked body: what came after the last complete piece
        self._left: int | None = None  # bytes that the body or chunk still owes; None: until EOF
        self._chunked = False
        self._keep = keep_body
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> bool:
        """Takes what arrived; True when the response is complete. Raises Malformed."""
        if not self.status:
            data = self._read_head(self._head + data if self._head else data)
            if not self.status:
                return False
        if self._chunked:
            return self._read_chunks(data)
        if self._keep and data:
            self._pieces.append(data)
        if self._left is None:
            return False
        self._left -= len(data)
        if self._left < 0:
            raise Malformed("more bytes than the response's length")
        return self._left == 0

    def end(self) -> bool:
        """The connection has closed: whether the response is complete by that."""
        return bool(self.status) and not self._chunked and self._left is None

    def body(self) -> bytes:
        """The body so far, if it is kept."""
        return b"".join(self._pieces)

    def _read_head(self, data: bytes) -> bytes:
        """Sets the status and how the body ends; returns what follows the head."""
        at = data.find(END)
        if at < 0:
            if len(data) > MAX_HEAD_BYTES or not b"HTTP/1."[: len(data)] == data[:7]:
                raise Malformed("no head of an HTTP/1.x response")
            self._head = data
            return b""
        head, rest = data[:at].lower(), data[at + 4 :]
        if not (head.startswith(b"http/1.") and head[9:12].isdigit()):
            raise Malformed("no status line of HTTP/1.x")
        status = int(head[9:12])
        if status < 200:
            self._head = b""
            return self._read_head(rest) if rest else b""
        self.status = status
        connection = _value(head, b"connection")
        self.is_last = connection == b"close" or (
            head.startswith(b"http/1.0") and connection != b"keep-alive"
        )
        self._set_length(head)
        return rest

    def _set_length(self, head: bytes) -> None:
        if self.status in (204, 304):
            self._left = 0
            return
        self._chunked = _value(head, b"transfer-encoding").endswith(b"chunked")
        length = _value(head, b"content-length")
        if self._chunked:
            self._left = 0
        elif length:
            if not length.isdigit():
                raise Malformed("a length that is no number")
            self._left = int(length)
        else:
            self.is_last = True

    def _read_chunks(self, data: bytes) -> bool:
        """`_left` counts the chunk's remaining bytes with the line end after them."""
        data = self._rest + data
        while True:
            if self._left:
                piece = data[: self._left]
                self._left -= len(piece)
                data = data[len(piece) :]
                if self._keep:
                    # The line end is dropped: it is the last two of the bytes owed.
                    self._pieces.append(piece[: len(piece) - max(0, 2 - self._left)])
                if self._left:
                    self._rest = b""
                    return False
            line, found, after = data.partition(b"\r\n")
            if not found:
                self._rest = data
                return False
            try:
                size = int(line.partition(b";")[0], 16)
            except ValueError:
                raise Malformed("a chunk without a size") from None
            if size == 0:
                return self._read_trailer(data, after)
            self._left, data = size + 2, after

    def _read_trailer(self, data: bytes, after: bytes) -> bool:
        """Complete with the empty line; until then the last chunk is read again."""
        if after.startswith(b"\r\n") or END in after:
            return True
        self._rest = data
        return False


def _value(head: bytes, name: bytes) -> bytes:
    """The value of the header `name` in `head`, both in lower case; empty where it is absent."""
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()
