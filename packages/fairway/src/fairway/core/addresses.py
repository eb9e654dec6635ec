"""Blocks of IPv4 addresses: those of an app's own network on a cloud, and what is private.

Pure. Blocks are text as the file says them (`10.40.0.0/16`). Few files have any: `ipaddress` is
read where one does.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Network

__all__ = [
    "NETWORK",
    "OWN_BITS",
    "PRIVATE",
    "WRITTEN",
    "bits",
    "block",
    "is_own_block",
    "is_private",
    "overlapping",
    "overlaps",
    "part",
]

NETWORK = "10.0.0.0/16"
"""The addresses of an app's own network, where the file does not say others."""
# AWS takes a network of /16 to /28; a balancer asks for /27 in each zone, which /20 has room for
# (targets/aws/render/addresses.py).
OWN_BITS = range(16, 21)
# RFC 1918, and the shared addresses of RFC 6598, which AWS lets a network have too.
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")

WRITTEN = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}/[0-9]{1,2}")


def block(text: str) -> str | None:
    """The block that an address with its bits lies in: `10.40.1.2/16` -> `10.40.0.0/16`."""
    if WRITTEN.fullmatch(text) is None:
        return None
    from ipaddress import IPv4Network

    try:
        return str(IPv4Network(text, strict=False))
    except ValueError:
        return None


def bits(text: str) -> int:
    """How many bits a block shares: `10.40.0.0/16` -> 16."""
    return int(text.rpartition("/")[2])


def part(text: str, size: int, number: int) -> str:
    """The block of `size` bits inside another one, counted from 0: `10.40.16.0/20` is 1 of /16."""
    from ipaddress import IPv4Network

    start = _network(text).network_address + (number << (32 - size))
    return str(IPv4Network((start, size)))


def is_private(text: str) -> bool:
    """Whether no address of a block is one of the internet's."""
    return any(_network(text).subnet_of(_network(each)) for each in PRIVATE)


def is_own_block(text: str) -> bool:
    """Whether an app's own network may have these addresses: a private block of a fitting size."""
    return block(text) == text and is_private(text) and bits(text) in OWN_BITS


def overlaps(one: str, other: str) -> bool:
    """Whether two blocks have an address in common."""
    return _network(one).overlaps(_network(other))


def overlapping(blocks: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str, str]]:
    """Blocks, each with whose it is, that lie in an earlier or larger one: both, with whose.

    Two blocks are apart, or one lies in the other: sorted, each has to be held against one only.
    """
    last: tuple[IPv4Network, str] | None = None
    for network, owner in sorted((_network(text), owner) for text, owner in blocks):
        if last is not None and last[0].overlaps(network):
            yield str(network), owner, str(last[0]), last[1]
        else:
            last = network, owner


def _network(text: str) -> "IPv4Network":
    from ipaddress import IPv4Network

    return IPv4Network(text)
