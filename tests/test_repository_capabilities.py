"""docs/reference/capabilities.md promises no more than targets and tests show."""

import pytest

from fairway.core.spec.model import App
from fairway.core.spec.readers.table import Nodes, keys
from tools.reference_capabilities import EMULATED, GAP, SCHEMA, emulated_types, on_aws, page
from tools.reference_local import JOB, ROWS, WEB, Row


@pytest.mark.parametrize(
    ("text", "verdict", "words"),
    [
        ('[stream.s]\ninto = "b/"\n[bucket.b]\n', GAP, "streams are not rendered"),
        ("[bucket.b]\n", EMULATED, ""),
        (WEB + "sticky = true\n", EMULATED, ""),
        (WEB + 'build = "x"\n', SCHEMA, "in the image's Dockerfile"),
        (WEB + "firewall = true\n", EMULATED, "WAFv2::WebACLAssociation: schema-validated"),
        (JOB + 'schedule = "0 9 1 * *"\n', EMULATED, ""),
        ("[database.d]\nread_replicas = 1\n", f"{EMULATED}, in part {GAP}", "nothing sends reads"),
    ],
)
def test_a_part_of_the_file_has_the_verdict_that_its_rendering_has(
    text: str, verdict: str, words: str
) -> None:
    found, said = on_aws(Row("x", text))
    assert found == verdict
    assert words in said


def test_what_no_emulator_has_is_not_called_emulated() -> None:
    assert "AWS::ECS::Service" in emulated_types()
    assert "AWS::EC2::SecurityGroupEgress" not in emulated_types()
    assert "AWS::WAFv2::WebACLAssociation" not in emulated_types()


def test_every_kind_of_node_has_a_row() -> None:
    kinds = {name for name, key in keys(App).items() if isinstance(key.key.reader, Nodes)}
    shown = {kind for kind in kinds for row in ROWS if f"[{kind}." in row.text}
    assert shown == kinds


def test_no_row_stands_twice_and_each_has_two_targets() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) == len(set(rows)) >= len(ROWS)
    for row in rows:
        assert len(row.strip("| ").split(" | ")) == 3, row
