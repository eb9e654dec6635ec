"""The only place that builds a name, a port or the name of a variable.

Pure. What a name must not be (too long, not a label) is checked by `core/spec/check.py`.
"""

import re
from collections.abc import Sequence

from fairway_runtime import contract

__all__ = [
    "bucket_name",
    "bucket_start",
    "bucket_variable",
    "cloud_name",
    "cloud_path",
    "database_name",
    "database_variable",
    "is_label",
    "keeps_its_name",
    "logical_id",
    "redis_variable",
    "replica_name",
    "revision_id",
    "run_id",
    "run_ordinal",
    "service_variable",
    "short_digest",
    "variable_stem",
]

LONGEST_BUCKET = 63
CLOUDFORMATION_ADDS = 13  # a hyphen and twelve characters
UNIQUE = 9  # a hyphen and eight characters of what is a stack's own

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


def run_ordinal(run: str) -> int:
    """12 of `ingest#12`; 0 where no run began."""
    ordinal = run.rpartition("#")[2]
    return int(ordinal) if ordinal.isdecimal() else 0


def cloud_name(*parts: str, limit: int) -> str:
    """`weather-production-api`; one longer than `limit` ends in a digest of the whole."""
    whole = "-".join(parts)
    return (
        whole if len(whole) <= limit else f"{whole[: limit - 7].rstrip('-')}-{short_digest(whole)}"
    )


def keeps_its_name(stack: str, id_: str, *, limit: int) -> bool:
    """Whether CloudFormation calls a resource by its stack and its id, uncut.

    Of what is longer it cuts both parts; how, AWS does not say, so nothing may count on it.
    """
    return len(stack) + 1 + len(id_) + CLOUDFORMATION_ADDS <= limit


def bucket_start(stack: str, id_: str) -> str:
    """How the name of a stack's bucket starts, whatever stands behind it.

    Where CloudFormation would cut its own, `cloud_name` does, with a digest of the whole.
    """
    if keeps_its_name(stack, id_, limit=LONGEST_BUCKET):
        return f"{stack}-{id_}".lower()
    return cloud_name(stack, id_.lower(), limit=LONGEST_BUCKET - UNIQUE)


def cloud_path(app: str, environment: str, *parts: str) -> str:
    """`/fairway/weather/production/db/url`: a parameter's or a log group's path."""
    return "/".join(("", "fairway", app, environment, *parts))


def logical_id(*parts: str) -> str:
    """`service`, `my-api` -> `ServiceMyApi`: letters and digits only, another one for each name.

    Where hyphens do not show in the capitals (`a-1`, `a--b`), a digest of the part keeps it apart.
    """
    return "".join(_capitals(part) for part in parts)


def _capitals(part: str) -> str:
    words = re.split(r"[-_]", part)
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    hidden = "_" in part or any(not word or word[0].isdigit() for word in words[1:])
    return joined + short_digest(part) if hidden else joined


def short_digest(text: str) -> str:
    """Six characters that stand for a longer text."""
    import hashlib  # few names need it, and OpenSSL takes a while

    return hashlib.sha256(text.encode()).hexdigest()[:6]
