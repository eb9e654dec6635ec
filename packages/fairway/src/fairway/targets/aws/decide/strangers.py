"""Whether whoever deploys is signed in to the accounts that the file says (R204). Pure."""

from collections.abc import Mapping

from fairway.core.problem import Problem
from fairway.core.spec.model import App
from fairway.targets.aws.render.accounts import account_of_home

__all__ = ["stranger", "strangers"]


def strangers(app: App, number: str, others: Mapping[str, str] | None = None) -> list[Problem]:
    """Why a deploy by these would not be what the file says; none where it is.

    `number` is the account that acts at home, `others` those that act in the file's other accounts.
    """
    own = account_of_home(app)
    wanted = app.accounts.get(own or "", number)
    found: list[Problem] = []
    if wanted != number:
        what = f"{own} is account {wanted}, and you are signed in to {number}"
        found.append(Problem("accounts", what, "Sign in to that one, or name its --profile."))
    for name, other in sorted((others or {}).items()):
        found += stranger(app, name, other)
    return found


def stranger(app: App, name: str, number: str) -> list[Problem]:
    """Why this is not the other account that the file calls so; none where it is."""
    wanted = app.accounts.get(name, number)
    if wanted == number:
        return []
    what = f"{name} is account {wanted}, and its profile is of {number}"
    return [Problem(f"accounts.{name}", what, "Name a profile of that account.")]
