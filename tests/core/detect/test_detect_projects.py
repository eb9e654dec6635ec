"""Detection over whole projects: the written file and its explanation, as golden text."""

from collections.abc import Callable

import pytest

from fairway.core.detect.explain import assumed, explain
from fairway.core.detect.project import detect
from fairway.core.detect.write import write
from fairway.core.spec.parse import parse
from tests.core.detect.archive import NAMES, read_project

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("name", NAMES)
def test_a_project_gives_the_golden_file_and_explanation(name: str, golden: Golden) -> None:
    findings = detect(read_project(name))
    golden(f"{name}.toml", write(findings))
    golden(f"{name}.txt", f"{explain(findings)}\n---\n{assumed(findings)}\n")


@pytest.mark.parametrize("name", NAMES)
def test_the_written_file_parses_without_a_problem(name: str) -> None:
    findings = detect(read_project(name))
    spec = parse(write(findings))
    assert spec.name == findings.name.value
    app = spec.app()
    assert set(app.services) == {one.name for one in findings.services}
    assert set(app.sites) == {one.name for one in findings.sites}
    # How many connections production may open follows from defaults, not from what was found.
    assert [note for note in spec.notes if "connections" not in note.what] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_suggested_job_parses_when_its_comment_is_taken_away(name: str) -> None:
    findings = detect(read_project(name))
    lines = write(findings).splitlines()
    suggested = [job.name for job in findings.jobs if not job.is_sure]
    start = next((n for n, line in enumerate(lines) if line.startswith("# Perhaps a job")), 0)
    if not start:
        assert suggested == []
        return
    kept = [line for line in lines[start:] if not line.startswith("# Perhaps")]
    text = "\n".join([*lines[:start], *(line.removeprefix("# ") for line in kept)])
    assert set(suggested) <= set(parse(text).app().jobs)
