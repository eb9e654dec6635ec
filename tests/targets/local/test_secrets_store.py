"""Generated secrets: made once, for the owner's eyes, and printed by nobody."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairway.core.masked import Masked
from fairway.core.problem import Problems
from fairway.targets.local.secrets_store import generated, kept, renew


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert kept(folder, "SESSION_KEY") is None
    first = generated(folder, "SESSION_KEY")
    assert len(first.reveal()) >= 40
    assert generated(folder, "SESSION_KEY") == first == kept(folder, "SESSION_KEY")
    assert generated(folder, "OTHER") != first


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    generated(folder, "KEY")
    assert (mode(folder), mode(folder / "KEY")) == (0o700, 0o600)
    (folder / "KEY").chmod(0o644)
    kept(folder, "KEY")
    assert mode(folder / "KEY") == 0o600


def test_a_secret_prints_as_stars() -> None:
    value = Masked("hunter2")
    assert f"{value} {value!r} {[value]} {value!s:>5}" == "*** *** [***]   ***"


def test_many_at_once_get_the_same_value(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(lambda _: generated(folder, "KEY").reveal(), range(32)))
    assert len(values) == 1
    assert [path.name for path in folder.iterdir()] == ["KEY"]


def test_a_renewed_secret_is_another_and_stays(tmp_path: Path) -> None:
    first = generated(tmp_path, "KEY")
    second = renew(tmp_path, "KEY")
    assert first != second == generated(tmp_path, "KEY")
    assert mode(tmp_path / "KEY") == 0o600


def test_a_name_stays_a_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot name a secret"):
        generated(tmp_path, "../KEY")


def test_a_folder_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problems):
        generated(tmp_path / "file", "KEY")
