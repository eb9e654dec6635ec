"""The generated pages say what the code says, all of it."""

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from fairway.cli.main import VERBS, cli
from fairway.targets.local import gaps as local_gaps
from tools import reference, reference_files, reference_local, reference_status


def test_the_generated_pages_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    code = reference.main(["--check"])
    assert code == 0, capsys.readouterr().err


def test_stale_pages_are_named_and_rewritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs/reference").mkdir(parents=True)
    (tmp_path / "docs/guides").mkdir()
    assert reference.main(["--check"], tmp_path) == 1
    assert "docs/reference/cli.md: stale; `make docs` rewrites it" in capsys.readouterr().err
    assert reference.main([], tmp_path) == 0
    assert reference.main(["--check"], tmp_path) == 0
    assert all((tmp_path / "docs/reference" / page).exists() for page in reference.pages())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_has_words_of_its_own(verb: str) -> None:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    assert (command.help or "").strip(), verb
    silent = [
        each.opts for each in command.params if isinstance(each, click.Option) and not each.help
    ]
    assert not silent, f"fairway {verb}: {silent}"


def test_every_field_of_the_status_is_explained_and_nothing_else_is() -> None:
    for heading, cls in reference_status.SECTIONS:
        named = {each.name for each in fields(cls)}
        assert set(reference_status.meanings(cls)) == named, heading


def test_every_gap_of_this_machine_is_in_its_matrix() -> None:
    tree = ast.parse(inspect.getsource(local_gaps))
    told = sum(
        isinstance(node, ast.Yield) and isinstance(node.value, ast.Call) for node in ast.walk(tree)
    )
    shown = {
        (where.split(".")[0], where.split(".")[-1])
        for row in reference_local.ROWS
        for where, _ in reference_local.missing(row)
    }
    assert len(shown) == told, sorted(shown)


def test_every_row_that_is_not_yet_there_says_nothing_of_how_it_runs() -> None:
    for row in reference_local.ROWS:
        assert row.runs or reference_local.missing(row), row.what


def test_the_readme_lists_every_verb_with_its_line() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    listed = re.findall(r"^\| `fairway (\w+)` \| (.+) \|$", readme, re.MULTILINE)
    assert dict(listed) == VERBS
    assert [verb for verb, _ in listed] == list(VERBS)


def test_the_layout_is_explained_path_by_path() -> None:
    for path, words in reference_files.entries().items():
        assert words.endswith("."), path
