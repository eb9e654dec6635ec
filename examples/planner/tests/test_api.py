"""The API: answers, limits, and problems that say what, where and how to mend."""

import io
import json
import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from fastapi.testclient import TestClient
from longrun import __version__, service
from longrun.answers import Answer
from longrun.service import Service
from longrun.settings import Settings
from pypdf import PdfReader

from tests.conftest import ADA, KEY, entered

PLAN: dict[str, Any] = {
    "client_id": "c-1",
    "portfolio": 1_000_000,
    "annual_spending": 40_000,
    "scenarios": 500,
}


def test_a_plan_is_simulated_with_intervals_and_bands(client: TestClient) -> None:
    answer = client.post("/simulate", json=PLAN)
    assert answer.status_code == 200
    found = Answer.model_validate(answer.json())
    assert found.success_probability.low < found.success_probability.value
    assert [band.percentile for band in found.monthly_bands] == [10, 25, 50, 75, 90]
    assert {len(band.wealth) for band in found.monthly_bands} == {361}
    assert len(found.ruin_by_year) == 30
    assert answer.headers["x-recorded"] == "true"


def test_the_same_plan_comes_from_the_cache_and_every_other_does_not(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        computed = Mock(wraps=service.answer)
        patch.setattr(service, "answer", computed)
        first = client.post("/simulate", json={**PLAN, "seed": 77})
        again = client.post("/simulate", json={**PLAN, "seed": 77, "client_name": "Ada"})
        assert computed.call_count == 1
    assert again.content == first.content
    for changed in (
        {"seed": 78},
        {"portfolio": 1_000_001},
        {"inflation": 2.6},
        {"scenarios": 501},
        {"equity_volatility": 17.1},
        {"rule": "percent"},
        {"todays_money": True},
        {"bond_cash_correlation": 0.21},
        {"incomes": [{"annual": 1}]},
        {"flows": [{"amount": 1, "year": 1}]},
        {"returns_model": "historical"},
    ):
        assert (
            client.post("/simulate", json={**PLAN, "seed": 77, **changed}).content != again.content
        )


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"portfolio": 999}, "portfolio"),
        ({"years": 101}, "years"),
        ({"age": 17}, "age"),
        ({"scenarios": 1001}, "scenarios"),
        ({"equity": 90}, "plan"),
        ({"incomes": [{"annual": -1}]}, "incomes.0.annual"),
    ],
)
def test_a_wrong_field_is_named_with_its_range(
    client: TestClient, changed: dict[str, Any], field: str
) -> None:
    answer = client.post("/simulate", json={**PLAN, **changed})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (trouble,) = answer.json()["errors"]
    assert trouble["field"] == field
    assert trouble["what"]
    assert trouble["mend"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused(client: TestClient, value: str) -> None:
    body = json.dumps(PLAN).replace("1000000", value)
    headers = {"content-type": "application/json"}
    answer = client.post("/simulate", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "portfolio"


def test_an_analysis_answers_a_question(client: TestClient) -> None:
    asked = {"plan": PLAN, "question": "How likely is it to last?"}
    told = client.post("/analysis", json=asked).json()
    assert told["is_answered"]
    assert "interval" in told["answer"]
    assert "not advice" in told["disclosure"]


def test_a_plan_is_stressed_by_every_template(client: TestClient) -> None:
    told = client.post("/stress", json={**PLAN, "scenarios": 100}).json()
    assert len(told) == 11


def test_a_report_is_a_pdf_with_all_that_reproduces_it(client: TestClient) -> None:
    asked = {
        **PLAN,
        "seed": 4711,
        "client_name": "<b>Zoë</b> 王",
        "notes": "{{7*7}} <script>x</script>",
        "incomes": [{"name": "Pension", "annual": 12_000}],
    }
    began = time.perf_counter()
    answer = client.post("/report", json=asked)
    assert time.perf_counter() - began < 30
    assert answer.headers["content-type"] == "application/pdf"
    assert 5_000 < len(answer.content) < 2_000_000
    reader = PdfReader(io.BytesIO(answer.content))
    text = "\n".join(page.extract_text() for page in reader.pages)
    flat = " ".join(text.split())
    for words in (
        "Zoë ?",
        "{{7*7}}",
        "seed 4711",
        f"Longrun {__version__}",
        "not advice",
        "Pension",
        "Volatility of shares",
        "95 % interval",
        "500 scenarios",
    ):
        assert words in flat, words
    assert "<" not in text
    drawn = b"".join(page.get_contents().get_data() for page in reader.pages)  # pyright: ignore[reportOptionalMemberAccess] (each page has contents)
    assert drawn.count(b" re") > 40  # bars
    assert drawn.count(b" l\n") + drawn.count(b" l ") > 100  # lines and bands


def test_history_has_what_was_simulated(client: TestClient) -> None:
    client.post("/simulate", json=PLAN)
    client.post("/simulate", json={**PLAN, "annual_spending": 70_000})
    client.post("/simulate", json={**PLAN, "client_id": "c-2"})
    first, second = client.get("/history", params={"client_id": "c-1"}).json()
    assert {first["plan"]["annual_spending"], second["plan"]["annual_spending"]} == {40_000, 70_000}
    assert "HIGH_WITHDRAWAL_RATE" in first["flags"] + second["flags"]
    assert client.get("/history", params={"client_id": "nobody"}).json() == []


def test_a_scenario_is_kept_and_found_by_its_address(client: TestClient) -> None:
    kept = client.post("/scenarios", json={"name": "Base <i>case</i>", "plan": PLAN})
    assert kept.status_code == 201
    found = client.get(f"/scenarios/{kept.json()['id']}").json()
    assert found["name"] == "Base case"
    assert found["plan"]["annual_spending"] == 40_000
    assert client.get("/scenarios/nothing").status_code == 404


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"%PDF-1.7\n...\n%%EOF\n", 200),
        (b"MZ an executable", 422),
        (b"", 422),
        (b"%PDF-1.7 without an end", 422),
        (b"%PDF-1.7\n" + b"0" * (9_999_999 - 15) + b"%%EOF\n", 200),
        (b"%PDF-1.7\n" + b"0" * (10_000_000 - 15) + b"%%EOF\n", 413),
        (b"%PDF-1.7\n" + b"0" * (10_000_001 - 15) + b"%%EOF\n", 413),
        (b"<html><script>alert(1)</script>%PDF-1.7 %%EOF", 422),
    ],
)
def test_only_a_real_pdf_below_ten_megabytes_is_taken(
    client: TestClient, data: bytes, status: int
) -> None:
    answer = client.post("/upload", files={"file": ("<b>plan</b>.pdf", data)})
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {"name": "plan.pdf", "bytes": len(data)}


def test_without_its_database_it_simulates_on_and_says_what_is_missing(
    tmp_path: Path,
) -> None:
    lost = Settings(
        database_url="sqlite:////nowhere/at/all.db", session_keys=(KEY,), spool=tmp_path / "spool"
    )
    client = entered(Service(lost), ADA)
    answer = client.post("/simulate", json={**PLAN, "seed": 5})
    assert answer.status_code == 200
    assert answer.headers["x-recorded"] == "later"
    gone = client.get("/history", params={"client_id": "c-1"})
    assert gone.status_code == 503
    assert gone.headers["retry-after"] == "2"
    assert "sqlite" not in gone.text
