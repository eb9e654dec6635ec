"""The backing nodes of an app: which names and addresses its processes are told."""

from pathlib import Path

from fairway.core.masked import revealed
from fairway.core.spec.parse import parse
from fairway.targets.local.backing import Backing
from fairway.targets.local.layout import Layout
from fairway.targets.local.processes import ProcessTable

TEXT = """
app = "almanac"
[service.web]
asgi = "main:app"
uses = ["db", "files"]
[database.db]
[bucket.files]
"""


def test_whoever_only_reads_learns_the_same_names_as_the_engine(tmp_path: Path) -> None:
    app = parse(TEXT).app("local")
    told = []
    for name in ("almanac", ""):  # an engine has learnt the app's name; `fairway exec` has not
        backing = Backing(Layout(tmp_path), ProcessTable(tmp_path / "run"), name)
        addresses = backing.addresses(app, services={}, secrets={}, dotenv={})
        told.append((addresses.buckets, revealed(addresses.databases)))
    assert told[0] == told[1]
    assert told[0][0] == {"files": "almanac-files"}
    assert told[0][1]["db"].endswith("/almanac_db")
