"""The audit log's months in a real object store, from the command line (R106)."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from fairway.targets.local.objectstore import ObjectStore
from fairway.targets.local.processes import ProcessTable
from fairway_runtime.audit import AuditLog
from fairway_runtime.audit_chain import Chain, examine, split_lines
from fairway_runtime.audit_export import Bucket
from fairway_runtime.audit_file import FileLedger
from tests.runtime.test_runtime_audit import Calendar, made


class Client:
    """What is asked of boto3's."""

    def __init__(self) -> None:
        self.asked: dict[str, object] = {}

    def put_object(self, **asked: object) -> None:
        self.asked = asked


def test_a_bucket_puts_lines_of_json_under_their_key() -> None:
    client = Client()
    Bucket("archive", client).put("audit/2026-10.jsonl", b"{}\n")
    assert client.asked == {
        "Bucket": "archive",
        "Key": "audit/2026-10.jsonl",
        "Body": b"{}\n",
        "ContentType": "application/x-ndjson",
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables that lead to a store with a bucket `archive`."""
    table = ProcessTable(tmp_path / "run")
    store = ObjectStore(tmp_path / "files", table, "files", log=tmp_path / "files.log")

    async def begin() -> None:
        await store.start()
        await store.ensure_bucket("archive")

    async def end() -> None:
        for each in table.all():
            await table.stop(each.name, grace_seconds=0)

    with asyncio.Runner() as runner:
        runner.run(begin())
        yield dict(store.environment)
        runner.run(end())


def fairway_runtime(env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "fairway_runtime", "audit", *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.real
@pytest.mark.requirement("R106")
def test_the_command_line_exports_a_month_that_verifies_as_it_is_in_the_store(
    tmp_path: Path, store: dict[str, str]
) -> None:
    path = tmp_path / "audit.jsonl"
    made(path, 2)
    log = AuditLog(FileLedger(path, is_safe=False), clock=Calendar())
    head = log.verify().head
    month = head.time[:7]
    done = fairway_runtime(store, "export", str(path), "--month", month, "--bucket", "archive")
    assert done.returncode == 0, done.stderr
    assert f"audit/{month}.jsonl: " in done.stdout
    assert f"intact: 2 records, head 2:{head.hash}" in done.stdout
    client = boto3.client(
        "s3",
        endpoint_url=store["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=store["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=store["AWS_SECRET_ACCESS_KEY"],
        region_name=store["AWS_DEFAULT_REGION"],
    )
    kept = client.get_object(Bucket="archive", Key=f"audit/{month}.jsonl")["Body"].read()
    client.close()
    assert kept == path.read_bytes()
    assert examine(split_lines(kept), Chain(), holding=head).is_intact
    none = fairway_runtime(store, "export", str(path), "--month", "1999-01", "--bucket", "archive")
    assert (none.returncode, none.stdout) == (1, "no records of 1999-01\n")
    wrong = fairway_runtime(store, "export", str(path), "--month", month, "--bucket", "nowhere")
    assert wrong.returncode == 2
    assert "NoSuchBucket" in wrong.stderr
    assert wrong.stderr.startswith("fairway-runtime: ")
    assert "Traceback" not in wrong.stderr
