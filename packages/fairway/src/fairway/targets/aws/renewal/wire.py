"""PostgreSQL's protocol, version 3, as far as a renewal speaks it: TLS, SCRAM, plain statements.

Place in the flow: inside AWS Lambda, under `steps.py`. Its text stands in a template, which has
no room for a driver: so it must not import anything but the standard library.
"""

import base64
import hashlib
import hmac
import secrets
import socket
import ssl
import struct
from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit

__all__ = ["Connection", "Refused", "verifier"]

PORT = 5432
ITERATIONS = 4096  # PostgreSQL's own number
CONNECT_SECONDS = 40.0  # a server that sleeps when nobody asks wakes in 15
PROTOCOL, WANTS_TLS = 3 << 16, 80877103


class Refused(Exception):
    """A server, or a rule of ours, said no. `code` is PostgreSQL's SQLSTATE, where it was one."""

    def __init__(self, words: str, code: str = "") -> None:
        super().__init__(f"{code}: {words}" if code else words)
        self.code = code


class Connection:
    """A connection over TLS that trusts as sslmode=require does, by SCRAM-SHA-256 and no less.

    The server must show that it knows the password too. `is_plain` is for tests.
    """

    def __init__(self, url: str, *, is_plain: bool = False) -> None:
        parts = urlsplit(url)
        place = (parts.hostname or "", parts.port or PORT)
        self._socket = socket.create_connection(place, CONNECT_SECONDS)
        try:
            if not is_plain:
                self._encrypt()
            said = {"user": parts.username, "database": parts.path[1:]}
            pairs = "".join(f"{key}\0{value}\0" for key, value in said.items())
            self._send(b"", struct.pack("!i", PROTOCOL) + f"{pairs}\0".encode())
            self._authenticate(parts.password or "")
            self._until_ready()
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def query(self, sql: str) -> list[str]:
        """Do what `sql` says; the first column of what it answers."""
        self._send(b"Q", sql.encode() + b"\0")
        return self._until_ready()

    def _encrypt(self) -> None:
        self._send(b"", struct.pack("!i", WANTS_TLS))
        if self._take(1) != b"S":
            raise Refused("the server speaks no TLS")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._socket = context.wrap_socket(self._socket)

    def _authenticate(self, password: str) -> None:
        """SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding."""
        if b"SCRAM-SHA-256\0" not in self._authentication(10):
            raise Refused("the server asks for no SCRAM-SHA-256")
        nonce = based(secrets.token_bytes(18))
        first = f"n=,r={nonce}"
        hello = f"n,,{first}".encode()
        self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(hello)) + hello)
        answer = self._authentication(11).decode()
        said = attributes(answer)
        if not said["r"].startswith(nonce):
            raise Refused("the server's nonce is not ours")
        salt, rounds = base64.b64decode(said["s"]), int(said["i"])
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
        last = f"c={based(b'n,,')},r={said['r']}"
        whole = f"{first},{answer},{last}".encode()
        key = mac(salted, b"Client Key")
        stored = mac(hashlib.sha256(key).digest(), whole)
        proof = bytes(one ^ other for one, other in zip(key, stored, strict=True))
        self._send(b"p", f"{last},p={based(proof)}".encode())
        signed = attributes(self._authentication(12).decode())["v"]
        if not hmac.compare_digest(signed, based(mac(mac(salted, b"Server Key"), whole))):
            raise Refused("the server does not know the password")
        self._authentication(0)

    def _authentication(self, wanted: int) -> bytes:
        kind, body = self._read()
        if kind == b"E":
            raise refusal(body)
        code = struct.unpack("!i", body[:4])[0] if kind == b"R" else None
        if code != wanted:
            raise Refused(f"the server goes on with {kind!r} {code}, not with {wanted}")
        return body[4:]

    def _until_ready(self) -> list[str]:
        rows: list[str] = []
        refused: Refused | None = None
        while (message := self._read())[0] != b"Z":
            kind, body = message
            if kind == b"D":
                length = struct.unpack("!i", body[2:6])[0]
                rows.append(body[6 : 6 + max(length, 0)].decode())
            elif kind == b"E":
                refused = refusal(body)
        if refused is not None:
            raise refused
        return rows

    def _send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _read(self) -> tuple[bytes, bytes]:
        """The next message: its kind and its body."""
        kind, length = struct.unpack("!ci", self._take(5))
        return kind, self._take(length - 4)

    def _take(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            more = self._socket.recv(count - len(found))
            if not more:
                raise Refused("the server hung up")
            found += more
        return found


def refusal(body: bytes) -> Refused:
    """What a server's error says."""
    fields = {each[:1]: each[1:].decode() for each in body.split(b"\0") if each}
    return Refused(fields.get(b"M", "it failed"), fields.get(b"C", ""))


def mac(key: bytes, text: bytes) -> bytes:
    """HMAC-SHA-256."""
    return hmac.digest(key, text, "sha256")


def based(value: bytes) -> str:
    """Base64."""
    return base64.b64encode(value).decode()


def attributes(text: str) -> Mapping[str, str]:
    """`r=…,s=…` of SCRAM."""
    return {each[:1]: each[2:] for each in text.split(",")}


def verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL keeps of a password: with it in SQL no log holds the password (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(mac(salted, b"Client Key")).digest()
    keys = f"{based(stored)}:{based(mac(salted, b'Server Key'))}"
    return f"SCRAM-SHA-256${ITERATIONS}:{based(salt)}${keys}"
