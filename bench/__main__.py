"""`python -m bench`: lists the benchmarks, or runs one and judges it.

The last line on stdout is one JSON object; everything before it is talk. Exit code 0: every goal
is met. 1: one is missed, or the benchmark broke. 2: there is no such benchmark.
"""

import ast
import importlib
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from bench.result import Result, line, missed
from fairway.core.problem import nearest

__all__ = ["benchmarks", "main"]

FOLDER = Path(__file__).parent


def benchmarks(folder: Path = FOLDER) -> dict[str, str]:
    """Each benchmark's name and the first line of its docstring, sorted; nothing is imported."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.py")):
        tree = ast.parse(file.read_text())
        if any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body):
            found[file.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def main(arguments: Sequence[str], folder: Path = FOLDER, package: str = "bench") -> int:
    """The command; see the module's docstring for what it prints and returns."""
    known = benchmarks(folder)
    if not arguments:
        width = max((len(name) for name in known), default=0)
        for name, sentence in known.items():
            print(f"{name:{width}}  {sentence}")
        return 0
    name = arguments[0]
    if name not in known:
        likely = nearest(name, known)
        hint = f"did you mean {likely}?" if likely else "`make bench` lists them"
        print(f"there is no benchmark {name}: {hint}", file=sys.stderr)
        return 2
    result = _run(f"{package}.{name}")
    for figure in missed(result):
        value = result.figures.get(figure)
        print(f"missed: {figure} is {value}, not {result.goals[figure]}", file=sys.stderr)
    sys.stderr.flush()
    print(line(name, result), flush=True)
    return 0 if result.is_ok else 1


def _run(module: str) -> Result:
    try:
        return importlib.import_module(module).run()
    except Exception:  # noqa: BLE001 - a benchmark may break in any way; the last line is owed
        traceback.print_exc()
        return Result({"completed": 0}, {"completed": "== 1"})


def _end(number: int, _: FrameType | None) -> None:
    """Whoever ends a benchmark leaves nothing of it running: what it started, it ends."""
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    sys.exit(main(sys.argv[1:]))
