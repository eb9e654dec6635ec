"""docs/reference/capabilities.md: how each part of the file runs on each target.

Nothing here is told by hand. This machine: the rows and gaps of `reference_local`. AWS: what a part
changes in what is rendered, the gaps that it brings, and which types of resources the tests create
on emulators (their lists of what an emulator lacks fail when they are stale). Reads the tests as
text; runs none.
"""

import ast
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fairway.core.build.files import build_files
from fairway.core.build.images import images
from fairway.core.detect.sources import Sources
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import stacks, template
from tools.reference_local import COMMAND, FUNCTION, JOB, ROWS, WEB, Row, missing

__all__ = ["EMULATED", "GAP", "SCHEMA", "emulated_types", "on_aws", "page"]

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests" / "targets" / "aws"
FILES = ROOT / "tests" / "core" / "spec" / "files"
EMULATED = "emulated"
MOTO = "test_aws_moto.py"
SCHEMA = "schema-validated"
GAP = "gap"
CODE = Sources("x", {"requirements.txt": "fastapi"}, frozenset())
BASES = (FUNCTION, WEB, COMMAND, JOB, "[database.d]\n", "[cache.c]\n", "[bucket.b]\n")
PATCH = """\
[[patch.aws."service-web.json"]]
op = "add"
path = "/Resources/Service/Properties/AvailabilityZoneRebalancing"
value = "DISABLED"
"""
MORE = (
    Row(
        "`pipeline.repository`",
        '[pipeline]\nrepository = "a/b"\npromote = { production = "auto" }\n',
    ),
    Row("`patch`", WEB + PATCH),
)
INTRODUCTION = """\
# What runs where

<!-- Made from code and tests by tools/reference_capabilities.py: `make docs` writes it anew. -->

One row a part of `fairway.toml`, one column a target. [This machine](local.md): *real* is the
program that production uses, or its like; *stands in* is another with the same interface. AWS, in
production:

- **emulated**: the tests deploy such resources to an emulator of AWS (ministack or moto), and each
  is really there. That it works, an emulator does not show.
- **schema-validated**: cfn-lint accepts what it renders; no emulator has such a resource.
- **gap**: AWS would not do it, or not all of it; `fairway render` and `fairway plan` say so first.

Where a Docker engine is, the tests also build a real image, push it to ministack's registry and run
it in containers as tasks of ECS: before a release, behind the balancer, as a job, as a command; one
that is bad is taken back with its last lines.

Nothing was run on AWS itself. What the runtime does (limits, probes, logs, drain) is the same code
on both, and is run for real on this machine. *But for* names types that no emulator here has.

| in the file | this machine | AWS |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return INTRODUCTION + "\n".join(_rows()) + "\n"


def on_aws(row: Row) -> tuple[str, str]:
    """The verdict on a row, and its words."""
    types, said = _effect(_base(row.text), row.text)
    if not types and not said:
        if _dockerfiles(_app(_base(row.text))) != _dockerfiles(_app(row.text)):
            return SCHEMA, "in the image's Dockerfile, which hadolint accepts"
        types, said = _effect("", row.text)  # it says what holds anyway: the whole node tells
    lacking = sorted(types - emulated_types())
    if not types:
        return GAP, said
    is_seen = len(lacking) < len(types)
    verdict = EMULATED if is_seen else SCHEMA
    words = _but(lacking) if is_seen else ""
    if not said:
        return verdict, words
    return f"{verdict}, in part {GAP}", "; ".join(filter(None, (words, said)))


def _effect(before: str, after: str) -> tuple[frozenset[str], str]:
    """The types of resources that a text changes, and the gaps that it brings."""
    old, new = _app(before), _app(after)
    known = {gap.what for gap in gaps(old)}
    said = "; ".join(dict.fromkeys(gap.what for gap in gaps(new) if gap.what not in known))
    return changed_types(old, new), said


def changed_types(before: App, after: App) -> frozenset[str]:
    """The types of resources that are new or different."""
    old, new = _resources(before), _resources(after)
    return frozenset(one["Type"] for key, one in new.items() if old.get(key) != one)


@cache
def emulated_types() -> frozenset[str]:
    """The types that the tests create on an emulator, in production."""
    names = _argument("test_aws_deploy.py", "test_every_resource_of_every_stack_is_really_there")
    apps = [parse((FILES / f"{name}.toml").read_text()).app("production") for name in names]
    on_ministack = _types(apps) - _lacks("MINISTACK")
    if not (TESTS / MOTO).exists():
        return on_ministack
    shop = _app(_constant(MOTO, "SHOP"), name="shop")
    return on_ministack | (_types([shop]) - _lacks("MOTO"))


def _base(text: str) -> str:
    """What a row's text adds to: a plain node, or the other nodes that it needs."""
    for each in BASES:
        if text.startswith(each) and text != each:
            return each
    _, between, others = text[1:].partition("\n[")
    return f"[{others}" if between else ""


def _dockerfiles(app: App) -> Mapping[str, str]:
    made = images(app, CODE, 8000)
    return build_files(app.name, made, CODE, version="0", runtime_version="0")


def _rows() -> Iterator[str]:
    for row in (*ROWS, *MORE):
        verdict, words = on_aws(row)
        aws = f"**{verdict}**: {words}" if words else f"**{verdict}**"
        yield f"| {row.what} | {_here(row)} | {aws} |"


def _here(row: Row) -> str:
    found = "; ".join(what for _, what in missing(row))
    if row in MORE:
        return "without effect"
    if row.is_in_part:
        return f"**{row.how}**, in part **{GAP}**"
    return f"**{GAP}**: {found}" if found else f"**{row.how}**"


def _but(lacking: list[str]) -> str:
    short = [each.removeprefix("AWS::") for each in lacking]
    return f"but for {', '.join(short)}: {SCHEMA}" if short else ""


def _app(text: str, name: str = "x") -> App:
    return parse(f'app = "{name}"\n{text}').app("production")


def _resources(app: App) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for stack in stacks(app):
        # The text of a template takes longer than all the rest: only a patch needs it.
        said: dict[str, Any] = template.said(stack)
        if stack.patches:
            said = json.loads(template.text(stack))
        for key, one in said["Resources"].items():
            found[f"{stack.path}/{key}"] = one
    return found


def _types(apps: list[App]) -> frozenset[str]:
    return frozenset(one["Type"] for app in apps for one in _resources(app).values())


def _lacks(emulator: str) -> frozenset[str]:
    """The types that an emulator lacks as a whole, as its list in the tests says."""
    call = _assigned("emulators.py", emulator)
    assert isinstance(call, ast.Call)
    inner = call.args[1]
    assert isinstance(inner, ast.Call)
    return frozenset(
        each for each in ast.literal_eval(inner.args[0]) if "." not in each and "@" not in each
    )


def _constant(file: str, name: str) -> str:
    return str(ast.literal_eval(_assigned(file, name)))


def _assigned(file: str, name: str) -> ast.expr:
    """What is assigned to a name at the top of a module."""
    for node in _tree(file).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return node.value
    raise LookupError(f"{file} has no {name}")


def _argument(file: str, test: str) -> list[str]:
    """The values that a test is parametrised with."""
    for node in _tree(file).body:
        if isinstance(node, ast.FunctionDef) and node.name == test:
            for each in node.decorator_list:
                if isinstance(each, ast.Call) and "parametrize" in ast.unparse(each.func):
                    return [str(value) for value in ast.literal_eval(each.args[1])]
    raise LookupError(f"{file} has no parametrised {test}")


def _tree(file: str) -> ast.Module:
    return ast.parse((TESTS / file).read_text())
