"""Revisions: what is copied, what its id says, and that no kill leaves half of one."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.problem import Problems
from fairway.targets.local import ignore, revisions
from fairway.targets.local.revisions import (
    altered,
    find_revision,
    list_revisions,
    prune,
    remove,
    snapshot,
)
from fairway.targets.local.source_tree import Limits


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def copied(source: Path) -> set[str]:
    return {str(path.relative_to(source)) for path in source.rglob("*") if not path.is_dir()}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write(
        tmp_path / "app",
        {
            "main.py": "app = 1\n",
            "weather/api.py": "x = 2\n",
            "frontend/dist/index.html": "<p>built, and ignored by git</p>",
            ".gitignore": "dist/\n",
        },
    )


@pytest.fixture
def into(app: Path) -> Path:
    return app / ".fairway" / "revisions"


# -- What is copied ---------------------------------------------------------------------------


def test_a_revision_holds_the_code_and_the_built_front_end_that_git_ignores(
    app: Path, into: Path
) -> None:
    revision = snapshot(app, into, now=1.0)
    assert copied(revision.source) == {
        "main.py",
        "weather/api.py",
        "frontend/dist/index.html",
        ".gitignore",
    }
    assert (revision.source / "main.py").read_text() == "app = 1\n"
    assert (revision.files, revision.size_bytes) == (4, 8 + 6 + 32 + 6)


def test_secrets_environments_and_caches_stay_behind(app: Path, into: Path) -> None:
    write(
        app,
        {
            ".env": "PASSWORD=1",
            ".env.production": "PASSWORD=2",
            ".git/config": "",
            ".venv/pyvenv.cfg": "",
            "my-own-environment/pyvenv.cfg": "",
            "my-own-environment/lib/x.py": "",
            "some-cache/CACHEDIR.TAG": "",
            "some-cache/blob": "",
            "frontend/node_modules/react/index.js": "",
            "weather/__pycache__/api.pyc": "",
            "weather/old.pyc": "",
            "weather.egg-info/PKG-INFO": "",
            ".pytest_cache/x": "",
            ".tools/uv": "",
            ".vscode/settings.json": "",
            ".fairway/data/db": "",
        },
    )
    assert copied(snapshot(app, into, now=1.0).source) == {
        "main.py",
        "weather/api.py",
        "frontend/dist/index.html",
        ".gitignore",
    }


def test_fairwayignore_leaves_more_behind_and_takes_back(app: Path, into: Path) -> None:
    write(
        app,
        {
            ".fairwayignore": "# data\n/data/\n*.log\n!keep.log\n!.env.example\n"
            "frontend/**/*.map\n",
            "data/big.bin": "x",
            "weather/data/small.json": "x",
            "a.log": "x",
            "keep.log": "x",
            ".env.example": "NAME=",
            "frontend/dist/deep/a.js.map": "x",
        },
    )
    assert copied(snapshot(app, into, now=1.0).source) == {
        ".fairwayignore",
        "main.py",
        "weather/api.py",
        "weather/data/small.json",
        "keep.log",
        ".env.example",
        "frontend/dist/index.html",
        ".gitignore",
    }


@pytest.mark.parametrize(
    ("rule", "path", "is_left_out"),
    [
        ("*.csv", "a/b.csv", True),
        ("/*.csv", "a/b.csv", False),
        ("a/*.csv", "a/b.csv", True),
        ("a/*.csv", "a/b/c.csv", False),
        ("a/**/c.csv", "a/c.csv", True),
        ("a/**/c.csv", "a/x/y/c.csv", True),
        ("**/c.csv", "x/c.csv", True),
        ("a/**", "a/x/y", True),
        ("?.csv", "ab.csv", False),
        ("[a-c].csv", "b.csv", True),
        ("[!a-c].csv", "b.csv", False),
        ("[z-a].csv", "[z-a].csv", True),
        (r"\#x", "#x", True),
        ("folder/", "folder", False),
        ("  ", "x", False),
    ],
)
def test_a_rule_reads_as_in_gitignore(rule: str, path: str, is_left_out: bool) -> None:
    name = path.rpartition("/")[2]
    assert ignore.is_left_out(ignore.parse(rule), path, name, is_folder=False) is is_left_out


@given(st.text(max_size=40), st.text(alphabet="ab/.*[]!\\", min_size=1, max_size=12))
def test_any_text_is_a_list_of_rules(text: str, path: str) -> None:
    rules = ignore.parse(text)
    ignore.is_left_out(rules, path, path.rpartition("/")[2], is_folder=False)


def test_links_that_stay_inside_are_kept_and_lead_nowhere_else(app: Path, into: Path) -> None:
    (app / "relative").symlink_to("weather/api.py")
    (app / "absolute").symlink_to(app / "weather")
    (app / "outside").symlink_to("/etc/hostname")
    (app / "environment").symlink_to(".venv/bin")
    write(app, {".venv/bin/python": ""})
    revision = snapshot(app, into, now=1.0)
    assert (revision.source / "relative").read_text() == "x = 2\n"
    assert (revision.source / "absolute").readlink() == Path("weather")
    assert not (revision.source / "outside").exists()
    assert not (revision.source / "environment").is_symlink()
    assert revision.skipped == (
        "environment is a link to what is left out: .venv/bin.",
        "outside is a link that leads outside: /etc/hostname.",
    )


def test_sockets_and_pipes_are_skipped_and_said(
    app: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(app / "pipe")
    monkeypatch.chdir(app)  # A socket's path is short.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    revision = snapshot(app, into, now=1.0)
    assert [sentence.split()[0] for sentence in revision.skipped] == ["pipe", "socket"]


def test_executables_stay_executable_and_times_are_kept(app: Path, into: Path) -> None:
    (app / "run.sh").write_text("#!/bin/sh\n")
    (app / "run.sh").chmod(0o700)
    os.utime(app / "main.py", ns=(10**18, 10**18))
    revision = snapshot(app, into, now=1.0)
    assert os.access(revision.source / "run.sh", os.X_OK)
    assert not os.access(revision.source / "main.py", os.X_OK)
    assert (revision.source / "main.py").stat().st_mtime_ns == 10**18


def test_names_that_are_no_text_are_kept(app: Path, into: Path) -> None:
    Path(os.fsdecode(os.fsencode(app) + b"/caf\xe9.txt")).write_text("x")
    first = snapshot(app, into, now=1.0)
    assert first.files == 5
    assert snapshot(app, into, now=2.0) == first


def test_a_folder_over_the_limit_is_refused_with_what_fills_it(app: Path, into: Path) -> None:
    write(app, {"data/raw/stations/a.txt": "x" * 5000, "data/b.txt": "x", "model.bin": "x" * 900})
    with pytest.raises(Problems) as caught:
        snapshot(app, into, now=1.0, limits=Limits(size_bytes=4000, files=100))
    (problem,) = caught.value
    assert "data/raw/stations/a.txt (0.0 MB, one file), model.bin" in problem.what
    assert ".fairwayignore" in problem.mend
    assert not into.exists()


def test_too_many_files_are_refused_too(app: Path, into: Path) -> None:
    write(app, {f"cache/{number}": "" for number in range(30)})
    with pytest.raises(Problems, match=r"in 34 files.* cache \(0.0 MB, 30 files\)"):
        snapshot(app, into, now=1.0, limits=Limits(files=10))


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="no such folder"):
        snapshot(tmp_path / "nowhere", tmp_path / "revisions", now=1.0)


def test_a_folder_far_over_the_limit_is_not_walked_to_its_end(app: Path, into: Path) -> None:
    write(app, {f"cache/{number}": "" for number in range(100)})
    with pytest.raises(Problems, match=r"at least 0\.0 MB in 41 files"):
        snapshot(app, into, now=1.0, limits=Limits(files=10))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_a_problem_with_its_name(app: Path, into: Path) -> None:
    (app / "main.py").chmod(0)
    with pytest.raises(Problems, match=r"main.py: It cannot be copied"):
        snapshot(app, into, now=1.0)


# -- Its id -----------------------------------------------------------------------------------


def test_the_same_input_is_the_same_revision_made_once(app: Path, into: Path) -> None:
    first = snapshot(app, into, now=1.0, configuration="c1")
    inode = first.source.stat().st_ino
    again = snapshot(app, into, now=2.0, configuration="c1")
    assert again == first
    assert again.source.stat().st_ino == inode
    elsewhere = shutil.copytree(app, app.parent / "elsewhere", symlinks=True)
    assert snapshot(elsewhere, app.parent / "other", now=3.0, configuration="c1").id == first.id


def test_a_touched_file_is_no_change(app: Path, into: Path) -> None:
    first = snapshot(app, into, now=1.0)
    os.utime(app / "main.py", (1, 1))
    assert snapshot(app, into, now=2.0) == first
    assert altered(first) == ()


def test_code_and_configuration_are_one_revision(app: Path, into: Path) -> None:
    ids = {snapshot(app, into, now=1.0, configuration=text).id for text in ("a", "b")}
    assert len(ids) == 2


@pytest.mark.parametrize("change", ["content", "name", "executable", "link", "folder"])
def test_any_change_of_the_code_is_another_revision(app: Path, into: Path, change: str) -> None:
    (app / "link").symlink_to("main.py")
    before = snapshot(app, into, now=1.0)
    match change:
        case "content":
            (app / "main.py").write_text("app = 2\n")
        case "name":
            (app / "main.py").rename(app / "other.py")
        case "executable":
            (app / "main.py").chmod(0o755)
        case "link":
            (app / "link").unlink()
            (app / "link").symlink_to("weather/api.py")
        case _:
            (app / "uploads").mkdir()
    assert snapshot(app, into, now=2.0).id != before.id


def test_a_change_within_the_clock_tick_of_the_snapshot_is_seen(app: Path, into: Path) -> None:
    for number in range(20):
        now = time.time()
        (app / "main.py").write_text(f"{number:04}")
        first = snapshot(app, into, now=now)
        (app / "main.py").write_text(f"{number:03}x")
        assert snapshot(app, into, now=now).id != first.id


def test_digests_are_believed_only_of_files_that_have_settled(app: Path, into: Path) -> None:
    first = snapshot(app, into, now=time.time())
    assert not _believed(first)["main.py"]
    snapshot(app, into, now=time.time() + 2)
    assert _believed(first)["main.py"]
    assert snapshot(app, into, now=time.time() + 4) == first


def _believed(revision: revisions.Revision) -> dict[str, bool]:
    contents = json.loads((revision.source.parent / "contents.json").read_text())
    return {path: known[6] for path, known in contents.items()}


# -- Whole or not at all ----------------------------------------------------------------------


def test_a_revision_with_a_missing_or_emptied_file_is_made_anew(app: Path, into: Path) -> None:
    first = snapshot(app, into, now=1.0)
    (first.source / "main.py").unlink()
    again = snapshot(app, into, now=2.0)
    assert (again.id, again.created_at) == (first.id, 2.0)
    (again.source / "main.py").write_text("")
    assert (snapshot(app, into, now=3.0).source / "main.py").read_text() == "app = 1\n"


def test_a_folder_without_its_record_is_no_revision(app: Path, into: Path) -> None:
    first = snapshot(app, into, now=1.0)
    (into / first.id / "revision.json").unlink()
    assert list_revisions(into) == ()
    assert find_revision(into, first.id) is None
    assert snapshot(app, into, now=2.0).created_at == 2.0


def test_what_the_app_writes_beside_its_code_is_named(app: Path, into: Path) -> None:
    revision = snapshot(app, into, now=1.0)
    write(revision.source, {"weather/__pycache__/api.pyc": "", "state.json": "{}", "main.py": "2"})
    assert altered(revision) == ("main.py", "state.json")
    assert snapshot(app, into, now=2.0) == revision


def test_many_at_once_make_one_revision(app: Path, into: Path) -> None:
    write(app, {f"package/m{number}.py": str(number) for number in range(200)})
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: snapshot(app, into, now=float(number)), range(8)))
    assert len({revision.id for revision in made}) == 1
    assert [path.name for path in into.iterdir()] == [made[0].id]
    assert altered(made[0]) == ()


KILLED = """
import sys, time
from pathlib import Path
from fairway.targets.local.revisions import snapshot
print("go", flush=True)
snapshot(Path(sys.argv[1]), Path(sys.argv[2]), now=1.0)
"""


@pytest.mark.real
def test_a_kill_at_any_moment_leaves_a_whole_revision_or_none(app: Path, into: Path) -> None:
    write(app, {f"p{number % 7}/m{number}.py": "x" * number for number in range(400)})
    whole = snapshot(app, app.parent / "whole", now=1.0)
    chance = random.Random(7)
    halves = 0
    for _ in range(12):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(app), str(into)], stdout=subprocess.PIPE
        )
        assert child.stdout
        child.stdout.readline()
        time.sleep(chance.uniform(0, 0.12))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        halves += any(path.name.startswith(".") for path in into.glob(".making-*"))
        for revision in list_revisions(into):
            assert (revision.id, altered(revision)) == (whole.id, ())
            remove(into, revision.id)
    assert halves, "no kill hit a snapshot at work: widen the times"
    assert snapshot(app, into, now=2.0).id == whole.id
    assert [path.name for path in into.iterdir()] == [whole.id]


# -- Keeping ----------------------------------------------------------------------------------


def test_pruning_keeps_the_newest_and_those_in_use(app: Path, into: Path) -> None:
    made: list[str] = []
    for number in range(6):
        (app / "main.py").write_text(str(number))
        made.append(snapshot(app, into, now=float(number)).id)
    assert [revision.id for revision in list_revisions(into)] == made[::-1]
    assert set(prune(into, 2, in_use={made[0]})) == {made[1], made[2], made[3]}
    assert {revision.id for revision in list_revisions(into)} == {made[0], made[4], made[5]}
    remove(into, made[0])
    remove(into, made[0])
    assert {path.name for path in into.iterdir()} == {made[4], made[5]}


def test_there_is_nothing_to_list_or_prune_before_the_first(tmp_path: Path) -> None:
    assert list_revisions(tmp_path / "none") == ()
    assert prune(tmp_path / "none", 3) == ()
