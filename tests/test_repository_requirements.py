"""What shows each requirement, and that the page which says so tells the truth."""

from pathlib import Path

import pytest

from tools import requirements, traceability
from tools.traceability import Evidence

ROOT = Path(__file__).parent.parent

CATALOGUE = traceability.parse("""
[sources]
weather = "the weather service"

[[group]]
title = "Probes"
requirements = [
    { number = 1, text = "/health answers", sources = ["weather"] },
    { number = 2, text = "/ready answers", sources = ["weather"] },
]

[[reading]]
number = 1
text = "Read: within 1 s."
""")


def found(text: str) -> list[tuple[str, str, str]]:
    evidence, faults = traceability.scan("tests/test_a.py", text)
    assert faults == []
    return sorted((item.name, item.kind, item.where) for item in evidence)


def test_the_catalogue_holds_276_requirements_and_20_readings_numbered_without_a_gap() -> None:
    catalogue = traceability.parse((ROOT / requirements.CATALOGUE).read_text())
    assert [entry.name for entry in catalogue.requirements] == [f"R{n}" for n in range(1, 277)]
    assert [entry.name for entry in catalogue.readings] == [f"C{n}" for n in range(1, 21)]
    for entry in catalogue.requirements:
        assert entry.sources, entry.name
        assert set(entry.sources) <= set(catalogue.sources), entry.name


def test_the_page_is_fresh_and_every_citation_names_something(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = requirements.main(["--check"])
    assert code == 0, capsys.readouterr().err


def test_a_marker_on_a_function_is_evidence_at_its_node() -> None:
    text = '@pytest.mark.requirement("R1", "C1")\nasync def test_x():\n    pass\n'
    assert found(text) == [
        ("C1", "test", "tests/test_a.py::test_x"),
        ("R1", "test", "tests/test_a.py::test_x"),
    ]


def test_a_marker_on_a_class_or_a_parameter_is_evidence_where_it_stands() -> None:
    text = (
        '@mark.requirement("R1")\nclass TestA:\n'
        '    @mark.parametrize("x", [pytest.param(1, marks=mark.validated("R2"))])\n'
        "    def test_x(self, x):\n        pass\n"
    )
    assert found(text) == [
        ("R1", "test", "tests/test_a.py::TestA"),
        ("R2", "rendering", "tests/test_a.py::TestA::test_x"),
    ]


def test_a_marker_of_the_module_is_evidence_at_the_file() -> None:
    text = 'pytestmark = [pytest.mark.real, pytest.mark.requirement("R1")]\n'
    assert found(text) == [("R1", "test", "tests/test_a.py")]


def test_a_benchmark_declares_what_it_measures() -> None:
    assert found('REQUIREMENTS = ("R1",)\n') == [("R1", "benchmark", "tests/test_a.py")]


def test_other_calls_of_the_same_name_are_no_evidence() -> None:
    assert found('issue.requirement("R1")\n') == []


@pytest.mark.parametrize("argument", ["NUMBER", '"155"', '"r155"', '"R0"', "155"])
def test_a_citation_that_is_not_a_literal_number_is_a_fault(argument: str) -> None:
    _, faults = traceability.scan("tests/t.py", f"pytestmark = pytest.mark.requirement({argument})")
    assert [fault.where for fault in faults] == ["tests/t.py:1"]
    assert "R155" in faults[0].what


def test_a_citation_of_nothing_is_a_fault() -> None:
    faults = traceability.unknown(CATALOGUE, [Evidence("R9", "test", "tests/test_a.py::test_x")])
    assert [(fault.where, "R9" in fault.what) for fault in faults] == [
        ("tests/test_a.py::test_x", True)
    ]
    assert traceability.unknown(CATALOGUE, [Evidence("C1", "test", "t.py")]) == []


def test_the_page_counts_and_shows_what_is_open() -> None:
    text = traceability.page(
        CATALOGUE,
        [
            Evidence("R1", "test", "tests/test_a.py::test_x"),
            Evidence("R1", "benchmark", "bench/up.py"),
            Evidence("R1", "test", "tests/test_a.py::test_x"),
        ],
    )
    assert "Of 2 requirements 1 are shown (1 by a test, 0 by a validated rendering, 1 by" in text
    assert "- **R1** /health answers (weather)\n  - benchmark `bench/up.py`\n  - test `t" in text
    assert "- **R2** /ready answers (weather) *open*\n" in text
    assert "- **C1** Read: within 1 s.\n" in text
    assert text.count("test_x") == 1


def test_the_command_writes_the_page_and_then_finds_it_fresh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs/reference").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    source = (ROOT / requirements.CATALOGUE).read_text()
    (tmp_path / requirements.CATALOGUE).write_text(source)
    (tmp_path / "tests/test_x.py").write_text('@pytest.mark.requirement("R7")\ndef test_x(): ...\n')

    assert requirements.main(["--check"], tmp_path) == 1
    assert requirements.main([], tmp_path) == 0
    assert requirements.main(["--check"], tmp_path) == 0
    output = capsys.readouterr()
    assert "make requirements" in output.err
    assert "Of 276 requirements 1 are shown" in output.out
    assert "  - test `tests/test_x.py::test_x`\n" in (tmp_path / requirements.PAGE).read_text()


def test_the_command_fails_on_a_citation_of_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs/reference").mkdir(parents=True)
    (tmp_path / "bench").mkdir()
    (tmp_path / requirements.CATALOGUE).write_text((ROOT / requirements.CATALOGUE).read_text())
    (tmp_path / "bench/up.py").write_text('REQUIREMENTS = ("R277",)\n')
    assert requirements.main([], tmp_path) == 1
    assert "bench/up.py: cites R277" in capsys.readouterr().err
