"""The only place that builds a name, a port or the name of a variable.

Pure. What a name must not be (too long, not a label) is checked by `core/spec/check.py`.
"""

import re
from collections.abc import Sequence

from fairway_runtime import contract

__all__ = [
    "bucket_name",
    "bucket_variable",
    "database_name",
    "database_variable",
    "is_label",
    "redis_variable",
    "replica_name",
    "revision_id",
    "run_id",
    "service_variable",
    "variable_stem",
]

LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")


def is_label(text: str) -> bool:
    """Whether `text` can name an app or a node on every target: a DNS label of at most 40."""
    return LABEL.fullmatch(text) is not None


def variable_stem(node: str) -> str:
    """`read-replica` -> `READ_REPLICA`."""
    return re.sub(r"[^A-Z0-9]", "_", node.upper())


def database_variable(node: str, used: Sequence[str]) -> str:
    """`DATABASE_URL` for the only database that a node uses, else `<NAME>_URL`."""
    return contract.DATABASE_URL if len(used) == 1 else f"{variable_stem(node)}_URL"


def redis_variable(node: str, used: Sequence[str]) -> str:
    """`REDIS_URL` for the only cache that a node uses, else `<NAME>_URL`."""
    return contract.REDIS_URL if len(used) == 1 else f"{variable_stem(node)}_URL"


def bucket_variable(node: str, used: Sequence[str]) -> str:
    """`BUCKET_NAME` for the only bucket that a node uses, else `<NAME>_BUCKET_NAME`."""
    if len(used) == 1:
        return contract.BUCKET_NAME
    return f"{variable_stem(node)}_BUCKET_NAME"


def service_variable(node: str) -> str:
    """Where a service that another one uses is reached: `<NAME>_URL`."""
    return f"{variable_stem(node)}_URL"


def bucket_name(app: str, node: str) -> str:
    """A bucket's name on the local target; clouds add what makes it unique."""
    return f"{app}-{node}"


def database_name(app: str, node: str) -> str:
    """The database inside PostgreSQL: `weather-api`, `db` -> `weather_api_db`."""
    return f"{app}_{node}".replace("-", "_")


def revision_id(digest: str) -> str:
    """The short form of a revision's digest, as people read and type it."""
    return digest[:10]


def replica_name(service: str, ordinal: int) -> str:
    """`api.3`: ordinals of a service only grow, so a name is never used twice."""
    return f"{service}.{ordinal}"


def run_id(job: str, ordinal: int) -> str:
    """`ingest#12`: one run of a job."""
    return f"{job}#{ordinal}"
