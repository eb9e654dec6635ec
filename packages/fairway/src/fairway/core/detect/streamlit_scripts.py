"""Streamlit scripts: which file is the one to run, of those that draw a page.

A script is a file that calls Streamlit when it is run. Files under `pages/` belong to the script
beside that folder; files that another one imports are parts of it.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairway.core.detect.layout import Layout
from fairway.core.detect.sources import Finding, join, name_of, parent_of, within
from fairway.core.detect.syntax import Tree, is_entry_guard

__all__ = ["Script", "find_scripts"]

NAMES = {
    "streamlit_app.py": 20, "app.py": 18, "main.py": 16, "home.py": 15, "overview.py": 12,
    "dashboard.py": 12, "index.py": 10, "ui.py": 8, "frontend.py": 8, "start.py": 6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Script:
    """A Streamlit script that can be run, its score by itself, and the number of its pages."""

    path: str
    finding: Finding[str]
    score: int
    pages: int


def find_scripts(trees: Mapping[str, Tree], layout: Layout) -> tuple[Script, ...]:
    """The scripts of a project that can be run."""
    drawing = {path: tree for path, tree in trees.items() if tree.uses("streamlit")}
    imported = set(_imported(drawing, trees, layout))
    navigated = frozenset(_navigated(drawing))
    return tuple(
        script
        for path, tree in drawing.items()
        if "pages" not in path.split("/")[:-1]
        and path not in navigated
        and not name_of(path).startswith(("test_", "_"))
        and (script := _script(path, tree, drawing, imported=path in imported)) is not None
    )


def _script(path: str, tree: Tree, drawing: Mapping[str, Tree], *, imported: bool) -> Script | None:
    drawn = _first_drawn(tree)
    if drawn is None:
        return None
    titled = (*_calls(tree, "streamlit.set_page_config"), *_calls(tree, "streamlit.title"))
    drawn = next(iter(titled), drawn)
    name = name_of(path).lower()
    pages_folder = join(parent_of(path), "pages")
    pages = sum(1 for page in drawing if within(page, pages_folder))
    score = NAMES.get(name, 4 if name[0].isdigit() else 0)
    score += 12 * any(_calls(tree, "streamlit.set_page_config"))
    score += 25 * any(_calls(tree, "streamlit.navigation"))
    score += 20 * bool(pages) - 3 * path.count("/") - 20 * imported
    return Script(path, tree.finding(path, drawn), score, pages)


def _first_drawn(tree: Tree) -> ast.AST | None:
    """The first Streamlit call that running the file makes, directly or from its own functions.

    A file that only defines functions and never calls one is a part, not a script.
    """
    first = next(_calls(tree, "streamlit."), None)
    runs = any(is_entry_guard(node) for node in tree.body.body) or any(
        isinstance(node, ast.Expr | ast.With | ast.If | ast.Assign | ast.For)
        and any(isinstance(inner, ast.Call) for inner in ast.walk(node))
        and not isinstance(getattr(node, "value", None), ast.Constant)
        for node in tree.body.body
    )
    return first if runs else None


def _calls(tree: Tree, prefix: str) -> Iterator[ast.Call]:
    for call in tree.calls:
        name = tree.dotted(call.func)
        if name == "streamlit.App" or name.startswith("streamlit.cache"):
            continue
        if name == prefix or (prefix.endswith(".") and name.startswith(prefix)):
            yield call


def _imported(
    drawing: Mapping[str, Tree], trees: Mapping[str, Tree], layout: Layout
) -> Iterator[str]:
    """The files that another file of the project imports."""
    for path, tree in trees.items():
        for one in tree.imported:
            found = layout.imported(one, path)
            if found is not None and found[0] in drawing and found[0] != path:
                yield found[0]


def _navigated(drawing: Mapping[str, Tree]) -> Iterator[str]:
    """The files that `st.Page("views/a.py")` names."""
    for path, tree in drawing.items():
        for call in _calls(tree, "streamlit.Page"):
            for argument in call.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield join(parent_of(path), argument.value)
