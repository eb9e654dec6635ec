"""The six files that the language must express, and what they mean, as golden text."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from fairway.core.spec.model import Blue, Canary, Rolling
from fairway.core.spec.parse import Spec, parse

FILES = sorted((Path(__file__).parent / "files").glob("*.toml"))


def flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of an app with its path."""
    if isinstance(value, Rolling | Blue | Canary):
        yield path, type(value).__name__
    if is_dataclass(value) and not type(value).__dict__.get("__str__"):
        for field in fields(value):
            yield from flat(
                getattr(value, field.name), f"{path}.{field.name}" if path else field.name
            )
    elif isinstance(value, Mapping):
        for name, below in value.items():
            yield from flat(below, f"{path}.{name}")
    else:
        yield path, str(value)


def described(spec: Spec) -> str:
    """Production in full, then what differs in each other environment, then the notes."""
    production = dict(flat(spec.app("production")))
    parts = ["# production", *(f"{path} = {value}" for path, value in production.items())]
    for environment in spec.environments:
        if environment == "production":
            continue
        there = dict(flat(spec.app(environment)))
        parts += ["", f"# {environment}"]
        parts += [
            f"{path} = {value}" for path, value in there.items() if production.get(path) != value
        ]
        parts += [f"{path} is not there" for path in production if path not in there]
    parts += ["", "# notes", *map(str, spec.notes)]
    return "\n".join(parts) + "\n"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_means_what_it_says(file: Path, golden: Callable[[str, str], None]) -> None:
    golden(f"files/{file.stem}.txt", described(parse(file.read_bytes())))


def test_the_same_text_gives_the_same_apps() -> None:
    text = FILES[0].read_text()
    assert parse(text) == parse(text)


def test_names_are_sorted_whatever_their_order_in_the_file() -> None:
    one = 'app = "x"\n[service.b]\nasgi = "m:b"\n[service.a]\nasgi = "m:a"\n'
    assert list(parse(one).app().services) == ["a", "b"]
