"""What an estimate takes for granted can be set by name; what can't be read is said at once."""

import pytest

from fairway.core.cost.assumptions import Assumptions, documented, supposing
from fairway.core.problem import Problems


def test_numbers_are_set_by_name() -> None:
    found = supposing(Assumptions(), ("requests_per_month=5e6", "job_minutes=1_0"))
    assert found.requests_per_month == 5e6
    assert found.job_minutes == 10
    assert found.response_kb == Assumptions().response_kb


def test_everything_that_is_wrong_is_said_at_once() -> None:
    words = ("request_per_month=1", "peak=much", "peak", "edge_hits=101", "busy_hours=25", "x=nan")
    with pytest.raises(Problems) as raised:
        supposing(Assumptions(), words)
    assert len(raised.value.problems) == len(words)
    assert "Did you mean requests_per_month?" in str(raised.value)


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1e16", ""])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Problems, match="is not a number"):
        supposing(Assumptions(), (f"peak={text}",))


def test_every_assumption_has_a_unit_and_a_sentence() -> None:
    for name, default, unit, doc in documented():
        assert name.isidentifier()
        assert default > 0
        assert unit
        assert doc
