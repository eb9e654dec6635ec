"""Where station files are: a folder, or a bucket that speaks S3.

Purpose: list the files with a mark that changes when their content does, and read them in
chunks. Nothing here looks into a file. boto3 is imported only when there is a bucket.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from weather.settings import Settings

__all__ = ["PREFIX", "Bucket", "FileVersion", "Folder", "Source", "Unreadable", "open_source"]

PREFIX = "incoming/"
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class FileVersion:
    """One content of one file. `etag` is another when the content is another."""

    key: str
    etag: str


class Unreadable(Exception):
    """Files could not be listed, read or written; the message says which, and why."""


class Source(Protocol):
    """Some files, by key. Every method raises `Unreadable`."""

    def versions(self) -> list[FileVersion]: ...
    def read(self, version: FileVersion) -> Iterator[bytes]: ...
    def write(self, key: str, content: bytes) -> None: ...


def open_source(settings: Settings) -> Source:
    """Open the bucket if there is one, else the folder."""
    if settings.bucket:
        return Bucket(settings.bucket, settings.region)
    return Folder(settings.files)


class Folder:
    """The files of a folder. Their mark is size and time of change; hidden files don't count."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def versions(self) -> list[FileVersion]:
        if not self._path.is_dir():
            return []
        with _explained(str(self._path)):
            return sorted(
                FileVersion(path.name, f"{status.st_size}-{status.st_mtime_ns}")
                for path in self._path.iterdir()
                if not path.name.startswith(".") and path.is_file()
                for status in [path.stat()]
            )

    def read(self, version: FileVersion) -> Iterator[bytes]:
        with _explained(version.key):
            file = (self._path / version.key).open("rb")
        with file:
            while True:
                with _explained(version.key):
                    chunk = file.read(CHUNK)
                if not chunk:
                    return
                yield chunk

    def write(self, key: str, content: bytes) -> None:
        """Write a file so that a load never sees half of it."""
        with _explained(key):
            self._path.mkdir(parents=True, exist_ok=True)
            part = self._path / f".{key}.part"
            part.write_bytes(content)
            part.replace(self._path / key)


class Bucket:
    """The objects under `incoming/` of a bucket. One object may be used by several threads."""

    def __init__(self, name: str, region: str) -> None:
        self._name = name
        self._region = region

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        # Other stores than AWS's know neither bucket names as hosts nor the newer checksums.
        config = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 4},
            max_pool_connections=16,
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        make: Callable[..., Any] = vars(boto3)["client"]  # boto3 has no types
        return make("s3", region_name=self._region, config=config)

    def versions(self) -> list[FileVersion]:
        with _explained(f"bucket {self._name}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=PREFIX
            )
            return sorted(
                FileVersion(str(item["Key"]), str(item["ETag"]).strip('"'))
                for page in pages
                for item in page.get("Contents", ())
                if not str(item["Key"]).endswith("/")
            )

    def read(self, version: FileVersion) -> Iterator[bytes]:
        """Read exactly this version: an object that was replaced since fails (412)."""
        with _explained(version.key):
            answer = self._client.get_object(
                Bucket=self._name, Key=version.key, IfMatch=f'"{version.etag}"'
            )
        chunks = answer["Body"].iter_chunks(CHUNK)
        while True:
            with _explained(version.key):
                chunk = next(chunks, b"")
            if not chunk:
                return
            yield chunk

    def write(self, key: str, content: bytes) -> None:
        with _explained(PREFIX + key):
            self._client.put_object(Bucket=self._name, Key=PREFIX + key, Body=content)


@contextmanager
def _explained(what: str) -> Generator[None]:
    """Turn what the system or boto3 raises into `Unreadable`. Must not surround a `yield`."""
    try:
        yield
    except OSError as error:
        raise Unreadable(f"{what}: {error.strerror or error}") from error
    except Exception as error:
        # boto3's errors have no base of their own but these, and are only there when it is.
        if type(error).__module__.startswith(("botocore", "boto3", "urllib3")):
            raise Unreadable(f"{what}: {error}") from error
        raise
