"""What to do with a stack by the status that CloudFormation gives it. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html (2026-11).
"""

from typing import Literal

__all__ = ["Way", "has_settled", "way", "went_well"]

Way = Literal["create", "update", "remake", "wait", "finish-rollback", "roll-back"]
"""`remake`: delete it first, then create it. `finish-rollback`: continue one that got stuck.
`roll-back`: take back an update that was left half done."""

REMADE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
WELL = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


def way(status: str | None) -> Way:
    """How an apply begins; `status` is None where there is no such stack.

    A status that is not known counts as one that can be updated: CloudFormation itself refuses
    what it can't do, and says why.
    """
    match status:
        # In review: a change set was made for it, and nothing else. It is created like a new one.
        case None | "DELETE_COMPLETE" | "REVIEW_IN_PROGRESS":
            return "create"
        case "UPDATE_ROLLBACK_FAILED":
            return "finish-rollback"
        case "UPDATE_FAILED":
            return "roll-back"
        case _ if status in REMADE:
            return "remake"
        case _ if status.endswith("_IN_PROGRESS"):
            return "wait"
        case _:
            return "update"


def has_settled(status: str) -> bool:
    """Whether nothing goes on in the stack; one in review has nothing that could."""
    return status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS")


def went_well(status: str) -> bool:
    """Whether the last thing that was done to the stack is in place, and not what was before."""
    return status in WELL
