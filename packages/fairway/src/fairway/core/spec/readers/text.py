"""Readers of text: names, code objects, paths, URLs, commands, addresses.

What a text must not be (a path that leaves the project, a password in a URL, a shell's
operators in a command that no shell runs) is refused here, where the file is read, so that no
target has to look again.
"""

import re
import shlex
from typing import Final

from fairway.core import names
from fairway.core.spec.entry import Entry, show
from fairway.core.spec.readers.reader import Refusal, Scalar

__all__ = [
    "ADDRESSES",
    "COMMAND",
    "NAME",
    "NODES",
    "OBJECT",
    "OBJECTS",
    "PATH",
    "REPOSITORY",
    "TEXT",
    "URL",
    "URL_PATH",
    "URL_PATHS",
    "words",
]

LONGEST = 1000

OBJECT_PATTERN = re.compile(
    r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII
)
URL_PATTERN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\x00-\x1f]+")
ENV_PATTERN = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
PASSWORD_PATTERN = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]+@")
URL_PATH_PATTERN = re.compile(r"/[^\s\x00-\x1f?#]*")
REQUESTED_PATTERN = re.compile(r"/[^\s\x00-\x1f#]*")  # a path, with its query
PREFIX_PATTERN = re.compile(r"[a-z][a-z0-9-]*(?:/[A-Za-z0-9!_.*'()=-]+)*/?")
REPOSITORY_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
MAIL_PATTERN = re.compile(r"[^@\s:]+@[^@\s:]+\.[^@\s:]+")
ADDRESS_PATTERN = re.compile(rf"mailto:{MAIL_PATTERN.pattern}|https://[^\s\x00-\x1f]+")
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
OPERATORS = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<"})

PLAIN: Final = {"type": "string", "minLength": 1, "maxLength": LONGEST}


def _line_of_text(value: object) -> str | None:
    """The value where it is one line of text without control characters."""
    if isinstance(value, str) and value.strip() and len(value) <= LONGEST and value.isprintable():
        return value
    return None


def _text(entry: Entry) -> str | Refusal:
    text = _line_of_text(entry.value)
    return text if text is not None else Refusal("Write one line of text in quotes.")


def likely_label(text: str) -> str | None:
    """A name that could have been meant: `My_App` -> `my-app`."""
    likely = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-0123456789")[:40].strip("-")
    return likely if names.is_label(likely) else None


def _name(entry: Entry) -> str | Refusal:
    value = entry.value
    if isinstance(value, str) and names.is_label(value):
        return value
    likely = (likely_label(value) if isinstance(value, str) else None) or "my-app"
    return Refusal(
        f'Write "{likely}": at most 40 small letters, digits and hyphens, a letter first.'
    )


def _object(entry: Entry) -> str | Refusal:
    value = entry.value
    if not isinstance(value, str) or len(value) > LONGEST:
        return Refusal('Write the module and the name in it: "main:app".')
    if OBJECT_PATTERN.fullmatch(value):
        return value
    path, colon, name = value.strip().partition(":")
    module = path.removesuffix(".py").replace("/", ".").strip(".")
    usual = "application" if module.endswith(("wsgi", "asgi")) else "app"  # as Django writes it
    likely = f"{module}:{name.removesuffix('()') if colon else usual}"
    if "()" in name and OBJECT_PATTERN.fullmatch(likely):
        return Refusal(f'Write "{likely}" and factory = true: it is called to make the app.')
    if OBJECT_PATTERN.fullmatch(likely) and likely != value:
        return Refusal(f'Write "{likely}": the module, a colon, the name in it.')
    return Refusal('Write the module, a colon, the name in it: "main:app".')


def _path(entry: Entry) -> str | Refusal:
    text = _line_of_text(entry.value)
    if text is None:
        return Refusal('Write a path from this file\'s folder: "frontend/dist".')
    if "\\" in text:
        return Refusal("Write / between folders, on every system.")
    if text.startswith(("/", "~")) or re.match(r"[A-Za-z]:", text):
        return Refusal(
            "Write the path from this file's folder, so that it holds on every machine.",
            f"{show(text)} is an absolute path.",
        )
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if ".." in parts:
        return Refusal(
            "Only what is in the project is deployed: name a path below this file, without `..`.",
            f"{show(text)} may lead out of the project.",
        )
    return "/".join(parts) or "."


def _url_path(entry: Entry) -> str | Refusal:
    value = entry.value
    if isinstance(value, str) and URL_PATH_PATTERN.fullmatch(value) and len(value) <= LONGEST:
        return value
    return Refusal('Write a path that starts with a slash: "/health".')


def _url_paths(entry: Entry) -> tuple[str, ...] | Refusal:
    mend = 'Write paths that start with a slash: ["/", "/api/items"].'
    found = words(entry)
    if found is None:
        return Refusal(mend)
    for item in found:
        text = str(item.value)
        if not REQUESTED_PATTERN.fullmatch(text) or len(text) > LONGEST:
            return Refusal(mend, f"{show(text)} is not a path of a URL.")
    return tuple(dict.fromkeys(str(item.value) for item in found))


def _url(entry: Entry) -> str | Refusal:
    value = entry.value
    mend = (
        'Write "env:NAME" to read it from the variable NAME of `.env`, or a URL without password.'
    )
    if not isinstance(value, str) or len(value) > LONGEST:
        return Refusal(mend)
    if PASSWORD_PATTERN.match(value):  # R73: the file is in Git
        return Refusal(mend, "A password must not stand in this file.")
    if ENV_PATTERN.fullmatch(value) or URL_PATTERN.fullmatch(value):
        return value
    return Refusal(mend)


def _command(entry: Entry) -> str | Refusal:
    words = [item.value for item in entry.array]
    if words and all(isinstance(word, str) for word in words):
        joined = shlex.join(str(word) for word in words)
        return Refusal(f"Write it as one text: {_quoted(joined)}.")
    text = _line_of_text(entry.value)
    if text is None:
        return Refusal('Write what you would type, as one text: "python -m weather.ingest".')
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars="&|;<>")
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = list(lexer)
    except ValueError:
        return Refusal(
            "Close the quotes inside it.", f"{show(text)} has a quote that does not end."
        )
    if ASSIGNMENT.match(text):
        return Refusal(
            "Put variables into its own `variables` table.",
            "A command does not start with a variable: no shell reads it.",
        )
    found = next((word for word in words if word in OPERATORS), None)
    if found:
        return Refusal(
            f"Put the steps into a script, or write {_quoted(f'sh -c {shlex.quote(text)}')}.",
            f"No shell reads this command, so `{found}` would be passed to the program.",
        )
    return text


def _quoted(text: str) -> str:
    if "'" not in text and ('"' in text or "\\" in text):
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def words(entry: Entry) -> list[Entry] | None:
    """One text, or a list of texts, as entries."""
    if isinstance(entry.value, str):
        return [entry]
    if isinstance(entry.value, tuple) and all(isinstance(i.value, str) for i in entry.array):
        return list(entry.array)
    return None


def _nodes(entry: Entry) -> tuple[str, ...] | Refusal:
    found = words(entry)
    if found is None:
        return Refusal('Write their names: ["db", "files"].')
    return tuple(dict.fromkeys(str(item.value) for item in found))


def _objects(entry: Entry) -> str | Refusal:
    value = entry.value
    if isinstance(value, str) and PREFIX_PATTERN.fullmatch(value) and len(value) <= LONGEST:
        return value if "/" in value else f"{value}/"
    likely = re.sub(r"^[a-z0-9]+://", "", value).lstrip("/") if isinstance(value, str) else ""
    if not PREFIX_PATTERN.fullmatch(likely):
        likely = "files/incoming/"
    return Refusal(f'Write the bucket\'s name, a slash, the folder in it: "{likely[:60]}".')


def _addresses(entry: Entry) -> tuple[str, ...] | Refusal:
    found = words(entry)
    mend = 'Write addresses: ["mailto:ops@example.org", "https://hooks.example.org/alarm"].'
    if found is None:
        return Refusal(mend)
    for item in found:
        text = str(item.value)
        if MAIL_PATTERN.fullmatch(text):
            return Refusal(
                f'Write "mailto:{text[:60]}".', f"{show(text)} does not say how to reach it."
            )
        if not ADDRESS_PATTERN.fullmatch(text) or len(text) > LONGEST:
            return Refusal(mend, f"{show(text)} is not an address.")
    return tuple(dict.fromkeys(str(item.value) for item in found))


def _repository(entry: Entry) -> str | Refusal:
    value = entry.value
    if isinstance(value, str) and REPOSITORY_PATTERN.fullmatch(value) and len(value) <= LONGEST:
        return value
    found = re.search(r"github\.com[/:]([^/\s]+/[^/\s]+?)(?:\.git)?/?$", str(value))
    likely = found[1] if found and REPOSITORY_PATTERN.fullmatch(found[1]) else "owner/name"
    return Refusal(f'Write its owner and name: "{likely[:60]}".')


def _pattern(pattern: re.Pattern[str]) -> dict[str, object]:
    return {"type": "string", "pattern": f"^(?:{pattern.pattern})$", "maxLength": LONGEST}


TEXT: Final = Scalar("text", _text, PLAIN)
NAME: Final = Scalar("a name", _name, {"type": "string", "pattern": f"^{names.LABEL.pattern}$"})
OBJECT: Final = Scalar("a `module:object`", _object, _pattern(OBJECT_PATTERN), example='"main:app"')
PATH: Final = Scalar("a path inside the project", _path, PLAIN)
URL_PATH: Final = Scalar("a path", _url_path, _pattern(URL_PATH_PATTERN), example='"/health"')
URL_PATHS: Final = Scalar(
    "a path or a list of paths",
    _url_paths,
    {
        "anyOf": [
            _pattern(REQUESTED_PATTERN),
            {"type": "array", "items": _pattern(REQUESTED_PATTERN)},
        ]
    },
    example='["/", "/api/items"]',
)
URL: Final = Scalar(
    'a URL or "env:NAME"',
    _url,
    _pattern(re.compile(f"{ENV_PATTERN.pattern}|{URL_PATTERN.pattern}")),
)
COMMAND: Final = Scalar("a command", _command, PLAIN)
NODES: Final = Scalar(
    "a name or a list of names",
    _nodes,
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
)
OBJECTS: Final = Scalar("a place", _objects, _pattern(PREFIX_PATTERN), example='"files/incoming/"')
REPOSITORY: Final = Scalar(
    "a repository", _repository, _pattern(REPOSITORY_PATTERN), example='"example/shop"'
)
ADDRESSES: Final = Scalar(
    "an address or a list of addresses",
    _addresses,
    {"anyOf": [_pattern(ADDRESS_PATTERN), {"type": "array", "items": _pattern(ADDRESS_PATTERN)}]},
)
