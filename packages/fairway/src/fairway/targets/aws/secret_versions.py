"""The secrets of an app's tasks: whether each has a value, and which version is read."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from fairway.core.problem import Problem, Problems
from fairway.targets.aws.decide import order
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.render.template import Stack

__all__ = ["see_values", "versions"]


def see_values(environment: Environment, secrets: Sequence[str]) -> None:
    """Raise `Problems` with every secret that has no value yet: its tasks would never start."""
    manager = environment.account.client("secretsmanager")
    empty = [
        name for name in secrets if not current_version(manager.describe_secret(SecretId=name))
    ]
    if empty:
        mend = "aws secretsmanager put-secret-value --secret-id {} --secret-string …"
        raise Problems(
            [Problem(f"secret {name}", "it has no value yet", mend.format(name)) for name in empty],
            exit_code=1,
        )


def current_version(described: Mapping[str, Any]) -> str:
    """The version of a secret that tasks read; empty: it has none."""
    stages = cast("Mapping[str, Sequence[str]]", described.get("VersionIdsToStages") or {})
    return next((each for each, said in sorted(stages.items()) if "AWSCURRENT" in said), "")


def versions(environment: Environment, stack: Stack) -> str:
    """A digest of the versions of all secrets that a service's tasks read."""
    manager = environment.account.client("secretsmanager")
    lines: list[str] = []
    for key in order.secrets_read(stack):
        secret = environment.at(key)
        if secret is not None:
            version = current_version(manager.describe_secret(SecretId=secret))
            lines.append(f"{key} {version}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
