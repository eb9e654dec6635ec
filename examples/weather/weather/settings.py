"""What the app is told by its environment.

The one module that knows the variables' names. Every part of the app gets a `Settings`.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings", "log_to_stderr"]

POSTGRES = ("postgresql://", "postgres://")
SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where rows and files are, and how much of either may be used at once.

    `bucket` is an S3 bucket's name; without one, files come from the folder `files`. Address and
    credentials of the bucket are the AWS variables, which boto3 reads by itself; `region` is
    AWS_REGION, which it does not.
    """

    database_url: str = "sqlite:///weather.db"
    bucket: str = ""
    region: str = "us-east-1"
    files: Path = Path("data/incoming")
    pool_size: int = 5
    environment: str = "dev"
    log_level: str = "INFO"

    def __post_init__(self) -> None:
        if not self.database_url.startswith((*POSTGRES, SQLITE)):
            kind = self.database_url.partition(":")[0]
            raise ValueError(
                f"DATABASE_URL starts with {kind!r}: it must be postgresql://user:password@host/name"
                f" or sqlite:///path"
            )
        if not 1 <= self.pool_size <= 1000:
            raise ValueError(f"DB_POOL_SIZE is {self.pool_size}: it must be 1 to 1000")

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the settings; what is absent or empty keeps its default."""
        said = {name: value for name, value in variables.items() if value}
        plain = cls()
        pool_size = said.get("DB_POOL_SIZE", str(plain.pool_size))
        if not pool_size.isdecimal():
            raise ValueError(f"DB_POOL_SIZE is {pool_size!r}: it must be a whole number")
        return cls(
            database_url=said.get("DATABASE_URL", plain.database_url),
            bucket=said.get("BUCKET_NAME", plain.bucket),
            region=said.get("AWS_REGION", said.get("AWS_DEFAULT_REGION", plain.region)),
            files=Path(said.get("WEATHER_FILES", plain.files)),
            pool_size=int(pool_size),
            environment=said.get("ENVIRONMENT", plain.environment),
            log_level=said.get("LOG_LEVEL", plain.log_level).upper(),
        )

    def to_environment(self) -> dict[str, str]:
        """Write the settings as a process that we start will read them."""
        return {
            "DATABASE_URL": self.database_url,
            "BUCKET_NAME": self.bucket,
            "AWS_REGION": self.region,
            "WEATHER_FILES": str(self.files),
            "DB_POOL_SIZE": str(self.pool_size),
            "ENVIRONMENT": self.environment,
            "LOG_LEVEL": self.log_level,
        }

    @property
    def is_postgres(self) -> bool:
        return self.database_url.startswith(POSTGRES)

    @property
    def sqlite_path(self) -> str:
        """The SQLite file, relative to the working directory unless the URL has four slashes."""
        return self.database_url.removeprefix(SQLITE)


def log_to_stderr(level: str) -> None:
    """Send a command's log to stderr; stdout is for its result."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    logging.getLogger("weather").setLevel(level)
