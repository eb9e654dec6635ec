"""The values of an app's secrets on this machine: from `.env`, or generated once and kept."""

from collections.abc import Mapping
from pathlib import Path

from fairway.core.masked import Masked
from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import App
from fairway.targets.local import secrets_store

__all__ = ["secret_values"]


def secret_values(app: App, dotenv: Mapping[str, str], folder: Path) -> Mapping[str, Masked]:
    """Name -> value of every secret; raises `Problems` for each that has none (R56)."""
    values: dict[str, Masked] = {}
    missing: list[Problem] = []
    for name, secret in app.secrets.items():
        if name in dotenv:
            values[name] = Masked(dotenv[name])
        elif secret.generate or secret.rotate_seconds is not None:
            values[name] = secrets_store.generated(folder, name)
        else:
            missing.append(
                Problem(
                    where=f"secret.{name}",
                    what=f"{name} has no value on this machine, and is not generated",
                    mend=f"Put `{name}=…` into .env, or write `generate = true`.",
                )
            )
    if missing:
        raise Problems(missing)
    return values
