"""Setting up where Python has neither venv nor pip, and whose user is nobody special."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.fetch_uv import Wheel, fitting, program_in, wheels_of

ROOT = Path(__file__).parent.parent
VERSION = "9.9.9"
PROGRAM = f"#!/bin/sh\necho uv {VERSION}\n"
NAMES = [
    "uv-9.9.8-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "uv-9.9.9-py3-none-macosx_11_0_arm64.whl",
    "uv-9.9.9-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
    "uv-9.9.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "uv-9.9.9-py3-none-musllinux_1_1_x86_64.whl",
    "uv-9.9.9-py3-none-win_amd64.whl",
]
# As Debian's Python is without python3-venv and python3-pip.
BARE_PYTHON = f"""#!/bin/sh
case "$*" in *ensurepip*|"-m pip"*) exit 1;; esac
exec {sys.executable} "$@"
"""


@pytest.mark.parametrize(
    ("machine", "libc", "place"),
    [("x86_64", "glibc", 3), ("aarch64", "glibc", 2), ("x86_64", "", 4), ("aarch64", "", 2)],
)
def test_the_wheel_is_that_of_the_version_and_the_machine(
    machine: str, libc: str, place: int
) -> None:
    wheels = [Wheel(name, "", "") for name in reversed(NAMES)]
    assert fitting(wheels, VERSION, machine, libc) == Wheel(NAMES[place], "", "")
    assert fitting(wheels, "1.0.0", machine, libc) is None
    assert fitting(wheels, VERSION, "sparc", libc) is None


def test_links_without_a_digest_are_not_taken_and_relative_ones_are_read() -> None:
    page = '<a href="../../f/a.whl#sha256=12">a</a><a href="b.whl">b</a><a href="c.gz#sha256=1">'
    assert wheels_of(page, "https://index.example/simple/uv/") == [
        Wheel("a.whl", "https://index.example/f/a.whl", "12")
    ]


def wheel_bytes() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        # Its time is that of 1980: by the clock's, two of them might not be the same.
        files.writestr(zipfile.ZipInfo(f"uv-{VERSION}.data/scripts/uv"), PROGRAM)
    return content.getvalue()


def test_content_that_the_index_did_not_promise_is_refused() -> None:
    wheel = Wheel("uv.whl", "", hashlib.sha256(b"other").hexdigest())
    with pytest.raises(ValueError, match="its index says"):
        program_in(wheel_bytes(), wheel)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        del format, args


@contextmanager
def index(folder: Path, digest: str) -> Generator[str]:
    """An index that has one version of uv for every machine."""
    page = folder / "uv"
    page.mkdir()
    name = f"uv-{VERSION}-py3-none-manylinux_2_17_{os.uname().machine}.whl"
    (page / name).write_bytes(wheel_bytes())
    (page / "index.html").write_text(f'<a href="{name}#sha256={digest}">{name}</a>')
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def set_up(folder: Path, digest: str) -> subprocess.CompletedProcess[str]:
    shutil.copytree(ROOT / "tools", folder / "tools")
    python = folder / "python3"
    python.write_text(BARE_PYTHON)
    python.chmod(0o755)
    served = folder / "served"
    served.mkdir()
    with index(served, digest) as url:
        return subprocess.run(
            ["tools/install_uv.sh", python, VERSION],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            env={"PATH": os.defpath, "PIP_INDEX_URL": url},
        )


def test_a_python_without_venv_and_pip_is_enough(tmp_path: Path) -> None:
    done = set_up(tmp_path, hashlib.sha256(wheel_bytes()).hexdigest())
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".tools/bin/uv").read_text() == PROGRAM
    assert "fetching uv itself" in done.stderr


def test_what_keeps_uv_away_is_told(tmp_path: Path) -> None:
    done = set_up(tmp_path, "0" * 64)
    assert done.returncode == 1
    assert "its index says 000" in done.stderr
    assert done.stderr.index("its index says") < done.stderr.index("what was wrong stands above")
    assert not (tmp_path / ".tools/bin/uv").exists()
