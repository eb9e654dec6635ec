"""Notes: what works but may be unwanted is said, and stops nothing."""

import pytest

from fairway.core.spec.parse import parse

SHOP = """
app = "shop"
[service.web]
asgi = "shop:app"
uses = "db"
[database.db]
"""


def notes(text: str) -> list[str]:
    return [f"{note.where}: {note.what}" for note in parse(text).notes]


def test_an_ordinary_file_has_no_notes() -> None:
    assert notes('app = "hello"\n[service.web]\nasgi = "main:app"\npublic = true\n') == []


def test_more_connections_than_postgres_allows_are_noted_where_they_may_come_to_be() -> None:
    """20 connections for each of 10 replicas, and for one more during a release (C5)."""
    (found,) = notes(SHOP)
    assert found.startswith("fairway.toml:6 database.db: 220 connections may be opened at once")
    assert found.endswith("(In production.)")


@pytest.mark.parametrize(
    "change",
    [
        'replicas = "3..4"',
        "variables.DB_POOL_SIZE = 9",
        'replicas = 2\nrelease = "blue_green"',
        'release = { canary = ["10% for 1m"] }\nreplicas = 4',
    ],
)
def test_few_enough_connections_are_not_noted(change: str) -> None:
    assert notes(SHOP.replace("uses =", f"{change}\nuses =")) == []


def test_connections_count_twice_while_blue_and_green_both_run() -> None:
    changed = SHOP.replace("uses =", 'replicas = 4\nrelease = "blue_green"\nuses =')
    assert [note for note in notes(changed) if " 160 connections" in note]


def test_a_database_that_scales_by_itself_is_not_counted() -> None:
    assert notes(SHOP + "serverless = true\n") == []


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        ("[database.x]", "database"),
        ("[cache.x]", "cache"),
        ("[bucket.x]", "bucket"),
        ("[secret.X]", "secret"),
    ],
)
def test_a_node_that_nothing_uses_is_noted(node: str, kind: str) -> None:
    found = [note for note in notes(SHOP + node) if "Nothing uses" in note]
    assert len(found) == 1
    assert f"Nothing uses the {kind}" in found[0]


def test_a_bucket_that_a_job_watches_is_used() -> None:
    job = '[bucket.files]\n[job.j]\ncommand = "j"\non_new = "files/in/"\n'
    assert not [note for note in notes(SHOP + job) if "Nothing uses" in note]


@pytest.mark.parametrize("name", ["DB_PASSWORD", "api_key", "GITHUB_TOKEN", "CLIENT_SECRET"])
def test_a_variable_that_looks_like_a_secret_is_noted(name: str) -> None:
    text = SHOP.replace("uses =", f'variables.{name} = "hunter2"\nuses =')
    (found,) = [note for note in notes(text) if "secret" in note]
    assert found.startswith(f"fairway.toml:5 service.web.variables.{name}: {name} looks like")
    assert "hunter2" not in found


def test_a_port_that_nobody_reaches_and_a_probe_that_nothing_needs_are_noted() -> None:
    text = SHOP.replace("uses =", 'port = 80\nprobe = "/x"\nuses =')
    assert [note.split(":")[1].split()[1] for note in notes(text)][:2] == [
        "service.web.port",
        "service.web.probe",
    ]


def test_sqlite_under_several_replicas_is_noted() -> None:
    found = notes(SHOP + "engine = 'sqlite'\n")
    assert len(found) == 1
    assert "all on one SQLite file. (In local, staging and production.)" in found[0]
