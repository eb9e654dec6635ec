"""Whether whoever deploys is signed in to the account that the file says (R204). Pure."""

from fairway.core.problem import Problem
from fairway.core.spec.model import App
from fairway.targets.aws.render.accounts import account_of_home, away

__all__ = ["strangers"]


def strangers(app: App, number: str) -> list[Problem]:
    """Why a deploy by this account would not be what the file says; none where it is."""
    mend = f"Deploy by the lines of `fairway render {app.environment} --out FOLDER`."
    found = [
        Problem(
            f"site.{name}.account",
            f"it stands in {account} ({app.accounts[account]}), and a deploy acts in one account",
            mend,
        )
        for account, there in away(app).items()
        for name in there.sites
    ]
    own = account_of_home(app)
    wanted = app.accounts.get(own or "", number)
    if wanted != number:
        what = f"{own} is account {wanted}, and you are signed in to {number}"
        found.append(Problem("accounts", what, "Sign in to that one, or name its --profile."))
    return found
