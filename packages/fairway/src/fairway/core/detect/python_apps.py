"""Web apps in Python code: objects and factories of the known frameworks, wherever assigned.

Reads syntax trees only. Follows names through imports and re-exports, subclasses of a
framework's class, objects that a factory of the project makes, and middleware that wraps an
app. Which of several apps is the main one is decided in `choose.py`.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fairway.core.detect.frameworks import CONSTRUCTORS, WRAPPERS, Framework
from fairway.core.detect.layout import Layout
from fairway.core.detect.sources import Finding
from fairway.core.detect.syntax import Function, Tree, statements

__all__ = ["AppObject", "Apps", "find_apps"]

ROUNDS = 6
DEPTH_LIMIT = 20
ROUTING = frozenset({
    "add_api_route", "add_route", "add_url_rule", "callback", "delete", "get", "include_router",
    "layout", "mount", "patch", "post", "put", "register", "register_blueprint", "route",
    "websocket", "add_router", "add_static_files", "api_route",
})  # fmt: skip
PARTS = frozenset({"app", "asgi_app", "server", "wsgi_app"})


@dataclass(frozen=True, slots=True)
class AppObject:
    """An app, or a function that makes one.

    `required` are the parameters of a factory that have no default; `inside` says what an object
    came from: the key of the factory that made it, or of the app that it wraps.
    """

    path: str
    name: str
    framework: Framework
    finding: Finding[str]
    factory: bool = False
    required: tuple[str, ...] = ()
    inside: str = ""

    @property
    def key(self) -> str:
        """What names it uniquely in the project: `src/app.py::app`."""
        return f"{self.path}::{self.name}"


@dataclass(frozen=True, slots=True)
class Apps:
    """Every app object by key, those mounted under another, and those that have routes."""

    objects: Mapping[str, AppObject]
    mounted: frozenset[str]
    routed: frozenset[str]
    search: "Search"


def find_apps(trees: Mapping[str, Tree], layout: Layout) -> Apps:
    """Every app object and factory of a project."""
    search = Search(trees, layout)
    for _ in range(ROUNDS):
        if not search.look():
            break
    mounted, routed = search.relations()
    return Apps(search.objects, mounted, routed, search)


class Search:
    """What is known so far; each look at all files can find more than the one before."""

    def __init__(self, trees: Mapping[str, Tree], layout: Layout) -> None:
        self.trees = trees
        self.layout = layout
        self.objects: dict[str, AppObject] = {}
        self.classes: dict[str, Framework] = {}

    def look(self) -> bool:
        """One look at every file; whether anything new was found."""
        before = len(self.objects) + len(self.classes)
        for tree in self.trees.values():
            for statement in statements(tree.body.body):
                self._statement(tree, statement)
        return len(self.objects) + len(self.classes) > before

    def _statement(self, tree: Tree, statement: ast.stmt) -> None:
        if isinstance(statement, ast.ClassDef):
            for parent in statement.bases:
                framework = self._class_of(tree, parent)
                if framework is not None:
                    self.classes.setdefault(f"{tree.path}::{statement.name}", framework)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            self._function(tree, statement)
        else:
            for name, value in _assigned(statement):
                made = self.made_by(tree, value, {})
                if made is not None:
                    self._add(tree, name, statement, made)

    def _add(self, tree: Tree, name: str, node: ast.stmt, made: "tuple[Framework, str]") -> None:
        framework, inside = made
        finding = tree.finding(name, node)
        one = AppObject(tree.path, name, framework, finding, inside=inside)
        if one.key == inside:  # `app = Middleware(app)`: the same name, now wrapped
            return
        self.objects.setdefault(one.key, one)

    def _function(self, tree: Tree, function: Function) -> None:
        """A factory: a function that makes an app and returns it."""
        key = f"{tree.path}::{function.name}"
        if key in self.objects or isinstance(function, ast.AsyncFunctionDef):
            return
        local: dict[str, Framework] = {}
        for statement in statements(function.body):
            for name, value in _assigned(statement):
                made = self.made_by(tree, value, local)
                if made is not None:
                    local[name] = made[0]
            if isinstance(statement, ast.Return) and statement.value is not None:
                made = self.made_by(tree, statement.value, local)
                if made is not None:
                    self.objects[key] = AppObject(
                        tree.path,
                        function.name,
                        made[0],
                        tree.finding(function.name, function),
                        factory=True,
                        required=_required(function),
                    )
                    return

    def made_by(
        self, tree: Tree, value: ast.expr, local: Mapping[str, Framework], depth: int = 0
    ) -> "tuple[Framework, str] | None":
        """The framework of the app that an expression makes, and the key that it came from."""
        if depth > DEPTH_LIMIT:
            return None
        if isinstance(value, ast.IfExp):
            return self.made_by(tree, value.body, local, depth + 1)
        if isinstance(value, ast.Call):
            return self._called(tree, value, local, depth + 1)
        if isinstance(value, ast.Name) and value.id in local:
            return local[value.id], ""
        if isinstance(value, ast.Attribute) and value.attr in PARTS:
            whole = self.made_by(tree, value.value, local, depth + 1)
            if whole is not None and value.attr == whole[0].attribute:
                return replace(whole[0], attribute=""), whole[1]
            return whole
        key = self.key_of(tree, value)
        known = self.objects.get(key)
        return None if known is None or known.factory else (known.framework, key)

    def _called(
        self, tree: Tree, call: ast.Call, local: Mapping[str, Framework], depth: int
    ) -> "tuple[Framework, str] | None":
        framework = self._class_of(tree, call.func)
        if framework is not None:
            return framework, ""
        key = self.key_of(tree, call.func)
        known = self.objects.get(key)
        if known is not None and known.factory:
            return known.framework, key
        name = tree.dotted(call.func)
        wrapper = WRAPPERS.get(name)
        if wrapper is None and not name.endswith("Middleware"):
            return None
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            if isinstance(argument, ast.Call | ast.Name | ast.Attribute):
                inner = self.made_by(tree, argument, local, depth)
                if inner is not None:
                    kind = wrapper.kind if wrapper else inner[0].kind
                    return replace(inner[0], kind=kind), inner[1]
        if wrapper is not None and name.startswith(("socketio.", "engineio.")):
            return wrapper, ""
        return None

    def _class_of(self, tree: Tree, node: ast.expr) -> Framework | None:
        """The framework of a class or constructor that an expression names."""
        if isinstance(node, ast.Subscript):
            node = node.value
        name = tree.dotted(node)
        if name in CONSTRUCTORS:
            return CONSTRUCTORS[name]
        for star in tree.stars:
            if f"{star.module}.{name}" in CONSTRUCTORS:
                return CONSTRUCTORS[f"{star.module}.{name}"]
        return self.classes.get(self.key_of(tree, node))

    def key_of(self, tree: Tree, node: ast.AST) -> str:
        """The key of the thing that an expression names, through imports; empty if none."""
        if isinstance(node, ast.Name):
            return self.origin(tree.path, node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            one = tree.imports.get(node.value.id)
            found = self.layout.imported(one, tree.path) if one else None
            if found is not None and not found[1]:
                return self.origin(found[0], node.attr)
        if isinstance(node, ast.Attribute):
            module, _, name = tree.dotted(node).rpartition(".")
            path = self.layout.find(module, self.layout.root_of(tree.path)) if module else None
            return self.origin(path, name) if path else ""
        return ""

    def origin(self, path: str, name: str, depth: int = 0) -> str:
        """Where a name of a file is really defined: re-exports are followed."""
        tree = self.trees.get(path)
        key = f"{path}::{name}"
        if tree is None or depth > ROUNDS or key in self.objects or key in self.classes:
            return key
        one = tree.imports.get(name)
        found = self.layout.imported(one, path) if one else None
        if found is None or not found[1] or found == (path, name):
            return key
        return self.origin(found[0], found[1], depth + 1)

    def relations(self) -> tuple[frozenset[str], frozenset[str]]:
        """The keys of apps mounted under another app, and of apps that are given routes."""
        mounted: set[str] = set()
        routed: set[str] = set()
        for tree in self.trees.values():
            for node in tree.nodes:
                if isinstance(node, ast.Attribute) and node.attr in ROUTING:
                    routed.add(self.key_of(tree, node.value))
                if isinstance(node, ast.Call):
                    mounted.update(self._mounted(tree, node))
        return frozenset(mounted & self.objects.keys()), frozenset(routed & self.objects.keys())

    def _mounted(self, tree: Tree, call: ast.Call) -> Iterator[str]:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else tree.dotted(call.func)
        if name.rpartition(".")[2] not in {"Mount", "mount", "DispatcherMiddleware"}:
            return
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            inner = argument.func if isinstance(argument, ast.Call) else argument
            if inner is not owner:
                yield self.key_of(tree, inner)
            if isinstance(argument, ast.Dict):
                yield from (self.key_of(tree, value) for value in argument.values)


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """The names that a statement assigns, with the expressions that they get."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value
            elif isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Call):
                first = target.elts[0] if target.elts else None
                if isinstance(first, ast.Name):  # FastHTML: `app, rt = fast_app()`
                    yield first.id, statement.value
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield from ((statement.target.id, value) for value in (statement.value,) if value)


def _required(function: Function) -> tuple[str, ...]:
    """The parameters without a default."""
    arguments = function.args
    positional = (*arguments.posonlyargs, *arguments.args)
    needed = positional[: len(positional) - len(arguments.defaults)]
    keywords = tuple(
        argument
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    )
    return tuple(argument.arg for argument in (*needed, *keywords))
