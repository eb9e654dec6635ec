"""Writes docs/reference/requirements.md and says how much is shown: `make requirements`.

`--check` writes nothing. Exit code 1 where the page is stale (with `--check`) or a citation names
nothing.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from tools.traceability import Evidence, Fault, page, parse, scan, summary, unknown

__all__ = ["main"]

ROOT = Path(__file__).parent.parent
CATALOGUE = Path("docs/reference/requirements.toml")
PAGE = Path("docs/reference/requirements.md")
SCANNED = ("tests/**/*.py", "packages/*/tests/**/*.py", "examples/*/tests/**/*.py", "bench/*.py")


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """The command: 0 done, 1 stale or faulty."""
    catalogue = parse((root / CATALOGUE).read_text())
    evidence, faults = gather(root)
    faults += unknown(catalogue, evidence)
    for fault in faults:
        print(f"{fault.where}: {fault.what}", file=sys.stderr)
    text = page(catalogue, evidence)
    file = root / PAGE
    is_stale = not file.exists() or file.read_text() != text
    if is_stale and "--check" in arguments:
        print(f"{PAGE}: stale; `make requirements` rewrites it", file=sys.stderr)
        return 1
    if is_stale:
        file.write_text(text)
    print(summary(catalogue, evidence))
    return 1 if faults else 0


def gather(root: Path) -> tuple[list[Evidence], list[Fault]]:
    """What every test and benchmark below `root` cites."""
    evidence: list[Evidence] = []
    faults: list[Fault] = []
    for pattern in SCANNED:
        for file in sorted(root.glob(pattern)):
            found, wrong = scan(file.relative_to(root).as_posix(), file.read_text())
            evidence += found
            faults += wrong
    return evidence, faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
