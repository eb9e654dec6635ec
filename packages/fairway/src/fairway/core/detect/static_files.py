"""How Django's static files are gathered before the app serves them.

`collectstatic` imports the settings, and it runs while an image is built: no secret and no address
is there yet. What the settings cannot do without stands in the command, with values that say what
they are for.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from fairway.core.detect.data import PARTS
from fairway.core.detect.evidence import Evidence
from fairway.core.detect.sources import Finding
from fairway.core.detect.variables import VariableUse
from fairway_runtime import contract

__all__ = ["collected"]

OFFLINE = re.compile(r"\s*COMPRESS_OFFLINE\s*=\s*True\b")
STANDS_IN = "build"
PORT = "5432"
ADDRESSES = {
    contract.BUCKET_NAME: STANDS_IN,
    contract.DATABASE_URL: "postgresql://build@localhost/build",
    contract.REDIS_URL: "redis://localhost",
}


def collected(evidence: Evidence, folder: str, use: VariableUse) -> Finding[str] | None:
    """The command, where the app serves its static files itself; paths are from `folder`."""
    django = evidence.django
    if django is None or django.static_root is None or not django.serves_static:
        return None
    manage = django.manage.value[len(folder) + 1 :] if folder else django.manage.value
    given = dict(_needed(evidence, use, frozenset(django.settings)))
    said = "".join(f"{name}={shlex.quote(given[name])} " for name in sorted(given))
    words = f"env {said}" if said else ""
    command = f"python {manage} collectstatic --noinput"
    if _compresses(evidence):
        command = f"sh -c {shlex.quote(f'{command} && python {manage} compress')}"
    return replace(django.static_root, value=f"{words}{command}")


def _compresses(evidence: Evidence) -> bool:
    """Whether pages ask for what django-compressor made beforehand, and fail without it."""
    settings = evidence.django.settings if evidence.django else ()
    trees = (evidence.trees[path] for path in settings if path in evidence.trees)
    return any(OFFLINE.match(line) for tree in trees for line in tree.lines)


def _needed(
    evidence: Evidence, use: VariableUse, settings: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """What the settings fail without, as far as Fairway brings it when the app runs."""
    secrets = {node.name for node in use.secrets}
    for read in evidence.reads:
        if not read.required or read.path not in settings:
            continue
        if read.name in ADDRESSES:
            yield read.name, ADDRESSES[read.name]
        elif read.name in use.variables:
            yield read.name, use.variables[read.name].value
        elif read.name in secrets or re.fullmatch(PARTS, read.name):
            yield read.name, PORT if read.name.endswith("PORT") else STANDS_IN
