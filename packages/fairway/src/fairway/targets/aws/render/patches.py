"""The file's own changes to rendered stacks (`[patch.aws]`), applied to the template at the end.

A patch is what people write where `fairway.toml` has no word. What it names must be there: a path
that is not, or a file that is not rendered, is a problem at `plan`, not a failure at deploy. Pure.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fairway.core.json_patch import Impossible, apply
from fairway.core.problem import Problem, Problems, nearest
from fairway.core.spec.model import App, Operation

__all__ = ["patch_problems", "patched"]


def patched(file: str, template: Mapping[str, Any], operations: Sequence[Operation]) -> Any:
    """The template after the operations; raises `Problems` at the first that cannot be done."""
    # What is rendered shares parts; a patch must change one of them only.
    document: Any = json.loads(json.dumps(template))
    for number, operation in enumerate(operations, start=1):
        try:
            document = _done(document, operation)
        except Impossible as fault:
            raise Problems([_problem(file, number, operation, fault)]) from None
    return document


def patch_problems(app: App, templates: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """Every patch that cannot be done; `templates` are as they were rendered, by file."""
    for file, operations in app.patch.aws.items():
        where = f'patch.aws."{file}"'
        if file not in templates:
            likely = nearest(file, templates)
            meant = f"Did you mean {likely}? " if likely else ""
            mend = f"{meant}There is: {', '.join(sorted(templates))}."
            yield Problem(where, "no such file is rendered", mend)
            continue
        try:
            patched(file, templates[file], operations)
        except Problems as faults:
            yield from faults


def _problem(file: str, number: int, operation: Operation, fault: Impossible) -> Problem:
    where = f'patch.aws."{file}", {number}. {operation.op} {operation.path}'
    return Problem(where, fault.what, fault.mend)


def _done(document: Any, operation: Operation) -> Any:
    if operation.op in {"add", "replace", "test"} and operation.value is None:
        raise Impossible(f"{operation.op} needs a value", "Write value = ….")
    if operation.op in {"move", "copy"} and operation.source is None:
        raise Impossible(f"{operation.op} needs where it is from", 'Write from = "/…".')
    return apply(
        document,
        operation.op,
        operation.path,
        value=operation.value,
        source=operation.source or "",
    )
