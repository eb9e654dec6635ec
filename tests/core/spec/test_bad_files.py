"""Every fault of a file is told at once, with its line, its path and how to mend it.

`bad/*.toml` are files full of faults, `golden/bad/*.txt` what is said about them, to the letter.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fairway.core.problem import Problems
from fairway.core.spec.parse import parse

BAD = sorted((Path(__file__).parent / "bad").glob("*.toml"))

# One fault of grammar each: TOML stops at the first.
SYNTAX = [
    "app = hello",
    "app = 'hello",
    'app = "hello',
    "app: hello",
    "app hello",
    "app",
    "app = ",
    "app = True",
    "= 3",
    'app = "a" port = 3',
    "from = 22:00",
    "uses = [db, files]",
    'uses = ["db" "files"]',
    'uses = ["db", "files"',
    'limits = { body = "1 MB"',
    "limits = { body = 1,\n  per_ip = 2 }",
    "limits = { body = 1, body = 2 }",
    "a = 1\na = 2",
    "[service.web]\n[service.web]",
    "[service.web\n",
    "[[service.web]\n",
    "service = {}\n[service.web]\nport = 1",
    "[service]\nweb = {}\n[service.web]\nport = 1",
    "service.web.port = 1\n[service.web]\nasgi = 1",
    'path = "C:\\shop"',
    "/api/* = 1",
    "when = 2026-02-30",
    "x = 'a\x00b'",
    "x = 0123",
    "x = 1__0",
    '"""a""" = 1',
    "x = " + "9" * 5000,
]


def told(text: str | bytes) -> str:
    with pytest.raises(Problems) as caught:
        parse(text)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_every_fault_of_a_file_is_told(file: Path, golden: Callable[[str, str], None]) -> None:
    golden(f"bad/{file.stem}.txt", told(file.read_bytes()) + "\n")


def test_faults_of_grammar_are_explained(golden: Callable[[str, str], None]) -> None:
    cases = [f"{text[:60]}\n--> {told(text)}\n" for text in SYNTAX]
    golden("bad/grammar.txt", "\n".join(cases).replace("\x00", "\\0"))


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_every_fault_names_the_line_where_it_stands(file: Path) -> None:
    lines = file.read_text().splitlines()
    for problem in told(file.read_bytes()).splitlines():
        if not (match := re.match(r"fairway\.toml:(\d+) (\S+):", problem)):
            continue
        *_, last = re.findall(r'"[^"]*"|[^.\[\]]+', re.sub(r"\[\d+\]$", "", match[2]))
        assert last.strip('"') in lines[int(match[1]) - 1], problem


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_every_fault_has_a_mend(file: Path) -> None:
    with pytest.raises(Problems) as caught:
        parse(file.read_text())
    for problem in caught.value:
        assert problem.mend, problem
        assert problem.what.endswith((".", ".)")), problem
        assert problem.mend.endswith((".", "?", "]", ";")), problem


def test_a_problem_names_the_file_that_was_read() -> None:
    with pytest.raises(Problems, match=r"^examples/a\.toml:1"):
        parse("ap = 1", file="examples/a.toml")


def test_faults_are_told_by_line_and_once() -> None:
    text = (Path(__file__).parent / "bad" / "quantities.toml").read_text()
    with pytest.raises(Problems) as caught:
        parse(text)
    problems = caught.value.problems
    lines = [int(re.findall(r":(\d+)", problem.where)[0]) for problem in problems]
    assert lines == sorted(lines)
    assert len(set(problems)) == len(problems)
