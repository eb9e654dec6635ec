"""The environment variables that code reads, and whether it can do without them.

`os.environ` and `os.getenv`, decouple, django-environ and environs, Starlette's `Config`,
`dj_database_url`, the fields of pydantic settings, and functions of the app's own that read what
their first argument names (`envint("PORT", 80)`). Names only; values are never looked at,
except a default that stands in the code.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fairway.core.detect.pydantic_settings import PLAIN, Settings, fields, find_settings, is_plain
from fairway.core.detect.sources import Finding, stem_of
from fairway.core.detect.syntax import Tree, literal_texts, text_value
from fairway_runtime import contract

__all__ = ["VariableRead", "read_variables"]

GETTERS = frozenset({"os.getenv", "os.environ.get", "os.environ.pop"})
# What a flag says by how the code takes it: `bool()` of any text but the empty one is true.
FLAGS: Mapping[str, tuple[str, ...]] = {"int": ("1", "0"), "bool": ("1", "")}
SPELT = ("True", "False")
NEEDING = frozenset({"float", "int", "json.loads", "uuid.UUID"})
READERS = frozenset({
    "decouple.AutoConfig", "decouple.Config", "environ.Env", "environ.FileAwareEnv", "environs.Env",
    "starlette.config.Config",
})  # fmt: skip
WELL_KNOWN = frozenset({contract.DATABASE_URL, contract.REDIS_URL, contract.BUCKET_NAME})
DATABASE_METHODS = frozenset({"db", "db_url", "dj_db_url"})


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads a variable when called with its name.

    `required`: it fails without one where the call names no default. `plain`: it gives a number
    or a flag.
    """

    required: bool = True
    plain: bool = False
    is_own: bool = False  # a function of the app's


@dataclass(frozen=True, slots=True)
class VariableRead:
    """One read of a variable. `default` is the text that stands in the code, if any does.

    `plain` says that the code takes it as a number or a flag; `choices` are the only texts that it
    takes, empty where it takes others.
    """

    name: str
    path: str
    required: bool
    default: str
    finding: Finding[str]
    plain: bool = False
    choices: tuple[str, ...] = ()


def read_variables(trees: Mapping[str, Tree]) -> tuple[VariableRead, ...]:
    """Every read of a variable, by path and line."""
    settings = find_settings(trees)
    found: list[VariableRead] = []
    passed = any(_passes_environment(tree) for tree in trees.values())
    own = {tree.path: _readers(tree) for tree in trees.values()}
    for tree in trees.values():
        readers, optional = own[tree.path] | _borrowed(tree, own), _optional(tree)
        taken, flags = _taken(tree) - optional, _flags(tree)
        before = len(found)
        for node in tree.nodes:
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                found.extend(_subscript(tree, node, optional))
            elif isinstance(node, ast.Call):
                made = _called(tree, node, readers, optional, taken)
                found.extend(_as_flag(read, flags.get(node, ())) for read in made)
            elif isinstance(node, ast.ClassDef) and node.name in settings.read:
                found.extend(_fields(tree, node, settings))
        if passed:
            found.extend(_well_known(tree))
        found[before:] = sorted(found[before:], key=lambda one: _line(one.finding.where))
    return tuple(found)


def _line(where: str) -> int:
    return int(where.rpartition(":")[2])


def _passes_environment(tree: Tree) -> bool:
    """Whether a file hands `os.environ` on as a whole: `Settings.read(os.environ)`."""
    return any(
        tree.dotted(argument) == "os.environ"
        for call in tree.calls
        for argument in (*call.args, *(word.value for word in call.keywords))
    )


def _well_known(tree: Tree) -> Iterator[VariableRead]:
    """Reads of variables that every host sets, from whatever mapping the environment became."""
    for node in tree.nodes:
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            key = node.args[0] if node.func.attr == "get" and node.args else None
        if text_value(key) in WELL_KNOWN:
            yield from _read(tree, node, text_value(key), required=False)


def _read(
    tree: Tree,
    node: ast.AST,
    name: str,
    *,
    required: bool,
    default: str = "",
    plain: bool = False,
    choices: tuple[str, ...] = (),
) -> Iterator[VariableRead]:
    if name and name.replace("_", "").isalnum():
        found = tree.finding(name, node)
        yield VariableRead(name, tree.path, required, default, found, plain, choices)


def _optional(tree: Tree) -> frozenset[ast.AST]:
    """What reads what the app can do without: inside an `if` at a file's top, or of its own."""
    at_top = (
        node
        for statement in tree.body.body
        if isinstance(statement, ast.If)
        for part in statement.body
        for node in ast.walk(part)
    )
    asked = (
        node
        for choice in tree.nodes
        if isinstance(choice, ast.IfExp)
        for node in ast.walk(choice.body)
        if isinstance(node, ast.Subscript) and text_value(node.slice) in literal_texts(choice.test)
    )
    return frozenset((*at_top, *asked))


def _subscript(
    tree: Tree, node: ast.Subscript, optional: frozenset[ast.AST]
) -> Iterator[VariableRead]:
    if tree.dotted(node.value) == "os.environ":
        yield from _read(tree, node, text_value(node.slice), required=node not in optional)


def _readers(tree: Tree) -> dict[str, Reader]:
    """The names in a file that read variables when called: `env = environ.Env()`."""
    found = {name: Reader() for name, one in tree.imports.items() if one.module == "decouple"}
    for node in tree.nodes:
        if isinstance(node, ast.FunctionDef) and (reader := _function(tree, node)) is not None:
            found[node.name] = reader
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if tree.dotted(node.value.func) in READERS:
            names = (name.id for name in node.targets if isinstance(name, ast.Name))
            found |= dict.fromkeys(names, Reader())
    return found


def _function(tree: Tree, function: ast.FunctionDef) -> Reader | None:
    """A function that reads the variable of its first argument's name."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    if not arguments:
        return None
    name, plain = arguments[0].arg, is_plain(function.returns)
    for node in ast.walk(function):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and tree.dotted(node.value) == "os.environ":
            key = node.slice
        elif isinstance(node, ast.Call) and tree.dotted(node.func) in GETTERS and node.args:
            key = node.args[0]
        if isinstance(key, ast.Name) and key.id == name:
            required = isinstance(node, ast.Subscript) and not _can_do_without(function)
            return Reader(required=required, plain=plain, is_own=True)
    return None


def _can_do_without(function: ast.FunctionDef) -> bool:
    """Whether a function looks before it reads, or gives something else where there is nothing."""
    for node in ast.walk(function):
        if isinstance(node, ast.If | ast.IfExp | ast.Compare):
            return True
        if isinstance(node, ast.ExceptHandler):
            inside = (inner for one in node.body for inner in ast.walk(one))
            if not any(isinstance(each, ast.Raise) for each in inside):
                return True
    return False


def _borrowed(tree: Tree, own: Mapping[str, Mapping[str, Reader]]) -> dict[str, Reader]:
    """The readers of other files that a file imports: `from .base import env`, or `*`."""
    found: dict[str, Reader] = {}
    for path, names in own.items():
        if not names:
            continue
        stem = stem_of(path)
        found |= {
            name: names[one.name]
            for name, one in tree.imports.items()
            if one.name in names and one.module.rpartition(".")[2] == stem
        }
        if any(one.module.rpartition(".")[2] == stem for one in tree.stars):
            found |= names
    return found


def _taken(tree: Tree) -> frozenset[ast.AST]:
    """What must not be None: `os.environ.get("HOSTS").split()`, `int(os.getenv("PORT"))`."""
    found: set[ast.AST] = set()
    for node in tree.nodes:
        if isinstance(node, ast.Attribute):
            found.add(node.value)
        elif isinstance(node, ast.Call) and tree.dotted(node.func) in NEEDING:
            found.update(node.args[:1])
    return frozenset(found)


def _flags(tree: Tree) -> Mapping[ast.AST, tuple[str, ...]]:
    """What is read inside `int(…)` or `bool(…)`, and what a flag has to say there."""
    return {
        call.args[0]: FLAGS[call.func.id]
        for call in tree.calls
        if isinstance(call.func, ast.Name) and call.func.id in FLAGS and len(call.args) == 1
    }


def _as_flag(read: VariableRead, choices: tuple[str, ...]) -> VariableRead:
    """The read with what it takes, where it is of a flag that Fairway sets."""
    return replace(read, choices=read.choices or choices) if read.name == contract.DEBUG else read


def _called(
    tree: Tree,
    call: ast.Call,
    readers: Mapping[str, Reader],
    optional: frozenset[ast.AST],
    taken: frozenset[ast.AST],
) -> Iterator[VariableRead]:
    name = tree.dotted(call.func)
    first = text_value(call.args[0]) if call.args else ""
    default = _default(call)
    if name in GETTERS:
        needed = call in taken and default is None and len(call.args) == 1
        yield from _read(tree, call, first, required=needed, default=_text_of(default))
    elif name == "dj_database_url.config":
        given = {word.arg: word.value for word in call.keywords}
        variable = first or text_value(given.get("env")) or "DATABASE_URL"
        fallback = _text_of(given.get("default"))
        yield from _read(tree, call, variable, required=False, default=fallback)
    else:
        function = call.func
        owner = function.value if isinstance(function, ast.Attribute) else function
        reader = readers.get(owner.id) if isinstance(owner, ast.Name) else None
        if reader is not None:
            method = function.attr if isinstance(function, ast.Attribute) else ""
            variable = first or ("DATABASE_URL" if method in DATABASE_METHODS else "")
            fallback = _text_of(default)
            cast = next((word.value for word in call.keywords if word.arg == "cast"), None)
            plain = reader.plain or method in PLAIN or is_plain(cast)
            needed = reader.required and default is None and call not in optional
            choices = SPELT if reader.is_own and fallback in SPELT else ()
            yield from _read(
                tree,
                call,
                variable,
                required=needed,
                default=fallback,
                plain=plain,
                choices=choices if variable == contract.DEBUG else (),
            )


def _default(call: ast.Call) -> ast.expr | None:
    for word in call.keywords:
        if word.arg == "default":
            return word.value
    rest = call.args[1:]
    return rest[-1] if rest and not isinstance(rest[-1], ast.Name) else None


def _text_of(node: ast.expr | None) -> str:
    texts = literal_texts(node) if node is not None else ()
    return texts[0] if texts else ""


def _fields(tree: Tree, node: ast.ClassDef, settings: Settings) -> Iterator[VariableRead]:
    """The variables that fill a settings class."""
    for one in fields(tree, node, settings):
        yield from _read(
            one.tree,
            one.node,
            one.name,
            required=one.required,
            default=one.default,
            plain=one.plain,
            choices=one.choices,
        )
