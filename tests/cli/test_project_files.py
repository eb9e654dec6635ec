"""Reading a project's folder: what is taken, what is left out, and its bounds."""

import os
from pathlib import Path

import pytest

from fairway.cli.project_files import Bounds, read_project
from fairway.core.detect.project import detect
from fairway.core.problem import Problems


def put(folder: Path, path: str, content: bytes | str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def test_the_files_that_matter_are_read_and_all_paths_are_seen(tmp_path: Path) -> None:
    put(tmp_path, "app/main.py", "x = 1\r\ny = 2\r")
    put(tmp_path, "uv.lock", "huge")
    put(tmp_path, "requirements/prod.txt", "flask")
    put(tmp_path, "index.html", "<p>")
    sources = read_project(tmp_path)
    assert sources.folder == tmp_path.name
    assert sources.texts["app/main.py"] == "x = 1\ny = 2\n"
    assert sorted(sources.texts) == ["app/main.py", "index.html", "requirements/prod.txt"]
    assert "uv.lock" in sources.paths


@pytest.mark.parametrize(
    "path",
    [
        ".venv/lib/a.py",
        "node_modules/x/index.html",
        ".git/hooks/a.py",
        "__pycache__/a.py",
        "pkg.egg-info/a.py",
    ],
)
def test_folders_of_tools_are_left_out(tmp_path: Path, path: str) -> None:
    put(tmp_path, path, "")
    assert read_project(tmp_path).paths == frozenset()


def test_an_environment_under_another_name_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "my-python/pyvenv.cfg", "")
    put(tmp_path, "my-python/lib/a.py", "")
    assert read_project(tmp_path).paths == frozenset()


@pytest.mark.requirement("R73")
def test_the_file_of_secrets_is_never_read(tmp_path: Path) -> None:
    put(tmp_path, ".env", "TOKEN=hunter2")
    sources = read_project(tmp_path)
    assert ".env" not in sources.texts


def test_links_are_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "project"
    put(inside, "main.py", "")
    put(tmp_path, "outside/secret.py", "")
    (inside / "link").symlink_to(tmp_path / "outside")
    (inside / "other.py").symlink_to(tmp_path / "outside" / "secret.py")
    (inside / "loop").symlink_to(inside)
    assert read_project(inside).paths == {"main.py"}


def test_encodings_are_read_and_what_is_no_text_is_told(tmp_path: Path) -> None:
    put(tmp_path, "bom.py", b"\xef\xbb\xbfx = 1\n")
    put(tmp_path, "latin.py", b"# -*- coding: latin-1 -*-\nname = '\xe9'\n")
    put(tmp_path, "wide.py", "x = 'é'\n".encode("utf-16"))
    put(tmp_path, "binary.py", b"\0\1\2")
    put(tmp_path, "half.py", b"\xff\xfea")
    put(tmp_path, "large.py", "x = 1\n" * 200)
    sources = read_project(tmp_path, Bounds(file_bytes=1024))
    assert sources.texts["bom.py"] == "x = 1\n"
    assert "'é'" in sources.texts["latin.py"]
    assert sources.texts["wide.py"] == "x = 'é'\n"
    assert {one.path: one.why for one in sources.skipped} == {
        "binary.py": "binary",
        "half.py": "neither UTF-8 nor UTF-16",
        "large.py": "larger than 1 KiB",
    }
    assert len(detect(sources).notes_of("skipped")) == 3


def test_a_walk_has_bounds_and_says_what_it_left_out(tmp_path: Path) -> None:
    for number in range(10):
        put(tmp_path, f"a/b/{number}.py", "x = 1\n")
    put(tmp_path, "main.py", "y = 1\n")
    sources = read_project(tmp_path, Bounds(files=3))
    assert "main.py" in sources.texts
    assert len(sources.texts) == 3
    (skipped,) = sources.skipped
    assert skipped.why.endswith("(8 were left out)")
    assert len(read_project(tmp_path, Bounds(paths=5)).paths) == 5
    assert read_project(tmp_path, Bounds(depth=2)).paths == {"main.py"}


def test_names_that_are_no_text_and_folders_that_cannot_be_read_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad-\xff.py")).write_text("")
    (tmp_path / "new\nline.py").write_text("")
    os.mkfifo(tmp_path / "pipe.py")
    put(tmp_path, "main.py", "")
    assert read_project(tmp_path).paths == {"main.py"}


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="no such folder"):
        read_project(tmp_path / "missing")
