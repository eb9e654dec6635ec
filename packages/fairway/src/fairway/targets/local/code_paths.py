"""Where Python imports a revision's code from, before what the environment has installed.

An app that is a package is installed into its environment as editable: a `.pth` file that leads
to the working tree. A replica must run the revision, which does not change, so PYTHONPATH names
the same places inside the revision; it comes before every `.pth` file and import hook.
"""

import ast
import os
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["code_paths"]

MAPPING = re.compile(r"^MAPPING(?::[^=]*)? = (\{.*\})$", re.MULTILINE)


def code_paths(source: Path, folder: str, *, home: Path, packages: Path | None) -> tuple[str, ...]:
    """The folders for PYTHONPATH: of the revision in `source`, made from the app's folder `home`.

    First the service's own `folder` and its `src`, then whatever editable installs in `packages`
    (the environment's site-packages) lead to inside `home`.
    """
    here = Path(os.path.normpath(source / folder))
    wanted = [here, here / "src"]
    for place in _editable(packages) if packages else ():
        inside = os.path.relpath(os.path.realpath(place), os.path.realpath(home))
        if inside != ".." and not inside.startswith("../"):
            wanted.append(Path(os.path.normpath(source / inside)))
    return tuple(dict.fromkeys(str(path) for path in wanted if path.is_dir()))


def _editable(packages: Path) -> Iterable[str]:
    """The folders that `.pth` files and setuptools' import hooks lead to."""
    try:
        found = sorted(packages.iterdir())
    except OSError:
        return
    for file in found:
        if file.suffix == ".pth":
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            yield from (line.strip() for line in lines if line.startswith("/"))
        elif file.name.startswith("__editable___") and file.name.endswith("_finder.py"):
            text = file.read_text(encoding="utf-8", errors="replace")
            if mapping := MAPPING.search(text):
                for package, place in sorted(ast.literal_eval(mapping[1]).items()):
                    if Path(place).name == package:
                        yield str(Path(place).parent)
