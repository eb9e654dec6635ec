"""`fairway init --from-copilot`: what it writes, what it tells, what it leaves alone."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from fairway.cli.main import cli
from fairway.core.problem import Problems
from tests.core.copilot.workspace import TEXTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in TEXTS.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_it_writes_the_file_and_tells_what_is_not_in_it(folder: Path) -> None:
    ended = CliRunner().invoke(cli, ["init", str(folder), "--from-copilot"])
    assert ended.exit_code == 0, ended.output
    text = (folder / "fairway.toml").read_text()
    assert 'app = "my-shop"' in text
    assert "sidecars.proxy (image, port)" in ended.stderr
    assert "copilot/web/addons/orders.yml addon" in ended.stderr
    assert "network.connect" in ended.stderr
    assert ended.stdout == ""


def test_it_prints_without_writing(folder: Path) -> None:
    ended = CliRunner().invoke(cli, ["init", str(folder), "--from-copilot", "--print"])
    assert "[service.web]" in ended.stdout
    assert not (folder / "fairway.toml").exists()


def test_a_file_that_is_there_stays(folder: Path) -> None:
    (folder / "fairway.toml").write_text('app = "mine"\n')
    ended = CliRunner().invoke(cli, ["init", str(folder), "--from-copilot"])
    assert isinstance(ended.exception, Problems)
    assert (folder / "fairway.toml").read_text() == 'app = "mine"\n'


def test_without_a_workspace_it_is_a_problem(tmp_path: Path) -> None:
    ended = CliRunner().invoke(cli, ["init", str(tmp_path), "--from-copilot"])
    assert isinstance(ended.exception, Problems)
    assert "copilot" in str(ended.exception)


def test_the_ordinary_way_in_names_the_other(folder: Path) -> None:
    ended = CliRunner().invoke(cli, ["init", str(folder), "--print"])
    assert "fairway init --from-copilot" in ended.stderr
