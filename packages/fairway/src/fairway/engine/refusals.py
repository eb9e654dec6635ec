"""Why a release is not begun, or not gone on with, as the engine says it. Pure."""

from fairway.core.problem import Problem

__all__ = ["busy", "given_up", "nothing_deploying", "overtaken", "preparing"]


def busy(revision: str) -> Problem:
    """A release is in progress; without one, the app is not up."""
    if not revision:
        return Problem("", "the app is not up", "Look at it with `fairway status`.")
    return Problem(
        where="",
        what=f"revision {revision} is being released",
        mend="Wait for it, or end it with `fairway abort`.",
    )


def overtaken(revision: str) -> Problem:
    """What was made ready is not what should follow the revision that somebody else chose."""
    return Problem(
        where="",
        what=f"revision {revision} was put in service meanwhile",
        mend="Deploy again, if this one should follow it.",
    )


def preparing() -> Problem:
    """Two would build in the same folder."""
    return Problem(
        where="",
        what="another deploy makes its revision ready",
        mend="Wait for it, or end it with `fairway abort`.",
    )


def given_up() -> Problem:
    """Somebody aborted it before there was a release."""
    return Problem(where="", what="it was aborted", mend="Deploy again when it is time.")


def nothing_deploying() -> Problem:
    """What is wrong with an order to a release that there is not."""
    return Problem(
        where="",
        what="no release is in progress",
        mend="Start one with `fairway deploy`.",
    )
