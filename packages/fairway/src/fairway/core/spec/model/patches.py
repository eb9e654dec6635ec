"""Changes to the files that a target renders, for what the file has no word for (RFC 6902)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fairway.core.json_patch import Op
from fairway.core.spec import readers as read
from fairway.core.spec.key import Key

__all__ = ["Operation", "Patch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One change, as RFC 6902 says it."""

    op: Annotated[
        Op,
        Key(
            read.choice("add", "remove", "replace", "move", "copy", "test"),
            "What is done; a `test` that fails stops the rendering.",
            required=True,
        ),
    ]
    path: Annotated[
        str,
        Key(
            read.TEXT,
            "Where: a JSON pointer.",
            example='"/Resources/Service/Properties/AvailabilityZoneRebalancing"',
            required=True,
        ),
    ]
    value: Annotated[
        object, Key(read.ANYTHING, "What is put there, for add, replace and test.")
    ] = None
    source: Annotated[str | None, Key(read.TEXT, "From where, for move and copy.", name="from")] = (
        None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Changes to rendered files, by target and file; in their order, after all else."""

    aws: Annotated[
        Mapping[str, tuple[Operation, ...]],
        Key(
            read.mapping(read.tables(Operation)),
            "By the file's name, as `fairway render` writes it.",
            example='{ "data.json" = [{ op = "remove", path = "/Resources/Registry" }] }',
        ),
    ] = field(default_factory=dict[str, tuple[Operation, ...]])
