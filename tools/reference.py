"""Writes the generated pages of docs/reference, and tables in guides: `make docs`.

`--check` writes nothing; exit code 1 where a page is stale. (file.md, variables.md and
fairway.schema.json are golden files of the parser's tests, requirements.md has its own command.)
"""

import sys
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from functools import cache
from pathlib import Path

from tools import (
    reference_capabilities,
    reference_cli,
    reference_copilot,
    reference_files,
    reference_local,
    reference_policy,
    reference_prices,
    reference_status,
)

__all__ = ["main", "pages"]

ROOT = Path(__file__).parent.parent
FOLDER = Path("docs/reference")


@cache
def pages() -> Mapping[str, str]:
    """Every page: its file's name and its text."""
    return {
        "../guides/leaving-copilot.md": reference_copilot.page(),
        "capabilities.md": reference_capabilities.page(),
        "cli.md": reference_cli.page(),
        "files.md": reference_files.page(),
        "local.md": reference_local.page(),
        "policy.md": reference_policy.page(),
        "prices.md": reference_prices.page(),
        "status.md": reference_status.page(),
    }


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """The command: 0 done, 1 stale."""
    stale = 0
    for name, text in pages().items():
        file = root / FOLDER / name
        there = file.read_text() if file.exists() else ""
        if there == text:
            continue
        if "--check" in arguments:
            print(f"{FOLDER / name}: stale; `make docs` rewrites it", file=sys.stderr)
            for line in unified_diff(there.splitlines(), text.splitlines(), n=0, lineterm=""):
                print(line, file=sys.stderr)
            stale += 1
            continue
        file.write_text(text)
        print(f"wrote {FOLDER / name}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
