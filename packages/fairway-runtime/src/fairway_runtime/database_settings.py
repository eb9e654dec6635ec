"""How an app uses its database: where it is, how many connections, how long a query may take.

Pure: what the environment says (R65, R232), and whether all replicas' pools fit the server (C5).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairway_runtime import contract
from fairway_runtime.reader import Reader

__all__ = ["DatabaseSettings", "Pool", "fit"]

_SIZES = {"staging": 10, "production": 20}  # R65; 5 in every other environment
_SMALLEST = 5


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """`pool_size` is what each process may open; `processes` all that may run at once."""

    url: str = field(repr=False)  # carries a password
    read_url: str = field(default="", repr=False)
    pool_size: int = _SMALLEST
    processes: int = 1
    query_seconds: float = contract.DEFAULT_DATABASE_SECONDS  # R232
    wait_seconds: float = 2.0  # for a connection of the pool

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "DatabaseSettings":
        """DATABASE_URL, DATABASE_READ_URL, DB_POOL_SIZE (5, 10, 20 by ENVIRONMENT).

        `query_seconds` is FAIRWAY_DATABASE_SECONDS, `processes` FAIRWAY_REPLICAS times
        WEB_CONCURRENCY. Raises `ValueError` with every fault.
        """
        faults: list[str] = []

        def whole(name: str, default: int) -> int:
            text = env.get(name, "").strip() or str(default)
            if text.isascii() and text.isdigit() and 1 <= len(text) < 7 and int(text) > 0:
                return int(text)
            faults.append(f"{name}={text!r}: must be a whole number from 1")
            return default

        url = env.get(contract.DATABASE_URL, "").strip()
        if not url:
            faults.append(f"{contract.DATABASE_URL} is not set")
        size = whole(
            contract.DB_POOL_SIZE, _SIZES.get(env.get(contract.ENVIRONMENT, ""), _SMALLEST)
        )
        processes = whole(contract.REPLICAS, 1) * whole(contract.WEB_CONCURRENCY, 1)
        reader = Reader(env)
        seconds = reader.seconds(
            contract.DATABASE_SECONDS, contract.DEFAULT_DATABASE_SECONDS, allows_zero=False
        )
        faults += reader.faults
        if faults:
            raise ValueError("\n".join(faults))
        return cls(url, env.get(contract.DATABASE_READ_URL, "").strip(), size, processes, seconds)


@dataclass(frozen=True, slots=True)
class Pool:
    """How many connections a process opens, and what an operator should know about it."""

    size: int
    warnings: tuple[str, ...] = ()


def fit(settings: DatabaseSettings, available: int) -> Pool:
    """The pool that all processes can have at once: their sum is at most `available` (C5).

    Never less than 1, even where that is too many: an app without a connection does nothing. Says
    so too where the pools fit, but not twice, as in a blue/green deploy.
    """
    wanted, processes = settings.pool_size, settings.processes
    size = max(1, min(wanted, available // processes))
    warnings: list[str] = []
    if size < wanted or processes > available:
        warnings.append(
            f"{processes} processes x {wanted} connections = {processes * wanted}, and the server"
            f" takes {available}: each opens {size}; lower {contract.DB_POOL_SIZE}, or put a"
            " pooler in front"
        )
    if processes > available:
        warnings.append(f"even one connection each is more than {available}: some will fail")
    elif 2 * processes * size > available:
        warnings.append(
            f"a deploy that runs both revisions at once needs {2 * processes * size} connections,"
            f" and the server takes {available}"
        )
    return Pool(size, tuple(warnings))
