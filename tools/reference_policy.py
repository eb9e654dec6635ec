"""docs/reference/policy.md: what `fairway plan` advises against, from the rules themselves."""

from fairway.core.policy import RULES

__all__ = ["page"]

INTRODUCTION = """\
# What a plan advises against

<!-- Made from core/policy.py by tools/reference_policy.py: `make docs` writes it anew. -->

`fairway plan ENVIRONMENT` shows these under *Advises*, with the key that is meant and how to mend
it. Nothing is stopped by one. A code stays what it is.

| code | | where |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = [
        f"| {rule.code} | {rule.doc} | {'everywhere' if rule.everywhere else 'production'} |\n"
        for rule in RULES
    ]
    return INTRODUCTION + "".join(rows)
