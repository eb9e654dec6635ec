"""A masked value is shown nowhere and handed over on purpose only."""

import copy
import json
import logging
import pickle
from dataclasses import asdict, dataclass

import pytest

from fairway.core.masked import Masked, revealed

SECRET = Masked("hunter2")


@dataclass(frozen=True)
class Holder:
    key: Masked


@pytest.mark.parametrize(
    "shown",
    [
        str(SECRET),
        repr(SECRET),
        f"{SECRET}",
        f"{SECRET!r}",
        f"{SECRET:>10}",
        "%s" % SECRET,  # noqa: UP031 - the old way leaks no more than the new
        "{}".format(SECRET),  # noqa: UP032 - as above
        str([SECRET]),
        str({"key": SECRET}),
        str(Holder(SECRET)),
        str(asdict(Holder(SECRET))),
    ],
)
def test_a_masked_value_prints_as_stars(shown: str) -> None:
    assert "***" in shown
    assert "hunter2" not in shown


def test_a_log_line_holds_stars(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("the key is %s", SECRET)
    assert "hunter2" not in caplog.text


def test_a_masked_value_is_not_written_to_json_or_a_pickle() -> None:
    with pytest.raises(TypeError):
        json.dumps({"key": SECRET})
    with pytest.raises(TypeError, match="reveal"):
        pickle.dumps(SECRET)


def test_a_masked_value_is_no_text() -> None:
    assert not isinstance(SECRET, str)
    with pytest.raises(TypeError):
        "x" + SECRET  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def test_masked_values_compare_by_content() -> None:
    assert Masked("a") == Masked("a")
    assert Masked("a") != Masked("b")
    assert Masked("a") != "a"
    assert len({Masked("a"), Masked("a"), Masked("b")}) == 2
    assert copy.deepcopy(SECRET) == SECRET


def test_a_process_gets_the_value_itself() -> None:
    assert SECRET.reveal() == "hunter2"
    assert revealed({"KEY": SECRET, "LEVEL": "high"}) == {"KEY": "hunter2", "LEVEL": "high"}
