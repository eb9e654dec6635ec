"""Secrets of the file (R70-R76): made with a random value, or filled by people.

A secret that is generated or rotated has a random value; `renewal.py` has it renewed. Any other is
made empty: tasks that use it start once people have put its value.
"""

from fairway.core import names
from fairway.core.spec.model import App, Secret
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.postgres import add_empty
from fairway.targets.aws.render.template import ref

__all__ = ["add_secrets"]

LENGTH = 48


def add_secrets(app: App, ground: Ground) -> None:
    """Add every secret of the app."""
    for secret in app.secrets.values():
        _add(secret, ground)


def _id(name: str) -> str:
    return names.logical_id("secret", name)


def _add(secret: Secret, ground: Ground) -> None:
    draft = ground.draft
    if not secret.generate and secret.rotate_seconds is None:
        add_empty(draft, _id(secret.name), f"secret/{secret.name}", ground.key)
        return
    draft.add(
        _id(secret.name),
        "AWS::SecretsManager::Secret",
        {
            "Description": f"The value of {secret.name}.",
            "GenerateSecretString": {"ExcludePunctuation": True, "PasswordLength": LENGTH},
            "KmsKeyId": ground.key,
            "Name": draft.path("secret", secret.name)[1:],
        },
        keep="Retain",
    )
    draft.give(f"secret/{secret.name}", ref(_id(secret.name)))
