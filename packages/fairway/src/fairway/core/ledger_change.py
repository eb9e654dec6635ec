"""What differs between two ledgers, as JSON values: the journal keeps this, not the whole again.

Place in the flow: the journal writes `difference(old, new)`; a new engine reads a whole ledger and
gives it and what was written since to `applied`. Pure.

A change holds the fields of the ledger that differ, each with its new value, and nothing else.
`jobs` goes deeper, because a job may remember thousands of objects: job -> its fields that differ
(None: the job is gone), of these `seen` and `taking` as key -> version (None: the key is gone),
and `history` as how many of the latest records stay, and those that were added.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fairway.core import ledger as ledgers
from fairway.core.ledger import Ledger
from fairway.core.schedule import JobState, Record

__all__ = ["Change", "applied", "difference"]

Change = dict[str, Any]

LEDGER_FIELDS = tuple(name for name in Ledger.__dataclass_fields__ if name != "jobs")
BY_KEY = ("seen", "taking")
JOB_FIELDS = tuple(
    name for name in JobState.__dataclass_fields__ if name not in {*BY_KEY, "history"}
)


def difference(old: Ledger, new: Ledger) -> Change:
    """What makes `new` of `old`; empty where they are equal.

    Parts that both share are not looked into: the cost is that of what differs.
    """
    values = differing(LEDGER_FIELDS, old, new)
    said = ledgers.to_json(Ledger(**values))
    change = {name: said[name] for name in values}
    jobs = jobs_difference(old.jobs, new.jobs)
    return {**change, "jobs": jobs} if jobs else change


def applied(ledger: Ledger, changes: Iterable[Change]) -> Ledger:
    """The ledger after `changes`, in their order."""
    draft = ledgers.to_json(ledger)
    for change in changes:
        draft.update({name: value for name, value in change.items() if name != "jobs"})
        for name, said in change.get("jobs", {}).items():
            if said is None:
                del draft["jobs"][name]
            else:
                apply_to_job(draft["jobs"].setdefault(name, ledgers.job_to_json(JobState())), said)
    return ledgers.from_json(draft)


def apply_to_job(draft: dict[str, Any], said: Change) -> None:
    """Bring a job's JSON, which the caller owns, to what a change says."""
    for name, value in said.items():
        if name in BY_KEY:
            draft[name].update(value)
            for key in [key for key, version in value.items() if version is None]:
                del draft[name][key]
        elif name == "history":
            records = draft["history"]
            draft["history"] = [*records[len(records) - value["stay"] :], *value["added"]]
        else:
            draft[name] = value


def jobs_difference(old: Mapping[str, JobState], new: Mapping[str, JobState]) -> Change:
    if old is new:
        return {}
    change: Change = {name: None for name in old if name not in new}
    for name, state in new.items():
        said = job_difference(old.get(name, JobState()), state)
        if said or name not in old:
            change[name] = said
    return change


def job_difference(old: JobState, new: JobState) -> Change:
    if old is new:
        return {}
    change: Change = differing(JOB_FIELDS, old, new)
    for name in BY_KEY:
        if keys := keys_difference(getattr(old, name), getattr(new, name)):
            change[name] = keys
    if old.history != new.history:
        change["history"] = history_difference(old.history, new.history)
    return change


def keys_difference(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str | None]:
    if old is new:
        return {}
    gone = dict.fromkeys(key for key in old if key not in new)
    return gone | {key: version for key, version in new.items() if old.get(key) != version}


def history_difference(old: Sequence[Record], new: Sequence[Record]) -> Change:
    """A history loses its oldest records and gains later ones."""
    stay = next(
        count
        for count in range(len(old), -1, -1)
        if tuple(old[len(old) - count :]) == tuple(new[:count])
    )
    return {"stay": stay, "added": [ledgers.record_to_json(record) for record in new[stay:]]}


def differing(names: Iterable[str], old: object, new: object) -> dict[str, Any]:
    """The fields that differ, with their new values. What is shared is equal without a look."""
    values = ((name, getattr(old, name), getattr(new, name)) for name in names)
    return {
        name: after for name, before, after in values if not (before is after or before == after)
    }
