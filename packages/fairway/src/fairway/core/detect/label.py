"""Names for the app and its nodes, made from names that people gave to folders and files."""

import re

from fairway.core.names import is_label

__all__ = ["as_label"]

LONGEST = 40


def as_label(text: str, fallback: str = "app") -> str:
    """`My_App 2` -> `my-app-2`: lower case, at most 40 long, or `fallback` if nothing is left."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if name[:1].isdigit():
        name = f"{fallback}-{name}"
    name = name[:LONGEST].strip("-")
    return name if is_label(name) else fallback
