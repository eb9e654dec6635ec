"""A part of an address: the host, the port, the user, the password or the name of a database.

For apps that read an address in parts (`mentions.py`). Pure.
"""

from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from fairway.core.masked import Masked
from fairway.core.problem import Problem, Problems

__all__ = ["part_of_url"]

PORTS: Final = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379}
POSTGRES_PORT: Final = 5432


def part_of_url(node: str, url: str | Masked, part: str, *, is_quoted: bool) -> str | Masked:
    """`part` of a node's URL; a password stays masked. `is_quoted`: it becomes a part of a URL.

    Raises `Problems` where the address has no such part: one of the file's own may be anything.
    """
    text = url.reveal() if isinstance(url, Masked) else url
    try:
        value = _part(urlsplit(text), part)
    except ValueError:
        value = ""
    if not value and part != "password":
        what = f"its address has no {part}"
        raise Problems([Problem(node, what, "Write it as scheme://user:password@host:port/name.")])
    if is_quoted and part in {"user", "password", "name"}:
        value = quote(value, safe="")
    return Masked(value) if part == "password" else value


def _part(address: SplitResult, part: str) -> str:
    match part:
        case "host":
            return address.hostname or ""
        case "port":
            scheme = address.scheme.partition("+")[0]
            return str(address.port or PORTS.get(scheme, POSTGRES_PORT))
        case "user":
            return unquote(address.username or "")
        case "password":
            return unquote(address.password or "")
        case _:
            return unquote(address.path.lstrip("/"))
