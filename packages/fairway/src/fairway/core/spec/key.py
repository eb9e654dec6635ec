"""How one key of `fairway.toml` is written down beside the field that it fills.

`Annotated[float, Key(DURATION, "How long …", name="drain")]` on a dataclass field says which
reader turns the TOML value into the field's value, what the reference says about it, and the
key's name where it differs from the field's (fields carry their unit, keys do not). From these
alone come the parser (`readers.py`), the JSON Schema and the reference, so they cannot disagree.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairway.core.spec.readers import Reader

__all__ = ["Key"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its reader, its sentence in the reference, its name, and an example as TOML.

    `default` says in words what holds where the key is left out, if it is not the field's default:
    because the environment, or another key, decides.
    """

    reader: "Reader[Any]"
    doc: str
    name: str | None = None
    example: str | None = None
    required: bool = False
    default: str | None = None
