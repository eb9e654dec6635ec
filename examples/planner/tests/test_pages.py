"""The pages without a browser: each shows itself, with its database and without it."""

import time
from collections.abc import Generator
from pathlib import Path

import pytest
from longrun.people import Person
from longrun.service import current
from longrun.store import make_sqlite_schema
from streamlit.testing.v1 import AppTest

from tests.conftest import ADA, BEN, CLEO, add_people

PAGES = ("overview", "client", "portfolio", "scenarios", "questions", "reports", "history", "audit")


@pytest.fixture
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/pages.db")
    monkeypatch.setenv("SPOOL_FOLDER", str(tmp_path / "spool"))
    current.cache_clear()
    make_sqlite_schema(current().settings)
    add_people(current().settings)
    yield
    current().close()
    current.cache_clear()


@pytest.fixture
def _no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/at/all.db")
    monkeypatch.setenv("SPOOL_FOLDER", str(tmp_path / "spool"))
    current.cache_clear()
    yield
    current().close()
    current.cache_clear()


def opened(name: str, person: Person = CLEO) -> AppTest:
    script = (
        f"from longrun.ui import {name}\n"
        "from longrun.ui.outage import outages\nfrom longrun.ui.state import begin\n"
        f"from longrun.ui.visitor import admit\nadmit()\noutages()\nbegin()\n{name}.show()\n"
    )
    page = AppTest.from_string(script, default_timeout=60)
    page.session_state["claims"] = {**person.claims(), "until": time.time() + 60}
    return page


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
    assert any("The database is away" in told.value for told in page.warning)
    if name in ("overview", "portfolio"):
        assert current().recorder.backlog == 1


@pytest.mark.usefixtures("_database")
def test_what_is_out_of_range_is_told_and_nothing_is_changed() -> None:
    page = opened("client", ADA).run()
    portfolio = next(field for field in page.number_input if "Portfolio" in field.label)
    portfolio.set_value(5.0)
    page.button[0].click().run()
    assert "$1,000 to \\$100,000,000" in page.error[0].value
    portfolio = next(field for field in page.number_input if "Portfolio" in field.label)
    portfolio.set_value(2_000_000.0)
    page.button[0].click().run()
    assert not page.error
    assert page.session_state["plan"].portfolio == 2_000_000
    kept = current().store.scenario(page.session_state["scenario"], ADA)
    assert kept is not None
    assert kept.plan["portfolio"] == 2_000_000


@pytest.mark.usefixtures("_database")
def test_a_link_shows_the_plan_that_was_shared() -> None:
    plan = {"portfolio": 3_000_000, "annual_spending": 90_000}
    key = current().store.save("Shared", "", plan, owner=BEN, is_shared=True)
    page = opened("overview", ADA)
    page.query_params["scenario"] = key
    page.run()
    assert "$90,000" in {metric.value for metric in page.metric}
    assert "Shared" in page.info[0].value
    own = current().store.save("Own", "", plan, owner=BEN)
    for key in ("nothing", own):
        lost = opened("overview", ADA)
        lost.query_params["scenario"] = key
        assert "no plan under this link" in lost.run().warning[0].value


@pytest.mark.usefixtures("_database")
def test_the_plan_applied_last_comes_back_to_its_person_alone() -> None:
    page = opened("client", ADA).run()
    next(field for field in page.number_input if "Portfolio" in field.label).set_value(2_000_000.0)
    page.button[0].click().run()
    again = opened("overview", ADA).run()
    assert again.session_state["plan"].portfolio == 2_000_000
    assert "Opened again" in again.info[0].value
    assert opened("overview", BEN).run().session_state["plan"].portfolio == 1_000_000


@pytest.mark.usefixtures("_database")
def test_a_session_that_is_over_shows_nothing_but_the_way_to_sign_in() -> None:
    page = opened("overview", ADA)
    page.session_state["claims"] = {**ADA.claims(), "until": time.time() - 1}
    page.run()
    assert page.title[0].value == "You are signed out"
    assert not page.metric
    current().people.sign_out(ADA)
    gone = opened("overview", ADA).run()
    assert gone.title[0].value == "You are signed out"


@pytest.mark.usefixtures("_database")
def test_the_audit_page_is_for_compliance_alone_and_verifies_the_log() -> None:
    refused = opened("audit", ADA).run()
    assert "compliance's to read" in refused.error[0].value
    assert not refused.dataframe
    opened("overview", ADA).run()
    page = opened("audit").run()
    assert len(page.dataframe) == 1
    assert "ada" in str(page.dataframe[0].value)
    page.button[0].click().run()
    assert "Intact: 1 records" in page.success[0].value
    head = page.code[0].value
    page.text_input[0].set_value(head)
    page.button[0].click().run()
    assert "Intact: 2 records" in page.success[0].value
    page.text_input[0].set_value("1:" + "0" * 64)
    page.button[0].click().run()
    assert "NOT intact" in page.error[0].value


@pytest.mark.usefixtures("_database")
def test_what_is_done_on_pages_is_recorded_once() -> None:
    page = opened("scenarios", ADA).run()
    page.run()
    page.text_input[0].set_value("Base")
    page.button[0].click().run()
    asking = opened("questions", ADA).run()
    asking.text_input[0].set_value("How likely is it to last?").run()
    asking.run()
    told = [one.action for one in current().trail.log.records()]
    assert told.count("stress") == 1
    assert told.count("scenario.save") == 1
    assert told.count("analyse") == 1
    assert told.count("simulate") == 2  # one a page


@pytest.mark.usefixtures("_database")
def test_a_question_with_markup_is_answered_as_text() -> None:
    page = opened("questions").run()
    page.text_input[0].set_value("<script>x</script>**How likely** is it to last?").run()
    assert not page.exception
    assert any("\\*\\*How likely" in text.value for text in page.markdown)
    assert "lasted" in page.success[0].value
