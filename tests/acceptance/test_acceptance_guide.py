"""The user's guide does what it says: its files are written, its lines typed, their output read."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairway.targets.local.ports import free_port
from tests.acceptance.guide import File, Typed, matches, read
from tools.reference_files import entries

ROOT = Path(__file__).parent.parent.parent
GUIDE = ROOT / "docs/guides/first-app.md"
PORT = "8000"
PATIENCE_SECONDS = 5.0
LINE_SECONDS = 180.0


class Reader:
    """Somebody who follows the guide in a shell, with a folder and a port of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = str(free_port())
        programs = Path(sys.executable).parent
        outer = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "FAIRWAY_"))}
        outer.pop("VIRTUAL_ENV", None)
        self.environment = {
            **outer,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }

    def mine(self, text: str) -> str:
        """The guide's port is everybody's; this reader has one of their own."""
        return text.replace(PORT, self.port)

    def do(self, step: File | Typed) -> str:
        """Write the file or type the line; why it was not as promised, if it was not."""
        if isinstance(step, File):
            (self.folder / step.name).write_text(self.mine(step.text))
            return ""
        # A person reads on before typing this; memory is measured once a second.
        ends_at = time.monotonic() + (PATIENCE_SECONDS if step.line == "fairway status" else 0.0)
        while (difference := self.type(step)) and time.monotonic() < ends_at:
            time.sleep(0.5)
        return difference

    def type(self, step: Typed) -> str:
        """Type the line; why it did not print what was promised, if it did not."""
        done = subprocess.run(
            ["bash", "-c", self.mine(step.line)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LINE_SECONDS,
            check=False,
        )
        difference = matches([self.mine(line) for line in step.prints], done.stdout.splitlines())
        return f"$ {step.line}\n{difference}" if difference else ""

    def end(self) -> None:
        """Leave nothing running."""
        command = [sys.executable, "-m", "fairway.cli.main", "down", "--quick"]
        subprocess.run(command, cwd=self.folder, env=self.environment, check=False, timeout=60)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    folder = tmp_path / "notes"
    folder.mkdir()
    one = Reader(folder)
    yield one
    one.end()


@pytest.mark.alone
@pytest.mark.acceptance
@pytest.mark.real
@pytest.mark.timeout(600)
@pytest.mark.requirement("R57", "R145", "R147")
def test_the_first_guide_must_do_what_it_says(reader: Reader) -> None:
    if shutil.which("curl") is None:
        pytest.skip("the guide asks its app by curl, which is not here")
    steps = list(read(GUIDE.read_text()))
    assert len([step for step in steps if isinstance(step, Typed)]) > 15
    known = {name.rstrip("/") for name in entries()}
    for step in steps:
        assert not (difference := reader.do(step)), difference
        state = reader.folder / ".fairway"
        if state.exists():
            lies = {each.name for each in state.iterdir() if not each.name.endswith(".tmp")}
            assert lies <= known, f"docs/reference/files.md does not explain {lies - known}"


# -- The reader of guides itself -------------------------------------------------------------------


def test_files_and_sessions_are_read_in_their_order() -> None:
    text = (
        "Write `main.py`:\n\n```python\nprint(1)\n```\n\nThen:\n\n```console\n$ python main.py\n"
        "1\n$ true\n```\n\nNot a file:\n\n```toml\nx = 1\n```\n"
    )
    assert list(read(text)) == [
        File("main.py", "print(1)\n"),
        Typed("python main.py", ["1"]),
        Typed("true", []),
    ]


@pytest.mark.parametrize(
    ("promised", "printed", "is_same"),
    [
        (["a"], ["a"], True),
        (["a"], ["a", "b"], False),
        (["a", "…"], ["a", "b", "c"], True),
        (["…", "c"], ["a", "b", "c"], True),
        (["a … c"], ["a b c"], True),
        (["a … c"], ["a b d"], False),
        (["00:00:01 · up after 0.8 s"], ["23:59:59 · up after 12 s"], True),
        (["revision 5239c83e60"], ["revision 40b8dc93e4"], True),
        (["web 2 of 2 ready"], ["web 1 of 2 ready"], False),
        (["a    b"], ["a b", ""], True),
        ([], ["a"], False),
    ],
)
def test_output_is_compared_in_what_matters(
    promised: list[str], printed: list[str], *, is_same: bool
) -> None:
    assert (matches(promised, printed) == "") is is_same
