"""The repository keeps its own rules: sizes, licence, documents, nothing of one machine."""

import ast
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import click
import pytest

from fairway.cli.main import cli

ROOT = Path(__file__).parent.parent
LONGEST = 400  # lines; aim for half


def tracked(*patterns: str) -> list[Path]:
    """The files that git holds or would take, as paths below the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    files = [ROOT / name for name in sorted(set(names.decode().split("\0"))) if name]
    return [file for file in files if file.is_file()]


def read(file: Path) -> str:
    return file.read_bytes().decode(errors="replace")


def test_no_module_of_the_packages_is_longer_than_400_lines() -> None:
    lengths = {file: len(read(file).splitlines()) for file in tracked("packages/*.py")}
    assert lengths
    long = {
        str(file.relative_to(ROOT)): lines for file, lines in lengths.items() if lines > LONGEST
    }
    assert not long, f"split them: {long}"


def test_no_folder_of_tests_has_a_name_that_pytest_passes_by(
    pytestconfig: pytest.Config,
) -> None:
    passed_by = pytestconfig.getini("norecursedirs")
    folders = {file.parent for file in tracked("tests/**/test_*.py")}
    names = {name for folder in folders for name in folder.relative_to(ROOT).parts}
    assert "build" in names
    assert [each for each in names for like in passed_by if fnmatch(each, like)] == []


# Written so that this file does not hold what it looks for.
OF_ONE_MACHINE = re.compile(
    r"""(?<![\w.])/(?:work|root)/\w  # a home or a workplace
    | (?:\.\./)+shar[e]d/
    | \.py[e]nv/
    | /opt/w[h]eels
    """,
    re.VERBOSE,
)


def test_nothing_tells_of_the_machine_it_was_written_on() -> None:
    told: list[str] = []
    for file in tracked():
        for number, line in enumerate(read(file).splitlines(), start=1):
            if OF_ONE_MACHINE.search(line):
                told.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not told, "\n".join(told)


@pytest.mark.parametrize("path", ["/w" + "ork/main", "../sha" + "red/x.md", "/ro" + "ot/x"])
def test_the_search_for_machine_paths_finds_them(path: str) -> None:
    assert OF_ONE_MACHINE.search(f"see {path}")


def test_no_package_directory_is_called_by_a_word_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}
    named = [str(file.relative_to(ROOT)) for file in tracked("packages/*.py") if file.stem in empty]
    assert not named


def test_the_licence_stands_at_the_root_and_in_both_packages() -> None:
    licence = read(ROOT / "LICENSE")
    assert "Apache License" in licence
    for package in ("fairway", "fairway-runtime"):
        assert read(ROOT / "packages" / package / "LICENSE") == licence, package


def test_the_contract_is_constants_only_and_imports_nothing() -> None:
    file = ROOT / "packages/fairway-runtime/src/fairway_runtime/contract.py"
    body = ast.parse(read(file)).body[1:]
    assert all(isinstance(node, ast.Assign | ast.AnnAssign) for node in body)


def test_the_changelog_begins_with_what_is_unreleased() -> None:
    headings = re.findall(r"^## (.+)$", read(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_every_decision_is_in_the_index_under_its_own_title() -> None:
    folder = ROOT / "docs/adr"
    index = read(folder / "README.md")
    pages = sorted(folder.glob("[0-9]*.md"))
    assert [page.name[:4] for page in pages] == [f"{n:04}" for n in range(1, len(pages) + 1)]
    for page in pages:
        title = read(page).splitlines()[0].removeprefix("# ")
        assert f"[{title}]({page.name})" in index, page.name
        assert title.startswith(page.name[:4]), page.name
        for part in ("Status: ", "Date: ", "## Why", "## What", "## Price"):
            assert part in read(page), f"{page.name} lacks {part}"


LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)")


def test_every_link_between_the_documents_leads_somewhere() -> None:
    lost = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in tracked("*.md")
        for target in LINK.findall(read(page))
        if "NNNN" not in target and not (page.parent / target).exists()
    ]
    assert not lost, "\n".join(lost)


def test_every_target_of_make_is_listed_by_its_help() -> None:
    helped = set(re.findall(r"^([a-z-]+):[^#\n]*## ", read(ROOT / "Makefile"), re.MULTILINE))
    assert {"up", "test", "check", "golden", "bench", "requirements", "format"} <= helped


def commands(command: click.Command, words: tuple[str, ...] = ()) -> list[str]:
    """Every command below `command` that users see, with its sub-commands: `ci github`."""
    if not isinstance(command, click.Group):
        return [" ".join(words)]
    context = click.Context(command)
    children = {word: command.get_command(context, word) for word in command.list_commands(context)}
    return [
        name
        for word, child in children.items()
        if child is not None and not child.hidden
        for name in commands(child, (*words, word))
    ]


def test_every_command_is_documented() -> None:
    names = commands(cli)
    assert names
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    # What is owed or decided is not yet explained.
    explained = "\n".join(
        read(page)
        for page in pages
        if page.exists() and page.parent.name != "adr" and page.name != "requirements.md"
    )
    silent = [name for name in names if not re.search(rf"\bfairway {name}\b", explained)]
    assert not silent, f"no page says `fairway …` of: {', '.join(silent)}"
