"""What one service's own files say: its trees, the variables that it reads, its dependencies."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairway.core.detect.compose import ComposeService
from fairway.core.detect.dependencies import Dependencies
from fairway.core.detect.django import DjangoProject
from fairway.core.detect.environment import VariableRead
from fairway.core.detect.sources import Finding
from fairway.core.detect.syntax import Tree, literal_texts, text_value

__all__ = ["Evidence"]

LONGEST_ADDRESS = 300  # a longer text is prose that mentions one


@dataclass(frozen=True, slots=True)
class Evidence:
    """The part of a project that belongs to one service.

    `trees` are its files without tests and examples; `compose` every service of the compose
    file, whose images stand beside the app; `given` are variables that other files set for it,
    `built` those of its Dockerfile, `examples` those of `.env.example`.
    """

    trees: Mapping[str, Tree]
    reads: tuple[VariableRead, ...]
    dependencies: Dependencies
    django: DjangoProject | None
    compose: tuple[ComposeService, ...]
    given: Mapping[str, Finding[str]]
    built: Mapping[str, Finding[str]]
    examples: Mapping[str, Finding[str]]
    running: frozenset[str]  # the files that run while it serves, as far as imports tell

    def read(self, *names: str) -> VariableRead | None:
        """The first read of one of these variables, in the order of the names."""
        for name in names:
            for one in self.reads:
                if one.name == name:
                    return one
        return None

    def read_like(self, pattern: str) -> VariableRead | None:
        """The first read of a variable whose whole name matches."""
        shape = re.compile(pattern)
        return next((one for one in self.reads if shape.fullmatch(one.name)), None)

    def stated(self, name: str) -> str:
        """What other files say of a variable; empty where none does."""
        found = self.given.get(name) or self.examples.get(name)
        return found.value if found is not None else ""

    def is_prefix(self, found: Finding[str]) -> bool:
        """Whether this is the default of a `…_PREFIX`: a choice among several, not an address."""
        return any(
            one.name.endswith("_PREFIX") and one.finding.where == found.where for one in self.reads
        )

    def image(self, *words: str) -> Finding[str] | None:
        """A service of the compose file that runs an image of this name, such as `postgres`."""
        for one in self.compose:
            name = one.image.rpartition("/")[2].partition(":")[0]
            if any(word in name for word in words):
                return Finding(one.image, one.where, f"image: {one.image}")
        return None

    def literal(self, *starts: str) -> Finding[str] | None:
        """The first text in the code that starts so, such as `redis://`."""
        for tree in self.trees.values():
            for node in tree.texts:
                text = text_value(node)
                if text.startswith(starts) and len(text) < LONGEST_ADDRESS:
                    return tree.finding(text, node)
        return None

    def call(self, *names: str, first: str = "") -> Finding[str] | None:
        """The first call of one of these functions, optionally with this text as an argument.

        A name that starts with a dot matches the end of what is called: `.client`.
        """
        for tree, node in self.calls():
            name = _called(tree, node.func)
            if not any(name == one or (one[0] == "." and name.endswith(one)) for one in names):
                continue
            if not first or first in literal_texts(node):
                return tree.finding(name, node)
        return None

    def calls(self) -> Iterator[tuple[Tree, ast.Call]]:
        """Every call in the service's files."""
        for tree in self.trees.values():
            for node in tree.calls:
                yield tree, node

    def imports(self, *packages: str) -> Finding[str] | None:
        """The first import of one of these packages."""
        for tree in self.trees.values():
            if tree.uses(*packages):
                for node in tree.nodes:
                    if isinstance(node, ast.Import | ast.ImportFrom) and _imports(node, packages):
                        return tree.finding(packages[0], node)
        return None


def _called(tree: Tree, node: ast.expr) -> str:
    """The dotted name of what is called; of a method of a call's result, `?.method`."""
    dotted = tree.dotted(node)
    return f"?.{node.attr}" if not dotted and isinstance(node, ast.Attribute) else dotted


def _imports(node: ast.Import | ast.ImportFrom, packages: tuple[str, ...]) -> bool:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    return any(name.partition(".")[0] in packages or name in packages for name in names)
