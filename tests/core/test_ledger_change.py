"""A change makes the new ledger of the old one, whatever they are, and says only what differs."""

import json
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from fairway.core import ledger as ledgers
from fairway.core.ledger import Ledger
from fairway.core.ledger_change import Change, applied, difference
from fairway.core.schedule import JobState, Record
from tests.core import test_ledger
from tests.properties import examples

LEDGERS = test_ledger.ledgers
FIELDS = sorted(Ledger.__dataclass_fields__)
JOB_FIELDS = sorted(JobState.__dataclass_fields__)


def through_json(change: Change) -> Change:
    return json.loads(json.dumps(change, sort_keys=True))


def record(number: int) -> Record:
    return Record(
        run=f"ingest#{number}", cause="schedule", started_at=1.0, seconds=2.0, exit_code=0
    )


def ingesting(**fields: object) -> Ledger:
    return Ledger(stable="one", jobs={"ingest": replace(JobState(), **fields)})


@examples(200)
@given(LEDGERS, LEDGERS)
def test_the_difference_applied_to_the_old_ledger_gives_the_new_one(
    old: Ledger, new: Ledger
) -> None:
    was = json.dumps(ledgers.to_json(old))
    change = through_json(difference(old, new))
    said = json.dumps(change)
    assert applied(old, [change]) == new
    assert (json.dumps(ledgers.to_json(old)), json.dumps(change)) == (was, said)  # as they were


@examples(100)
@given(some.lists(LEDGERS, min_size=1, max_size=4))
def test_changes_in_a_row_give_the_last_ledger(walk: list[Ledger]) -> None:
    changes = [difference(*pair) for pair in pairwise(walk)]
    assert applied(walk[0], [through_json(change) for change in changes]) == walk[-1]


@examples(200)
@given(LEDGERS)
def test_equal_ledgers_differ_in_nothing_whether_they_share_their_parts_or_not(
    one: Ledger,
) -> None:
    copy = ledgers.from_json(json.loads(json.dumps(ledgers.to_json(one))))
    assert difference(one, one) == difference(one, copy) == {}
    assert applied(one, []) == one


@examples(200)
@given(LEDGERS, LEDGERS, some.sampled_from(FIELDS))
def test_a_change_of_one_field_says_nothing_of_the_others(
    old: Ledger, other: Ledger, name: str
) -> None:
    new = replace(old, **{name: getattr(other, name)})
    change = difference(old, new)
    assert set(change) == ({name} if new != old else set())


@examples(200)
@given(test_ledger.jobs, test_ledger.jobs, some.sampled_from(JOB_FIELDS))
def test_a_change_of_one_field_of_a_job_says_nothing_of_its_others_or_of_other_jobs(
    old: JobState, other: JobState, name: str
) -> None:
    new = replace(old, **{name: getattr(other, name)})
    before = Ledger(jobs={"ingest": old, "other": other})
    after = Ledger(jobs={"ingest": new, "other": other})
    change = difference(before, after)
    assert change == {} if new == old else set(change["jobs"]["ingest"]) == {name}
    assert "other" not in change.get("jobs", {})
    assert applied(before, [through_json(change)]) == after


def test_of_the_objects_that_a_job_has_seen_only_those_that_came_changed_or_went_are_said() -> None:
    old = ingesting(seen={"a.csv": "1", "b.csv": "1", "c.csv": "1"})
    new = ingesting(seen={"a.csv": "1", "b.csv": "2", "d.csv": "1"})
    seen = {"b.csv": "2", "c.csv": None, "d.csv": "1"}
    assert difference(old, new) == {"jobs": {"ingest": {"seen": seen}}}


def test_of_a_history_only_the_record_that_was_added_is_said() -> None:
    old = ingesting(history=tuple(record(number) for number in range(50)))
    new = ingesting(history=tuple(record(number) for number in range(1, 51)))
    (added,) = difference(old, new)["jobs"]["ingest"]["history"]["added"]
    assert added["run"] == "ingest#50"
    assert applied(old, [difference(old, new)]) == new


def test_a_job_that_is_gone_and_comes_back_remembers_nothing() -> None:
    walk = [ingesting(seen={"a.csv": "1"}, runs=3), Ledger(stable="one"), ingesting()]
    changes = [difference(*pair) for pair in pairwise(walk)]
    assert changes == [{"jobs": {"ingest": None}}, {"jobs": {"ingest": {}}}]
    assert applied(walk[0], changes) == walk[-1]
