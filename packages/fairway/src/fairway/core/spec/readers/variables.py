"""The reader of environment variables: names to texts, numbers and booleans."""

import re
from collections.abc import Mapping
from typing import Final

from fairway.core.spec.entry import Entry, is_not, show
from fairway.core.spec.mentions import is_open
from fairway.core.spec.readers.reader import UNREADABLE, Definitions, Schema, Unreadable
from fairway.core.spec.report import Report
from fairway_runtime import contract

__all__ = ["RESERVED", "VARIABLES", "why_reserved"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
LONGEST = 32 * 1024

RESERVED: Final[Mapping[str, str]] = {
    contract.HOST: "Fairway says on which address to listen",
    contract.PORT: "Fairway says on which port to listen",
}


def why_reserved(name: str) -> str | None:
    """Why a variable of this name cannot be set by the file; None where it can."""
    if name.startswith("FAIRWAY_"):
        return "names that start with FAIRWAY_ are its own"
    return RESERVED.get(name)


def value_of(value: object) -> str | None:
    """A TOML value as the environment holds it: `true`, `10000`, `0.5`; None where it cannot."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value if len(value) <= LONGEST and "\0" not in value else None
        case int():
            return str(value) if abs(value) < 2**63 else None
        case float():
            return repr(value)
        case _:
            return None


class Variables:
    """Reads a table of variables."""

    noun = "a table of variables"
    example = '{ LEVEL = "high" }'

    def read(self, entry: Entry, report: Report) -> Mapping[str, str] | Unreadable:
        if not isinstance(entry.value, Mapping):
            report.problem(entry, is_not(entry.value, self.noun), 'Write { NAME = "value" }.')
            return UNREADABLE
        found: dict[str, str] = {}
        for name, below in entry.table.items():
            value = value_of(below.value)
            if NAME.fullmatch(name) is None:
                mend = "A name has letters, digits and _, no digit first: MAX_SCENARIOS."
                report.problem(below, f"{show(name)} cannot name a variable.", mend)
            elif reason := why_reserved(name):
                report.problem(
                    below, f"{name} is set by Fairway: {reason}.", "Choose another name."
                )
            elif value is None:
                what = f"A variable holds text, a number or a boolean, not {show(below.value)}."
                report.problem(below, what, "Write its value in quotes.")
            elif is_open(value):
                mend = "Write ${db.host} to name a part of what it uses, $${ for the characters."
                report.problem(below, "A `${` in it has no end.", mend)
            else:
                found[name] = value
        return dict(sorted(found.items()))

    def write(self, value: Mapping[str, str]) -> object:
        return dict(value) or None

    def schema(self, definitions: Definitions) -> Schema:  # noqa: ARG002 - the protocol's
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^{NAME.pattern}$"},
            "additionalProperties": {"type": ["string", "integer", "number", "boolean"]},
        }


VARIABLES: Final = Variables()
