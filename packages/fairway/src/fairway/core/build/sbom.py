"""A bill of materials of an image's Python packages, from its lock: CycloneDX 1.6 as JSON (R53).

Written as plain data and judged in the tests by CycloneDX's own schema. It has no serial number and
no time, so the same lock gives the same bytes. What the base brings is named as one component: its
packages are the base's own. Pure.
"""

import json
from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import quote

from fairway.core.build.declared import RUNTIME
from fairway.core.build.dockerfile import base_for
from fairway.core.build.images import Image
from fairway.core.build.package import Artifact, Package, fits_linux
from fairway.core.detect.sources import name_of

__all__ = ["sbom"]

Json: TypeAlias = str | int | list["Json"] | dict[str, "Json"]

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"


def sbom(
    app: str, image: Image, *, version: str, runtime_version: str, base: str | None = None
) -> str:
    """The document. `version` is this tool's; `base` what the image stands on."""
    root = f"{app}-{image.name}" if image.name else app
    packages = {package.name: package for package in image.locked.packages}
    components = [_library(package, image.python) for package in packages.values()]
    depends = [
        _edge(_purl(package), [_purl(packages[need]) for need in package.needs if need in packages])
        for package in packages.values()
    ]
    named = [_purl(packages[name]) for name in image.locked.named if name in packages]
    if image.runtime:
        runtime = Package(RUNTIME, runtime_version)
        components.append(_library(runtime, image.python))
        named.append(_purl(runtime))
    container, _, tag = (base or base_for(image)).partition(":")
    components.append({"bom-ref": "base", "name": container, "type": "container", "version": tag})
    document: Json = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "components": sorted(components, key=_reference),
        "compositions": [
            # The runtime's own needs are decided when the image is built.
            {
                "aggregate": "complete"
                if image.locked.is_whole and not image.runtime
                else "incomplete",
                "assemblies": [root],
            }
        ],
        "dependencies": sorted([_edge(root, [*named, "base"]), *depends], key=_reference),
        "metadata": {
            "component": {"bom-ref": root, "name": root, "type": "application"},
            "lifecycles": [{"phase": "pre-build"}],
            "tools": {
                "components": [{"name": "fairway", "type": "application", "version": version}]
            },
        },
        "specVersion": "1.6",
        "version": 1,
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _reference(entry: Json) -> str:
    assert isinstance(entry, dict)
    return str(entry.get("bom-ref", entry.get("ref", "")))


def _edge(of: str, on: list[str]) -> Json:
    return {"dependsOn": [*sorted(set(on))], "ref": of}


def _library(package: Package, python: str) -> Json:
    said: dict[str, Json] = {
        "bom-ref": _purl(package),
        "name": package.name,
        "purl": _purl(package),
        "type": "library",
        "version": package.version,
    }
    references = list(_references(package, python))
    if references:
        said["externalReferences"] = references
    return said


def _purl(package: Package) -> str:
    version = f"@{quote(package.version, safe='')}" if package.version else ""
    return f"pkg:pypi/{package.name}{version}"


def _references(package: Package, python: str) -> Iterator[Json]:
    """The files that an image may get, with their digests; else where the package is from."""
    if package.source.startswith(("http", "git", "ssh")):
        yield {"type": "vcs", "url": package.source}
    fitting = [one for one in package.artifacts if _fits(one, python)]
    for one in fitting or package.artifacts[-1:]:
        said: dict[str, Json] = {"type": "distribution", "url": one.url or _page_of(package)}
        if one.sha256:
            said["hashes"] = [{"alg": "SHA-256", "content": one.sha256}]
        yield said


def _page_of(package: Package) -> str:
    return f"https://pypi.org/project/{package.name}/{quote(package.version, safe='')}/"


def _fits(one: Artifact, python: str) -> bool:
    """Whether the image may get this file; one without a URL is meant."""
    return not one.url or fits_linux(name_of(one.url), python)
