"""What Pipfile.lock holds for an image: its `default` part names all that is installed. Pure.

https://pipenv.pypa.io/en/latest/pipfile.html, and the locks that Pipenv 2025 writes (2026-11).
"""

from fairway.core.build.declared import Declared, pipenv_source
from fairway.core.build.markers import holds
from fairway.core.build.package import Artifact, Locked, Package
from fairway.core.build.requirement_lines import normal
from fairway.core.detect.sources import Sources
from fairway.core.detect.tables import as_table, as_text, as_texts, read_json

__all__ = ["pipenv"]


def pipenv(sources: Sources, found: Declared, python: str) -> Locked:
    """What `pipenv sync` would install on Linux; who asked for what, the lock does not say."""
    lock = read_json(sources.texts.get(found.files[0], ""))
    packages: dict[str, Package] = {}
    for name, said in as_table(lock.get("default")).items():
        table = as_table(said)
        if holds(as_text(table.get("markers")), python):
            hashes = as_texts(table.get("hashes"))
            packages[normal(name)] = Package(
                normal(name),
                as_text(table.get("version")).removeprefix("=="),
                artifacts=tuple(Artifact("", each.removeprefix("sha256:")) for each in hashes),
                source=pipenv_source(table, lock),
            )
    ordered = tuple(packages[name] for name in sorted(packages))
    return Locked(ordered, tuple(sorted(packages)), is_whole=True)
