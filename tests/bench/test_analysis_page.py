"""The page on canary analysis shows the figures that `bench analysis` found, and those are good."""

import json

import pytest

from bench import analysis
from bench.result import is_met
from fairway.core.release.analysis import Limits


@pytest.fixture
def figures() -> dict[str, float]:
    return json.loads(analysis.FIGURES.read_text())


def test_the_page_holds_the_table_of_the_figures_beside_it(figures: dict[str, float]) -> None:
    page = analysis.PAGE.read_text()
    assert analysis.BEGIN + analysis.table(figures) + analysis.END in page
    assert analysis.with_table(page, analysis.table(figures)) == page


@pytest.mark.requirement("R152")
def test_the_figures_beside_the_page_meet_the_goals(figures: dict[str, float]) -> None:
    goals = analysis.goals(figures)
    assert len(goals) == 1 + len(analysis.DOUBLED) + 2
    for name, goal in goals.items():
        assert is_met(figures[name], goal), f"{name}: {figures[name]} is not {goal}"


def test_the_page_states_the_thresholds_that_hold() -> None:
    page = analysis.PAGE.read_text()
    limits = Limits()
    assert f"{limits.final:.4f} for three steps" in page
    assert f"{limits.early:.7f} for three steps" in page
    assert f"Below {limits.minimum} requests" in page
    assert f"at least {limits.worse_ratio} times as high" in page
    assert f"{100 * limits.worse_rate:g} percentage points" in page
    assert f"{limits.worse_ms:g} ms longer" in page
    assert f"{analysis.NEEDED_ERRORS} errors" in page
    assert f"{analysis.NEEDED_TIMES:,} requests" in page
    assert f"{analysis.RELEASES:,} releases of good canaries" in page
    assert f"{analysis.CANARIES:,} bad canaries" in page
