"""Projects for tests as one text each: `-- path --`, then the file's lines, then the next file.

One file a project, so that a project is read at a glance and nothing in it is linted, collected
or ignored by the tools that look after this repository. `-- path -- only a path` is a file that
the walk sees and does not read.
"""

import re
from pathlib import Path

from fairway.core.detect.sources import Sources

__all__ = ["NAMES", "PROJECTS", "read_archive", "read_project"]

PROJECTS = Path(__file__).parent / "projects"
NAMES = sorted(path.stem for path in PROJECTS.glob("*.txt"))
HEAD = re.compile(r"^-- (?P<path>\S+) --(?P<only> only a path)?$")


def read_archive(folder: str, text: str) -> Sources:
    """The sources of a project called `folder`."""
    texts: dict[str, str] = {}
    paths: set[str] = set()
    path = ""
    for line in text.splitlines(keepends=True):
        head = HEAD.match(line.rstrip("\n"))
        if head:
            path = head["path"] if not head["only"] else ""
            paths.add(head["path"])
            if path:
                texts[path] = ""
        elif path:
            texts[path] += line
    return Sources(folder, texts, frozenset(paths))


def read_project(name: str) -> Sources:
    """The sources of the project `projects/<name>.txt`."""
    return read_archive(name, (PROJECTS / f"{name}.txt").read_text())
