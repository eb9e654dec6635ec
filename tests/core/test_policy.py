"""What a plan advises against: each rule finds its fault, and nothing else does."""

from pathlib import Path

import pytest

from fairway.core.cost.assumptions import Assumptions
from fairway.core.policy import RULES, findings
from fairway.core.spec.parse import parse

FILES = Path(__file__).parent / "spec" / "files"
SOUND = """
app = "shop"

[service.web]
asgi     = "m:a"
public   = true
uses     = ["db", "files", "KEY"]
replicas = "2..10"
limits   = { per_ip = "60/min" }

[database.db]
zones = 2

[bucket.files]
versions = true

[secret.KEY]
generate = true
rotate   = "90d"

[alarm]
notify = ["mailto:ops@example.org"]
"""
FAULTS = {
    "AVL1": ("zones = 2", "zones = 1", "database.db.zones"),
    "AVL2": ('"2..10"', '"1..10"', "service.web.replicas"),
    "CAP1": ('"2..10"', "2", "service.web.replicas"),
    "DAT1": ("zones = 2", 'zones = 2\nbackups = "1d"', "database.db.backups"),
    "DAT2": ("versions = true", "", "bucket.files.versions"),
    "SEC1": ('{ per_ip = "60/min" }', "false", "service.web.limits"),
    "SEC2": ('rotate   = "90d"', "", "secret.KEY.rotate"),
    "WAT1": ('notify = ["mailto:ops@example.org"]', "", "alarm.notify"),
}
BUSY = Assumptions(requests_per_month=2e8)


def codes(text: str, environment: str = "production", assumed: Assumptions = BUSY) -> list[str]:
    return [each.code for each in findings(parse(text).app(environment), assumed)]


def test_a_sound_app_has_no_findings() -> None:
    assert codes(SOUND) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_finds_its_fault_where_it_is_with_a_mend(rule: object) -> None:
    code = getattr(rule, "code", "")
    old, new, where = FAULTS[code]
    assert old in SOUND
    found = findings(parse(SOUND.replace(old, new)).app("production"), BUSY)
    assert [each.code for each in found] == [code]
    (problem,) = (each.problem for each in found)
    assert problem.where == where
    assert problem.what
    assert problem.mend


def test_before_production_only_what_is_true_everywhere_is_found() -> None:
    text = SOUND
    for code, (old, new, _) in FAULTS.items():
        text = text if code == "AVL2" else text.replace(old, new)
    assert codes(text, "staging") == ["CAP1"]
    assert codes(text, "dev") == ["CAP1"]


def test_off_hours_of_one_replica_are_found_too() -> None:
    night = 'off_hours = { replicas = "1..3", from = "22:00", to = "05:00" }\n'
    assert codes(SOUND.replace("limits ", f"{night}limits ")) == ["AVL2"]


def test_no_alarm_at_all_is_found() -> None:
    assert codes(SOUND[: SOUND.index("[alarm]")]) == ["WAT1"]


def test_what_is_elsewhere_is_not_ours_to_judge() -> None:
    text = SOUND.replace("zones = 2", 'url = "env:DB_URL"')
    assert codes(text) == []


def test_codes_are_sorted_and_stand_once() -> None:
    found = [rule.code for rule in RULES]
    assert found == sorted(set(found)) == sorted(FAULTS)


@pytest.mark.parametrize("file", sorted(FILES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_app_can_be_judged(file: Path) -> None:
    spec = parse(file.read_text())
    for environment in spec.environments:
        for each in findings(spec.app(environment), Assumptions()):
            assert each.problem.mend
