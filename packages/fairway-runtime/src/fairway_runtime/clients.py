"""Who sends a request, as far as it can be believed: the user, else the address (R218).

`x-forwarded-for` counts only where it was written by a proxy that is trusted, read from its end:
whatever stands left of the first stranger is the stranger's own invention. IPv6 addresses count
by their /64, the least that one customer gets (RIPE-690).
"""

import ipaddress
from collections.abc import Callable, Iterable
from functools import lru_cache

from fairway_runtime.asgi import Scope

__all__ = ["Clients", "header"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_LONGEST = 64
_FORWARDED = b"x-forwarded-for"


class Clients:
    """Names the sender of a request.

    `trusted` are addresses and networks of proxies. `user_header` names the user, and is believed
    from these only. `user_of` finds the user in a scope and must have checked that it is true: a
    token that nobody has verified is a new name for every request.
    """

    def __init__(
        self,
        trusted: Iterable[str] = (),
        user_header: str = "",
        user_of: Callable[[Scope], str | None] | None = None,
    ) -> None:
        self._networks = tuple(ipaddress.ip_network(one, strict=False) for one in trusted)
        self._user_header = user_header.lower().encode()
        self._user_of = user_of
        self._knows_users = bool(user_header) or user_of is not None
        self._is_trusted = lru_cache(4096)(self._finds_trusted)
        self._by_address = lru_cache(4096)(self._name_by_address)

    def name(self, scope: Scope, forwarded: bytes | None = None) -> str:
        """`user:…` or `ip:…`, of bounded length.

        `forwarded` are the values of `x-forwarded-for`, where the caller has them already.
        """
        if forwarded is None:
            forwarded = header(scope, _FORWARDED)
        if not forwarded and not self._knows_users and "user" not in scope:  # most of them
            client = scope.get("client")
            return self._by_address(client[0] if client else "", b"")
        if self._user_of is not None:
            user = self._user_of(scope)
        else:
            user = _starlette_user(scope) if "user" in scope else None
        client = scope.get("client")
        peer: str = client[0] if client else ""
        if user is None and not self._user_header:
            if forwarded and not self._is_trusted(peer):  # a stranger's own invention
                forwarded = b""
            return self._by_address(peer, forwarded)
        if user is None and self._is_trusted(peer):
            user = header(scope, self._user_header).decode("latin-1").strip()
        if user:
            return f"user:{_short(user)}"
        return self._by_address(peer, forwarded)

    def _name_by_address(self, peer: str, forwarded: bytes) -> str:
        if forwarded and self._networks and self._is_trusted(peer):
            peer = self._behind(peer, forwarded.decode("latin-1"))
        return f"ip:{_prefix(peer)}"

    def _behind(self, peer: str, forwarded: str) -> str:
        """The last address that no trusted proxy has."""
        for part in reversed(forwarded.split(",")):
            hop = part.strip()
            if _address(hop) is None:
                return peer
            peer = hop
            if not self._is_trusted(hop):
                return hop
        return peer

    def _finds_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(
            address.version == network.version and address in network for network in self._networks
        )


def header(scope: Scope, wanted: bytes) -> bytes:
    """All values of one header, in order."""
    return b",".join([value for name, value in scope["headers"] if name == wanted])


def _starlette_user(scope: Scope) -> str | None:
    """The user that an authentication middleware outside of ours has found."""
    user = scope.get("user")
    if user is None or not getattr(user, "is_authenticated", False):
        return None
    name: str = getattr(user, "identity", "") if _has_identity(user) else user.display_name
    return name or None


def _has_identity(user: object) -> bool:
    try:
        return bool(getattr(user, "identity", ""))
    except NotImplementedError:  # Starlette's SimpleUser
        return False


def _short(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    from hashlib import blake2b

    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@lru_cache(4096)
def _address(text: str) -> Address | None:
    """`text` as an address; with a port or in brackets too."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


@lru_cache(4096)
def _prefix(text: str) -> str:
    """An address as it is counted; what is no address (a Unix socket) counts as one."""
    address = _address(text)
    if address is None:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
