"""Reads a project's files for `fairway init`, and for `fairway up` in a folder without a file."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from fairway.cli import view
from fairway.cli.project_files import read_project
from fairway.core.detect.choose import Question
from fairway.core.detect.explain import assumed, explain
from fairway.core.detect.findings import Findings
from fairway.core.detect.project import detect
from fairway.core.detect.write import write
from fairway.core.problem import Problems

__all__ = ["Detected", "read"]


class Detected:
    """What a folder is, with the file that says so."""

    def __init__(self, findings: Findings) -> None:
        self.text = write(findings)
        self.explanation = explain(findings)
        self.assumed = assumed(findings)
        self.runs = bool(findings.services) or findings.runs_workers
        self.is_told = not findings.notes_of("untold")


def read(folder: Path) -> Detected:
    """Read a project; asks what it can't tell, or raises `Problems` that say what to write."""
    sources = read_project(folder)
    findings = detect(sources)
    if findings.questions:
        findings = detect(sources, answers(findings))
    return Detected(findings)


def answers(findings: Findings) -> Mapping[str, str]:
    """People's answers; where nobody can be asked, every question is a problem."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Problems([question.problem() for question in findings.questions])
    return {question.key: ask(question) for question in findings.questions}


def ask(question: Question) -> str:
    """One answer, from a numbered list."""
    view.say(question.ask)
    for number, option in enumerate(question.options, 1):
        view.say(f"  {number}. {option.value}  ({option.where})")
    chosen = click.prompt(
        "Which", type=click.IntRange(1, len(question.options)), default=1, err=True
    )
    return question.options[int(chosen) - 1].value
