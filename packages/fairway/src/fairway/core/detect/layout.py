"""Where modules live: which folder is on the import path, and which file an import means.

A file's import root is found from what the project itself imports, because `__init__.py` may be
missing: `app/main.py` that says `from app.db import …` is imported from the folder above.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairway.core.detect.sources import join, name_of, parent_of, within
from fairway.core.detect.syntax import Import, Tree

__all__ = ["Layout", "lay_out"]

DEPENDENCY_FILES = frozenset({
    "pyproject.toml", "requirements.txt", "Pipfile", "setup.py", "setup.cfg", "environment.yml",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """The import roots of a project's Python files."""

    files: frozenset[str]  # paths of Python files
    roots: Mapping[str, str]  # folder of a file -> import root
    projects: frozenset[str]  # folders with a dependency file
    names: frozenset[str]  # what any file or folder of Python is called, without its ending
    search: Mapping[str, tuple[str, ...]]  # root -> all roots, the nearest first

    def root_of(self, path: str) -> str:
        """The folder that must be on the import path for this file."""
        return self.roots.get(parent_of(path), parent_of(path))

    def module_of(self, path: str, root: str | None = None) -> str:
        """`src/weather/api.py` -> `weather.api`."""
        top = self.root_of(path) if root is None else root
        rest = path[len(top) + 1 :] if top else path
        return rest.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def file_at(self, root: str, module: str) -> str | None:
        """The file of a dotted module under a root."""
        inside = module.replace(".", "/")
        base = f"{root}/{inside}" if root else inside
        for path in (f"{base}.py", f"{base}/__init__.py"):
            if path in self.files:
                return path
        return None

    def find(self, module: str, near: str) -> str | None:
        """The file of a dotted module, the nearest one to the folder `near` first."""
        if module.partition(".")[0] not in self.names:
            return None
        for root in self.search.get(near, ("",)):
            path = self.file_at(root, module)
            if path is not None:
                return path
        return None

    def imported(self, one: Import, path: str) -> tuple[str, str] | None:
        """The file that an import means and the name taken from it (empty: the whole module)."""
        if one.level:
            folder = parent_of(path)
            for _ in range(one.level - 1):
                folder = parent_of(folder)
            base = join(folder, one.module.replace(".", "/"))
            package = join(base, "__init__.py")
            found = package if package in self.files else None
            if one.module and found is None:
                found = self.file_at(folder, one.module)
            inner = self.file_at(base, one.name) if one.name else None
        else:
            root = self.root_of(path)
            found = self.find(one.module, root)
            inner = self.find(f"{one.module}.{one.name}", root) if one.name else None
        if inner is not None:
            return inner, ""
        return None if found is None else (found, one.name)

    def project_of(self, path: str) -> str:
        """The nearest folder above a file that lists dependencies; else the project's own."""
        folder = parent_of(path)
        while folder and folder not in self.projects:
            folder = parent_of(folder)
        return folder

    def reached(self, start: str, trees: Mapping[str, Tree]) -> frozenset[str]:
        """The files that importing `start` imports, directly or not, and `start` itself."""
        seen = {start}
        queue = [start]
        while queue:
            path = queue.pop()
            for target in self._targets(path, trees):
                if target not in seen:
                    seen.add(target)
                    queue.append(target)
        return frozenset(seen)

    def _targets(self, path: str, trees: Mapping[str, Tree]) -> Iterator[str]:
        tree = trees.get(path)
        for one in tree.imported if tree else ():
            found = self.imported(one, path)
            if found is None:
                continue
            yield found[0]
            package = join(parent_of(found[0]), "__init__.py")
            if package in self.files:
                yield package


def lay_out(trees: Mapping[str, Tree], paths: frozenset[str]) -> Layout:
    """The layout of a project's files."""
    files = frozenset({*trees, *(path for path in paths if path.endswith(".py"))})
    folders = frozenset(_above(files))
    natural = {folder: _natural_root(folder, files) for folder in folders}
    votes = _votes(trees, natural, files, folders)
    moved = {root: _voted(root, votes.get(root, Counter())) for root in natural.values()}
    roots = frozenset({*moved.values(), ""})
    return Layout(
        files,
        {folder: moved[root] for folder, root in natural.items()},
        frozenset(parent_of(path) for path in paths if _lists_dependencies(path, trees)),
        frozenset(word.removesuffix(".py") for path in files for word in path.split("/")),
        {root: _nearest_first(root, roots) for root in roots | folders},
    )


def _lists_dependencies(path: str, trees: Mapping[str, Tree]) -> bool:
    """Whether a file says what a project needs; a module may be called `setup.py` too."""
    if name_of(path) != "setup.py" or path not in trees:
        return name_of(path) in DEPENDENCY_FILES
    return any("setup(" in line for line in trees[path].lines)


def _nearest_first(near: str, roots: frozenset[str]) -> tuple[str, ...]:
    """Where to look for a module: the folder itself, folders in it, then the shallow ones."""
    return tuple(
        sorted(
            roots | {near},
            key=lambda root: (root != near, not within(root, near), root.count("/"), root),
        )
    )


def _above(files: frozenset[str]) -> Iterator[str]:
    """Every folder that holds Python, at any depth."""
    for path in files:
        folder = parent_of(path)
        while folder:
            yield folder
            folder = parent_of(folder)
    yield ""


def _natural_root(folder: str, files: frozenset[str]) -> str:
    """The nearest folder above that is no package."""
    while folder and join(folder, "__init__.py") in files:
        folder = parent_of(folder)
    return folder


def _votes(
    trees: Mapping[str, Tree],
    natural: Mapping[str, str],
    files: frozenset[str],
    folders: frozenset[str],
) -> Mapping[str, Counter[str]]:
    """For each natural root, how many imports of its files are found from which folder above."""
    votes: dict[str, Counter[str]] = {}
    for path, tree in trees.items():
        root = natural[parent_of(path)]
        counter = votes.setdefault(root, Counter())
        for one in tree.imported:
            if one.level:
                if root and parent_of(path) == root:
                    counter[parent_of(root)] += 1  # a relative import needs a package around it
                continue
            above = root
            while True:
                base = join(above, one.module.replace(".", "/"))
                if _is_there(base, one.name, files, folders):
                    counter[above] += 1
                    break
                if not above:
                    break
                above = parent_of(above)
    return votes


def _is_there(base: str, name: str, files: frozenset[str], folders: frozenset[str]) -> bool:
    """Whether `from base import name` names files of this project.

    A folder without `__init__.py` counts only with the name in it: a folder called `alembic`
    is not what `from alembic import context` means.
    """
    if f"{base}.py" in files or join(base, "__init__.py") in files:
        return True
    inner = join(base, name)
    return bool(base and name) and (f"{inner}.py" in files or inner in folders)


def _voted(root: str, counter: Counter[str]) -> str:
    """The root itself unless the imports say a folder above it."""
    if not counter:
        return root
    best = max(counter.values())
    if counter[root] == best:
        return root
    return max((folder for folder in counter if counter[folder] == best), key=len)
