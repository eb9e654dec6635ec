"""The imported file's text: each line with its origin, and at its end what is left. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairway.core.copilot.manifest import LeftOut
from fairway.core.copilot.workload import Said
from fairway.core.toml_text import Entry, as_key, as_text, lines, one_line, table

__all__ = ["Table", "write"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its lines."""

    name: str
    entries: tuple[Said, ...]


def write(
    app: str,
    tables: Sequence[Table],
    secrets: Mapping[str, Said],
    overlays: Mapping[str, Sequence[Said]],
    left: Sequence[LeftOut],
) -> str:
    """The text of fairway.toml."""
    blocks = ["\n".join(lines([Entry("app", as_text(app), "copilot/.workspace")]))]
    blocks += [table(each.name, _entries(each.entries)) for each in tables]
    blocks += [
        table(f"secret.{as_key(name)}", [], f"put its value; Copilot had it in {said.value}")
        for name, said in sorted(secrets.items())
    ]
    for environment, entries in overlays.items():
        blocks.append(table(f"environment.{as_key(environment)}", _entries(entries)))
    if left:
        head = "# Not taken over from Copilot:"
        blocks.append("\n".join([head, *(f"# - {one_line(str(each))}" for each in left)]))
    return "\n\n".join(blocks) + "\n"


def _entries(said: Sequence[Said]) -> list[Entry]:
    return [Entry(one.key, one.value, one.where) for one in said]
