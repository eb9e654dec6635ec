"""What a function is called, and what names the version of it that answers."""

from fairway.targets.aws.render.template import Draft

__all__ = ["ALIAS", "LONGEST", "function_name"]

ALIAS = "live"
LONGEST = 64


def function_name(draft: Draft, node: str) -> str:
    """What a service's function is called."""
    return draft.called(node, limit=LONGEST)
