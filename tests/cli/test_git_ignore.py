"""`fairway init` keeps `.env` out of git."""

import subprocess
from pathlib import Path

import pytest

from fairway.cli.git_ignore import keep_env_out
from tests.cli.test_verbs import Fairway


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


def is_ignored(folder: Path) -> bool:
    asked = subprocess.run(["git", "-C", folder, "check-ignore", "-q", ".env"], check=False)
    return asked.returncode == 0


@pytest.mark.requirement("R67")
@pytest.mark.parametrize("before", [None, "", "dist/\n", "dist/"])
def test_it_is_added_to_what_is_ignored_once(work_tree: Path, before: str | None) -> None:
    file = work_tree / ".gitignore"
    if before is not None:
        file.write_text(before)
    assert "added .env" in keep_env_out(work_tree)
    assert is_ignored(work_tree)
    assert file.read_text().splitlines() == [*(before or "").splitlines(), ".env"]
    assert keep_env_out(work_tree) == ""
    assert file.read_text().count(".env") == 1


def test_one_that_is_ignored_from_above_is_left(work_tree: Path) -> None:
    (work_tree / ".gitignore").write_text("**/.env*\n")
    inner = work_tree / "backend"
    inner.mkdir()
    assert keep_env_out(inner) == ""
    assert not (inner / ".gitignore").exists()


def test_one_that_git_holds_is_told(work_tree: Path) -> None:
    (work_tree / ".env").write_text("SECRET=1\n")
    subprocess.run(["git", "-C", work_tree, "add", ".env"], check=True)
    assert "git rm --cached .env" in keep_env_out(work_tree)
    assert not (work_tree / ".gitignore").exists()


def test_without_git_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work_tree: Path
) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    assert keep_env_out(outside) == ""
    monkeypatch.setenv("PATH", str(outside))
    assert keep_env_out(work_tree) == ""
    assert not (work_tree / ".gitignore").exists()


@pytest.mark.requirement("R67", "R68")
def test_init_says_so(work_tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fairway = Fairway(capsys)
    (work_tree / "main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n")
    fairway("init", "--print", str(work_tree))
    assert not is_ignored(work_tree)
    _, _, err = fairway("init", str(work_tree))
    assert "added .env to .gitignore" in err
    assert is_ignored(work_tree)
