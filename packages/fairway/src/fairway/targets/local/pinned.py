"""Locks of Poetry, PDM and Pipenv as requirements that uv installs.

Pure: texts in, lines of a requirements file out. The locks of Poetry and PDM say which version of
each package, not which packages a production needs, so they become constraints beside the
project's own main dependencies; Pipfile.lock says both in its `default` part.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

__all__ = ["Pinned", "from_pdm", "from_pipenv", "from_poetry"]

VERSIONS = re.compile(r"(\^|~(?!=)|>=|<=|<|>|==|!=)\s*(\d+(?:\.\d+)*)")
PYPI = ("https://pypi.org/simple", "https://pypi.python.org/simple")


@dataclass(frozen=True, slots=True)
class Pinned:
    """Lines of a requirements file and of a constraints file.

    `own` says whether the project's own `[project] dependencies` are wanted as well.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    own: bool = False


def from_pipenv(lock: str) -> Pinned:
    """The packages that Pipfile.lock names for production, each at its version."""
    loaded = cast("Mapping[str, Any]", json.loads(lock))
    sources = cast("list[Mapping[str, str]]", loaded.get("_meta", {}).get("sources", []))
    lines = _indexes([source["url"] for source in sources])
    for name, package in sorted(cast("Mapping[str, Any]", loaded.get("default", {})).items()):
        line = _requirement(name, cast("Mapping[str, Any]", package))
        version = str(package.get("version", ""))
        if version and version != "*" and " @ " not in line:
            line += version
        lines.append(_with_marker(line, str(package.get("markers", ""))))
    return Pinned(tuple(lines))


def from_pdm(lock: str) -> Pinned:
    """The project's own dependencies, held to the versions in pdm.lock.

    A package is listed once for itself and once more for each set of its extras.
    """
    packages = cast("list[Mapping[str, Any]]", tomllib.loads(lock).get("package", []))
    plain = [package for package in packages if not package.keys() & {"git", "path", "url"}]
    versions = {(package["name"], package["version"]) for package in plain}
    names = [name for name, _ in versions]
    lines = {
        _with_marker(
            f"{package['name']}=={package['version']}",
            str(package.get("marker", "")) if names.count(package["name"]) > 1 else "",
        )
        for package in plain
        if names.count(package["name"]) == 1 or package.get("marker")
    }
    return Pinned((), tuple(sorted(lines)), own=True)


def from_poetry(pyproject: str, lock: str) -> Pinned:
    """The project's main dependencies, held to the versions in poetry.lock."""
    project = cast("Mapping[str, Any]", tomllib.loads(pyproject))
    packages = cast("list[Mapping[str, Any]]", tomllib.loads(lock).get("package", []))
    indexes = [
        str(package["source"]["url"])
        for package in packages
        if package.get("source", {}).get("type") == "legacy"
    ]
    constraints = sorted(filter(None, (_constraint(package, packages) for package in packages)))
    if project.get("project", {}).get("dependencies"):
        return Pinned(tuple(_indexes(indexes)), tuple(constraints), own=True)
    declared = cast("Mapping[str, Any]", project.get("tool", {}).get("poetry", {}))
    lines: list[str] = []
    for name, wanted in sorted(cast("Mapping[str, Any]", declared.get("dependencies", {})).items()):
        for one in cast("list[Any]", wanted if isinstance(wanted, list) else [wanted]):
            details = cast("Mapping[str, Any]", one if isinstance(one, dict) else {})
            if name.lower() != "python" and not details.get("optional"):
                lines.append(_with_marker(_requirement(name, details), _when(details)))
    return Pinned(tuple(_indexes(indexes) + list(dict.fromkeys(lines))), tuple(constraints))


def _when(details: Mapping[str, Any]) -> str:
    """Poetry's `markers`, `platform` and `python` of a dependency as one marker."""
    said = str(details.get("markers", ""))
    parts = [f"({said})" if " or " in said else said] if said else []
    if "platform" in details:
        parts.append(f"sys_platform == '{details['platform']}'")
    python = str(details.get("python", ""))
    if "|" not in python:  # of several ranges any may be meant: it is installed
        for sign, version in VERSIONS.findall(python):
            parts += _range(sign, version)
    return " and ".join(parts)


def _range(sign: str, version: str) -> list[str]:
    """`^3.11` -> `python_version >= '3.11'`, `python_version < '4.0'`."""
    name = "python_full_version" if version.count(".") > 1 else "python_version"
    if sign not in {"^", "~"}:
        return [f"{name} {sign} '{version}'"]
    major, minor = (*map(int, version.split(".")), 0)[:2]
    end = f"{major}.{minor + 1}" if sign == "~" and "." in version else f"{major + 1}.0"
    return [f"{name} >= '{version}'", f"python_version < '{end}'"]


def _constraint(package: Mapping[str, Any], packages: list[Mapping[str, Any]]) -> str:
    """`name==version`; nothing for one from elsewhere, or locked twice without saying when."""
    if package.get("source", {}).get("type", "legacy") != "legacy":
        return ""
    marker = package.get("markers", "")
    if isinstance(marker, dict):
        marker = str(cast("Mapping[str, object]", marker).get("main", ""))
    alone = sum(other["name"] == package["name"] for other in packages) == 1
    if not alone and not marker:
        return ""
    return _with_marker(f"{package['name']}=={package['version']}", "" if alone else str(marker))


def _requirement(name: str, details: Mapping[str, Any]) -> str:
    """`name[extras]`, with the place that it comes from if that is no index."""
    extras = cast("list[str]", details.get("extras", []))
    line = f"{name}[{','.join(sorted(extras))}]" if extras else name
    if "git" in details:
        at = next((details[key] for key in ("ref", "rev", "tag", "branch") if details.get(key)), "")
        return f"{line} @ git+{details['git']}{f'@{at}' if at else ''}"
    if "url" in details or "file" in details:
        return f"{line} @ {details.get('url') or details['file']}"
    if "path" in details:
        return f"-e {details['path']}" if details.get("editable") else str(details["path"])
    return line


def _with_marker(line: str, marker: str) -> str:
    return f"{line} ; {marker}" if marker else line


def _indexes(urls: list[str]) -> list[str]:
    others = dict.fromkeys(url.rstrip("/") for url in urls)
    return [f"--extra-index-url {url}" for url in others if url not in PYPI]
