"""What the app is told by its environment. The one module that knows the variables' names."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Settings"]

POSTGRES = ("postgresql://", "postgres://")
SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where rows are, and how much may be asked for at once."""

    database_url: str = "sqlite:///longrun.db"
    pool_size: int = 5
    max_scenarios: int = 1000
    threads: int = 2
    environment: str = "dev"

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

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the settings; what is absent or empty keeps its default."""
        said = {name: value for name, value in variables.items() if value}
        plain = cls()

        def whole(name: str, default: int) -> int:
            text = said.get(name, str(default))
            if not text.isdecimal():
                raise ValueError(f"{name} is {text!r}: it must be a whole number")
            return int(text)

        return cls(
            database_url=said.get("DATABASE_URL", plain.database_url),
            pool_size=whole("DB_POOL_SIZE", plain.pool_size),
            max_scenarios=whole("MAX_SCENARIOS", plain.max_scenarios),
            threads=min(2, os.cpu_count() or 1),
            environment=said.get("ENVIRONMENT", plain.environment),
        )

    @property
    def is_postgres(self) -> bool:
        return self.database_url.startswith(POSTGRES)
