"""A site's files, answered as its CDN answers: what `fairway up` runs for a `[site]`.

A WSGI app around WhiteNoise (`fairway-runtime[site]`). A path that is no file is the page, so that
a deep link survives a reload; the page is asked for anew each time. Files whose names begin with a
dot are nobody's business. Not for production: there the CDN serves these files from a bucket.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from fairway_runtime import contract

__all__ = ["make"]

PAGE = "/index.html"
TOLD = "/fairway.json"
HIDDEN = re.compile(r"/\.(?!well-known/)")

Environ = dict[str, Any]


class StartResponse(Protocol):
    """What a WSGI server hands over."""

    def __call__(self, status: str, headers: list[tuple[str, str]], /) -> object: ...


def make(environment: Mapping[str, str] = os.environ) -> "Site":
    """The site that the environment names; raises `FileNotFoundError` where it has no page."""
    root = Path(environment.get(contract.SITE_ROOT, "."))
    if not (root / PAGE[1:]).is_file():
        raise FileNotFoundError(
            f"there is no index.html in {root}: build the site first, or name its folder as `root`"
        )
    names = environment.get(contract.SITE_TELLS, "").split()
    return Site(root, {name: environment[name] for name in names})


class Site:
    """The WSGI app. `told` is what its pages may ask for at /fairway.json."""

    def __init__(self, root: Path, told: Mapping[str, str]) -> None:
        from whitenoise import WhiteNoise  # an extra: imported where it is used

        self._told = json.dumps(told, sort_keys=True).encode()
        self._files: Any = WhiteNoise(  # which has no types
            self._no_file,
            root=str(root),
            max_age=None,
            allow_all_origins=False,
            add_headers_function=_add_headers,
        )
        for url in [url for url in self._files.files if HIDDEN.search(url)]:
            del self._files.files[url]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        found: Iterable[bytes] = self._files(environ, start_response)
        return found

    def _no_file(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == TOLD and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            length = ("content-length", str(len(self._told)))
            kind = ("content-type", "application/json")
            start_response("200 OK", [kind, length, ("cache-control", "no-cache")])
            return [self._told] if environ["REQUEST_METHOD"] == "GET" else []
        page: Iterable[bytes] = self._files.serve(self._files.files[PAGE], environ, start_response)
        return page


def _add_headers(headers: Any, path: str, url: str) -> None:
    del path
    if url == PAGE:
        headers["Cache-Control"] = "no-cache"
