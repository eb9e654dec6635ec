"""A manifest's YAML as leaves: the path of keys to each value, the value, its line.

Read by PyYAML's composer, which makes nodes and runs nothing: tags of CloudFormation (`!Sub`) are
only names here. Values stay text, as they are written: `on`, `yes` and `1.0` are not turned into
anything. Bounded, so that aliases cannot blow it up. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from fairway.core.problem import Problem, Problems

__all__ = ["Leaf", "leaves"]

MOST_LEAVES = 20_000
DEEPEST = 40
NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value: a text, or the texts of a list of plain values.

    A list of tables is told apart by `[0]`, `[1]` in `path`.
    """

    path: tuple[str, ...]
    value: str | tuple[str, ...]
    line: int

    @property
    def name(self) -> str:
        """The path as people write it: `http.healthcheck.path`."""
        return ".".join(self.path).replace(".[", "[")

    @property
    def text(self) -> str:
        """The value as one text."""
        return self.value if isinstance(self.value, str) else " ".join(self.value)


def leaves(path: str, text: str) -> tuple[Leaf, ...]:
    """Every value of the first document; raises `Problems` where it is no YAML."""
    try:
        node = next(iter(yaml.compose_all(text, Loader=yaml.SafeLoader)), None)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else path
        what = f"it is not YAML: {getattr(error, 'problem', None) or error}"
        raise Problems([Problem(where, what, "Mend that line.")]) from None
    if node is not None and not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1
        raise Problems([Problem(f"{path}:{line}", "it has no fields", "Write `name: value`.")])
    found: list[Leaf] = []
    for leaf in _walk(node, (), 0):
        found.append(leaf)
        if len(found) > MOST_LEAVES:
            mend = "Take it over by hand, or cut it down."
            raise Problems([Problem(path, f"it has more than {MOST_LEAVES:,} values", mend)])
    return tuple(found)


def _walk(node: yaml.Node | None, path: tuple[str, ...], depth: int) -> Iterator[Leaf]:
    if depth > DEEPEST:
        return
    match node:
        case yaml.MappingNode():
            yield from _mapping(node, path, depth)
        case yaml.SequenceNode():
            line = node.start_mark.line + 1
            if all(isinstance(item, yaml.ScalarNode) for item in node.value):
                yield Leaf(path, tuple(_scalar(item) for item in node.value), line)
                return
            for index, item in enumerate(node.value):
                yield from _walk(item, (*path, f"[{index}]"), depth + 1)
        case yaml.ScalarNode():
            if _scalar(node) or node.style is not None:
                yield Leaf(path, _scalar(node), node.start_mark.line + 1)
        case _:
            return


def _mapping(node: yaml.MappingNode, path: tuple[str, ...], depth: int) -> Iterator[Leaf]:
    """The entries; those of `<<` last, where the mapping itself does not say otherwise."""
    merged: list[yaml.Node] = []
    own: set[str] = set()
    for key, value in node.value:
        name = _scalar(key) if isinstance(key, yaml.ScalarNode) else "?"
        if name == "<<":
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            continue
        own.add(name)
        yield from _walk(value, (*path, name), depth + 1)
    for other in merged:
        for leaf in _walk(other, path, depth + 1):
            if len(leaf.path) > len(path) and leaf.path[len(path)] not in own:
                yield leaf


def _scalar(node: yaml.Node) -> str:
    value = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
    return "" if is_plain and value in NOTHING else value
