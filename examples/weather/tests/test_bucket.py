"""Files in a bucket: uploaded, listed by etag, read as the version that was listed."""

import hashlib
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from tests import oracle
from tests.conftest import Database, Run

PAGE = 3  # keys per listing, so that there are several


class Shelf(ThreadingHTTPServer):
    """As much of S3 as the app uses, in memory."""

    objects: dict[str, bytes]
    replace_before_reading: dict[str, bytes]


class S3(BaseHTTPRequestHandler):
    server: Shelf  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if query.get("list-type"):
            self._answer(200, self._listing(query).encode(), "application/xml")
            return
        key = unquote(path).split("/", 2)[2]
        if key in self.server.replace_before_reading:
            self.server.objects[key] = self.server.replace_before_reading.pop(key)
        content = self.server.objects[key]
        wanted = self.headers.get("If-Match")
        if wanted and wanted != etag(content):
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>", "application/xml")
            return
        self._answer(200, content, "text/plain", etag(content))

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.objects[unquote(urlsplit(self.path).path).split("/", 2)[2]] = content
        self._answer(200, b"", "application/xml", etag(content))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        pass

    def _listing(self, query: dict[str, list[str]]) -> str:
        after = query.get("continuation-token", [""])[0]
        prefix = query.get("prefix", [""])[0]
        keys = sorted(key for key in self.server.objects if key.startswith(prefix) and key > after)
        more = len(keys) > PAGE
        items = "".join(
            f"<Contents><Key>{escape(key)}</Key><ETag>{escape(etag(self.server.objects[key]))}"
            f"</ETag><Size>{len(self.server.objects[key])}</Size></Contents>"
            for key in keys[:PAGE]
        )
        token = f"<NextContinuationToken>{keys[PAGE - 1]}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{items}"
            "</ListBucketResult>"
        )

    def _answer(self, status: int, content: bytes, kind: str, mark: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if mark:
            self.send_header("ETag", mark)
        self.end_headers()
        self.wfile.write(content)


def etag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


@pytest.fixture
def shelf() -> Generator[Shelf]:
    with Shelf(("127.0.0.1", 0), S3) as server:
        server.objects, server.replace_before_reading = {}, {}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def bucket(shelf: Shelf) -> dict[str, str]:
    return {
        "BUCKET_NAME": "weather-files",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{shelf.server_address[1]}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-central-1",
    }


def test_what_is_uploaded_is_loaded_once_per_version(
    database: Database, shelf: Shelf, bucket: dict[str, str], run: Run, tmp_path: Path
) -> None:
    said = run("weather.generate", "--upload", "--small", "--dirty", told=bucket)
    assert said["files"] == len(shelf.objects) == 5
    shelf.objects["elsewhere/USC00110072.txt"] = b"20200101\t1\t2\t3\n"
    assert run("weather.ingest", told=bucket)["files_loaded"] == 5
    assert run("weather.ingest", told=bucket)["files_unchanged"] == 5

    key = min(key for key in shelf.objects if key.startswith("incoming/"))
    shelf.objects[key] += b"20260101\t1\t-2\t3\n"
    grown = run("weather.ingest", told=bucket)
    assert (grown["files_loaded"], grown["files_unchanged"], grown["rows_added"]) == (1, 4, 1)

    copy = tmp_path / "copy"
    copy.mkdir()
    for name, content in shelf.objects.items():
        if name.startswith("incoming/"):
            (copy / name.removeprefix("incoming/")).write_bytes(content)
    assert database.observations() == oracle.read(copy).rows


def test_an_object_that_changes_before_it_is_read_is_left_for_the_next_load(
    database: Database, shelf: Shelf, bucket: dict[str, str], run: Run
) -> None:
    key = "incoming/USC00110072.txt"
    shelf.objects[key] = b"20200101\t1\t0\t3\n"
    shelf.replace_before_reading[key] = b"20200101\t1\t0\t3\n20200102\t1\t0\t3\n"
    first = run("weather.ingest", told=bucket, check=False)
    assert (first["exit_code"], first["status"], first["rows_added"]) == (1, "failed", 0)
    assert "PreconditionFailed" in first["error"]
    assert run("weather.ingest", told=bucket)["rows_added"] == 2


def test_a_bucket_that_is_away_fails_the_load_in_words(run: Run, bucket: dict[str, str]) -> None:
    told = bucket | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}
    said = run("weather.ingest", told=told, check=False)
    assert (said["exit_code"], said["status"]) == (1, "failed")
    assert said["error"].startswith("bucket weather-files: ")
    assert "Traceback" not in said["stderr"]


def test_uploading_without_a_bucket_is_refused_in_words(run: Run) -> None:
    said = run("weather.generate", "--upload", check=False)
    assert said["exit_code"] == 2
    assert "BUCKET_NAME" in said["stderr"]
