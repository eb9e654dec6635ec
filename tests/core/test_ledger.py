"""What an engine remembers survives JSON, whatever it is."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from fairway.core import ledger
from fairway.core.ledger import Ledger, Revised
from fairway.core.release.deployment import Deployment, Outcome
from fairway.core.release.machine import Phase, ReleaseState
from fairway.core.release.strategy import Hold, Migrate, Scale, Shift, Step
from fairway.core.schedule import JobState, Record
from fairway.core.workflow import WorkflowState
from tests.properties import examples

names = some.sampled_from(["api", "web", "ingest"])
revisions = some.sampled_from(["8182b7b2e6", "4da5daa41c"])
moments = some.floats(0, 4e9)
words = some.text(max_size=5)  # a longer one is drawn for long, and tells no more
counts = some.integers(0, 20)


def mapped(values: some.SearchStrategy[Any]) -> some.SearchStrategy[Mapping[str, Any]]:
    return some.dictionaries(names, values, max_size=2)


steps: some.SearchStrategy[Step] = some.one_of(
    some.just(Migrate()),
    some.builds(Scale, some.sampled_from(("old", "new")), counts),
    some.builds(Shift, some.floats(0, 100)),
    some.builds(Hold, some.floats(0, 1e5), some.booleans()),
)
phases: some.SearchStrategy[Phase] = some.sampled_from(
    ("forward", "back", "promoted", "rolled_back", "stuck")
)
outcomes: some.SearchStrategy[Outcome] = some.sampled_from(
    ("running", "promoted", "rolled_back", "failed")
)
releases = some.builds(
    ReleaseState,
    service=names,
    old=some.none() | revisions,
    new=revisions,
    replicas=counts,
    walk=some.lists(steps, max_size=3).map(tuple),
    at=counts,
    phase=phases,
    paused=some.booleans(),
    new_count=counts,
    old_count=counts,
    new_percent=some.floats(0, 100),
    step_since=moments,
    step_deadline_seconds=moments,
    reason=words,
)
deployments = some.builds(
    Deployment,
    new=revisions,
    old=some.none() | revisions,
    services=some.lists(names, unique=True).map(tuple),
    at=counts,
    release=some.none() | releases,
    undoing=some.booleans(),
    migrates=some.booleans(),
    outcome=outcomes,
    reason=words,
    began_at=moments,
)
records = some.builds(
    Record,
    run=words,
    cause=words,
    started_at=moments,
    seconds=moments,
    exit_code=some.none() | some.integers(-1, 255),
    attempt=counts,
    note=words,
)
objects = some.dictionaries(words, words, max_size=2)
jobs = some.builds(
    JobState,
    runs=counts,
    considered=some.none() | moments,
    once_done=some.booleans(),
    running=some.none() | words,
    cause=words,
    started_at=moments,
    ending=some.booleans(),
    attempt=counts,
    retry_at=some.none() | moments,
    pending=words,
    seen=objects,
    taking=objects,
    history=some.lists(records, max_size=3).map(tuple),
)
workflows = some.builds(
    WorkflowState,
    runs=counts,
    running=some.none() | words,
    steps=some.lists(words, max_size=3).map(tuple),
    at=counts,
    stopped=words,
    history=some.lists(records, max_size=2).map(tuple),
)
ledgers = some.builds(
    Ledger,
    stable=some.none() | revisions,
    serving=mapped(revisions),
    deployment=some.none() | deployments,
    revisions=some.lists(
        some.builds(Revised, revision=revisions, at=moments, outcome=words, reason=words),
        max_size=3,
    ).map(tuple),
    scale=mapped(counts),
    ordinals=mapped(counts),
    jobs=mapped(jobs),
    workflows=mapped(workflows),
)


@examples(200)
@given(ledgers)
def test_a_ledger_read_back_from_json_is_the_same(one: Ledger) -> None:
    text = json.dumps(ledger.to_json(one), sort_keys=True)
    again = ledger.from_json(json.loads(text))
    assert again == one
    assert json.dumps(ledger.to_json(again), sort_keys=True) == text


def test_every_field_of_a_ledger_is_in_its_json() -> None:
    assert set(ledger.to_json(Ledger())) == set(Ledger.__dataclass_fields__)


def test_ordinals_are_never_given_twice() -> None:
    state, given = Ledger(), []
    for service in ("api", "web", "api", "api"):
        state, ordinal = state.numbered(service)
        given.append((service, ordinal))
    assert given == [("api", 1), ("web", 1), ("api", 2), ("api", 3)]
