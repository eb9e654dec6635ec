"""Copilot's pipeline as `[pipeline]`: which branch goes where, and what waits for people. Pure."""

from collections.abc import Sequence

from fairway.core.copilot.manifest import Manifest
from fairway.core.copilot.workload import Said
from fairway.core.copilot.write import Table
from fairway.core.toml_text import as_key, as_text

__all__ = ["pipeline"]


def pipeline(manifest: Manifest, environments: Sequence[str]) -> list[Table]:
    """The table; nothing where no stage is an environment that is known."""
    values = manifest.base
    branch = values.take("source.properties.branch")
    stages = _stages(manifest)
    known = [(name, waits) for name, waits in stages if name in environments]
    if branch is None or not known:
        return []
    where = f"{manifest.path}:{branch.line}"
    said = [Said("on_push", f"{{ {as_key(branch.text)} = {as_text(known[0][0])} }}", where)]
    if known[1:]:
        later = ", ".join(
            f"{as_key(name)} = {as_text('by hand' if waits else 'auto')}"
            for name, waits in known[1:]
        )
        said.append(Said("promote", f"{{ {later} }}", where))
    return [Table("pipeline", tuple(said))]


def _stages(manifest: Manifest) -> list[tuple[str, bool]]:
    """Each stage's name and whether it waits; that the first waits cannot be said."""
    values = manifest.base
    found: list[tuple[str, bool]] = []
    for index in range(len(values.by_name)):
        name = values.take(f"stages[{index}].name")
        waits = values.take(f"stages[{index}].requires_approval")
        if name is None:
            break
        is_waiting = waits is not None and waits.text.lower() == "true"
        if waits is not None and is_waiting and not found:
            manifest.leave(waits, "the first environment is deployed on a push")
        found.append((name.text, is_waiting))
    return found
