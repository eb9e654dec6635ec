"""Passwords, as they are kept: scrypt (RFC 7914) of Python's own library, with a salt each.

scrypt needs memory as well as time, which makes guessing on graphics cards dear, and it comes with
Python: argon2 would do the same with one more compiled package to keep up to date. The cost is
one that OWASP's Password Storage Cheat Sheet (November 2026) names: N = 2**15, r = 8, p = 3, which
takes 32 MiB; so a small replica can check two at once. A hash tells its own cost, so that it can
be raised later.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode

__all__ = ["LONGEST", "SHORTEST", "hashed", "is_right"]

SHORTEST, LONGEST = 12, 200
N, R, P = 2**15, 8, 3
MOST_MEMORY = 64 * 1024 * 1024


def hashed(password: str) -> str:
    """What is kept of `password`: another text each time."""
    salt = secrets.token_bytes(16)
    return f"scrypt${N}${R}${P}${_text(salt)}${_text(_key(password, salt, N, R, P))}"


def is_right(password: str, kept: str) -> bool:
    """Whether `kept` was made from `password`; takes as long whether it was or not."""
    try:
        kind, n, r, p, salt, key = kept.split("$")
        if kind != "scrypt":
            return False
        found = _key(password, b64decode(salt), int(n), int(r), int(p))
        return hmac.compare_digest(found, b64decode(key))
    except ValueError:
        return False


def _key(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=MOST_MEMORY, dklen=32)


def _text(data: bytes) -> str:
    return b64encode(data).decode()
