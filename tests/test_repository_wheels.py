"""What `uv build` makes of the packages is what should be installed."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
UV = Path(sys.executable).with_name("uv")


PACKAGES = {"fairway": "fairway", "fairway-runtime": "fairway_runtime"}


def built(project: str, folder: Path) -> tuple[str, set[str]]:
    """The package that the project's wheel is for, and the names of the files in it."""
    command = [UV, "build", "--wheel", "--quiet", "--package", project, "--out-dir", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return PACKAGES[project], set(archive.namelist())


@pytest.mark.parametrize("project", PACKAGES)
def test_a_wheel_holds_its_whole_package_typed_and_nothing_else(
    tmp_path: Path, project: str
) -> None:
    package, names = built(project, tmp_path)
    roots = {name.split("/")[0] for name in names}
    assert roots == {package, next(root for root in roots if root.endswith(".dist-info"))}
    assert f"{package}/py.typed" in names
    source = ROOT / "packages" / project / "src"
    assert {str(file.relative_to(source)) for file in source.rglob("*.py")} <= names
    assert not [name for name in names if name.endswith((".pyc", "__pycache__/"))]


@pytest.mark.parametrize("project", PACKAGES)
def test_a_wheel_carries_its_licence(tmp_path: Path, project: str) -> None:
    _, names = built(project, tmp_path)
    assert [name for name in names if name.endswith("/licenses/LICENSE")]
