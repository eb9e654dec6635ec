"""The pages without a browser: each shows itself, with its database and without it."""

from collections.abc import Generator
from pathlib import Path

import pytest
from longrun.service import current
from longrun.store import make_sqlite_schema
from streamlit.testing.v1 import AppTest

PAGES = ("overview", "client", "portfolio", "scenarios", "questions", "reports", "history")


@pytest.fixture
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/pages.db")
    current.cache_clear()
    make_sqlite_schema(current().settings)
    yield
    current().store.close()
    current.cache_clear()


@pytest.fixture
def _no_database(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/at/all.db")
    current.cache_clear()
    yield
    current.cache_clear()


def opened(name: str) -> AppTest:
    script = f"from longrun.ui import {name}\nfrom longrun.ui.state import begin\nbegin()\n"
    return AppTest.from_string(f"{script}{name}.show()\n", default_timeout=60)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.usefixtures("_database")
def test_a_page_shows_itself(name: str) -> None:
    page = opened(name).run()
    assert not page.exception
    assert len(page.title) == 1


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.usefixtures("_no_database")
def test_a_page_stays_without_its_database(name: str) -> None:
    page = opened(name).run()
    assert not page.exception
    assert len(page.title) == 1
    if name in ("overview", "portfolio"):
        assert any("not in the history" in told.value for told in page.warning)


@pytest.mark.usefixtures("_database")
def test_what_is_out_of_range_is_told_and_nothing_is_changed() -> None:
    page = opened("client").run()
    portfolio = next(field for field in page.number_input if "Portfolio" in field.label)
    portfolio.set_value(5.0)
    page.button[0].click().run()
    assert "$1,000 to \\$100,000,000" in page.error[0].value
    portfolio = next(field for field in page.number_input if "Portfolio" in field.label)
    portfolio.set_value(2_000_000.0)
    page.button[0].click().run()
    assert not page.error
    assert page.session_state["plan"].portfolio == 2_000_000
    kept = current().store.scenario(page.session_state["scenario"])
    assert kept is not None
    assert kept.plan["portfolio"] == 2_000_000


@pytest.mark.usefixtures("_database")
def test_a_link_shows_the_plan_that_was_shared() -> None:
    plan = {"portfolio": 3_000_000, "annual_spending": 90_000}
    key = current().store.save("Shared", "", plan)
    page = opened("overview")
    page.query_params["scenario"] = key
    page.run()
    assert "$90,000" in {metric.value for metric in page.metric}
    assert "Shared" in page.info[0].value
    lost = opened("overview")
    lost.query_params["scenario"] = "nothing"
    assert "no plan under this link" in lost.run().warning[0].value


@pytest.mark.usefixtures("_database")
def test_a_question_with_markup_is_answered_as_text() -> None:
    page = opened("questions").run()
    page.text_input[0].set_value("<script>x</script>**How likely** is it to last?").run()
    assert not page.exception
    assert any("\\*\\*How likely" in text.value for text in page.markdown)
    assert "lasted" in page.success[0].value
