"""What the app is told by its environment. The one module that knows the variables' names."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from fairway_runtime import contract

__all__ = ["OPEN_ENVIRONMENTS", "Settings"]

POSTGRES = ("postgresql://", "postgres://")
SQLITE = "sqlite:///"
# Where no TLS stands in front, and where there are users whose password everybody knows.
OPEN_ENVIRONMENTS = ("dev", "local", "test")
SHORTEST_KEY = 32
WITHOUT = ("false", "0", "no", "off")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where rows are, who may come in, and how much may be asked for at once.

    `spool` is the folder for records that the database could not take; `breaker_seconds` how long
    a database that failed five times is left alone (R228). A query gets `query_seconds` (R232),
    Redis `redis_seconds` (R231).
    """

    database_url: str = field(default="sqlite:///longrun.db", repr=False)
    pool_size: int = 5
    processes: int = 1
    max_scenarios: int = 1000
    threads: int = 2
    environment: str = "dev"
    session_keys: tuple[bytes, ...] = field(default=(), repr=False)
    audit_key: bytes | None = field(default=None, repr=False)
    redis_url: str = field(default="", repr=False)
    cache_seconds: float = 3600.0
    bucket: str = ""
    spool: Path = Path("longrun-spool")
    breaker_seconds: float = 30.0
    query_seconds: float = contract.DEFAULT_DATABASE_SECONDS
    redis_seconds: float = contract.DEFAULT_CACHE_SECONDS

    def __post_init__(self) -> None:
        if not self.database_url.startswith((*POSTGRES, SQLITE)):
            kind = self.database_url.partition(":")[0]
            raise ValueError(
                f"DATABASE_URL starts with {kind!r}: it must be postgresql://user:password@host/name"
                " or sqlite:///path"
            )
        for name, value, most in (
            ("DB_POOL_SIZE", self.pool_size, 1000),
            ("MAX_SCENARIOS", self.max_scenarios, 10_000),
        ):
            least = 10 if name == "MAX_SCENARIOS" else 1
            if not least <= value <= most:
                raise ValueError(f"{name} is {value}: it must be {least} to {most}")
        if any(len(key) < SHORTEST_KEY for key in self.session_keys):
            raise ValueError(f"SESSION_KEY: each of its keys must have {SHORTEST_KEY} characters")
        if self.audit_key is not None and len(self.audit_key) < SHORTEST_KEY:
            raise ValueError(f"AUDIT_KEY must have {SHORTEST_KEY} characters or more")

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the settings; what is absent or empty keeps its default."""
        said = {name: value for name, value in variables.items() if value.strip()}
        plain = cls()

        def whole(name: str, default: int) -> int:
            text = said.get(name, str(default))
            if not text.isdecimal():
                raise ValueError(f"{name} is {text!r}: it must be a whole number")
            return int(text)

        def seconds(name: str, default: float) -> float:
            try:
                return float(said.get(name, default))
            except ValueError:
                raise ValueError(f"{name} is {said[name]!r}: it must be seconds") from None

        url = said.get("DATABASE_URL", plain.database_url)
        audit_key = said.get("AUDIT_KEY", "").encode()
        is_alone = said.get("REDIS_ENABLED", "").lower() in WITHOUT
        return cls(
            database_url=url,
            pool_size=whole("DB_POOL_SIZE", plain.pool_size),
            processes=whole("FAIRWAY_REPLICAS", 1) * whole("WEB_CONCURRENCY", 1),
            max_scenarios=whole("MAX_SCENARIOS", plain.max_scenarios),
            threads=min(2, os.cpu_count() or 1),
            environment=said.get("ENVIRONMENT", plain.environment),
            session_keys=tuple(key.encode() for key in said.get("SESSION_KEY", "").split()),
            audit_key=audit_key or None,
            redis_url="" if is_alone else said.get("REDIS_URL", ""),
            cache_seconds=float(whole("CACHE_TTL", int(plain.cache_seconds))),
            bucket=said.get("BUCKET_NAME", ""),
            spool=Path(said.get("SPOOL_FOLDER", _spool_of(url))),
            query_seconds=seconds(contract.DATABASE_SECONDS, plain.query_seconds),
            redis_seconds=seconds(contract.CACHE_SECONDS, plain.redis_seconds),
            breaker_seconds=float(whole("BREAKER_SECONDS", int(plain.breaker_seconds))),
        )

    def require_keys(self) -> None:
        """Refuse to serve the public without secrets of its own: there is no default for them."""
        if self.is_open:
            return
        for name, value in (("SESSION_KEY", self.session_keys), ("AUDIT_KEY", self.audit_key)):
            if not value:
                raise ValueError(
                    f"{name} is not set: in {self.environment} it must be a secret of"
                    f" {SHORTEST_KEY} characters or more"
                )

    @property
    def is_open(self) -> bool:
        """Whether this is a place to develop and rehearse, with users made for that."""
        return self.environment in OPEN_ENVIRONMENTS

    @property
    def is_postgres(self) -> bool:
        return self.database_url.startswith(POSTGRES)


def _spool_of(url: str) -> str:
    """A folder of this machine that all processes of one database share, and no others."""
    name = sha256(f"{os.getuid()} {url}".encode()).hexdigest()[:16]
    return str(Path(tempfile.gettempdir()) / f"longrun-spool-{name}")
