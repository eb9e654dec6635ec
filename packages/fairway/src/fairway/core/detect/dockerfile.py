"""A Dockerfile, as far as it says how an app is started: stages, CMD, ports, copies."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

__all__ = ["Dockerfile", "Instruction", "read_dockerfile", "variables_of"]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its line, and its words where it is in JSON form."""

    name: str
    text: str
    line: int
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The instructions of the last stage, and those of all stages."""

    last: tuple[Instruction, ...]
    every: tuple[Instruction, ...]

    def latest(self, name: str) -> Instruction | None:
        """The last instruction of this name in the last stage: the one that counts."""
        found = [one for one in self.last if one.name == name]
        return found[-1] if found else None


def read_dockerfile(text: str) -> Dockerfile:
    """The instructions of a Dockerfile; lines that are none are passed over."""
    every = tuple(_instructions(text))
    stages = [index for index, one in enumerate(every) if one.name == "FROM"]
    return Dockerfile(every[stages[-1] :] if stages else every, every)


def variables_of(file: Dockerfile) -> Iterator[tuple[str, str, int]]:
    """Each variable that ENV sets in the last stage, with its value and line.

    A value that names another variable is left out.
    """
    for one in file.last:
        if one.name != "ENV":
            continue
        try:
            words = shlex.split(one.text)
        except ValueError:
            continue
        if words and "=" not in words[0]:
            words = [f"{words[0]}={' '.join(words[1:])}"]
        for word in words:
            name, _, value = word.partition("=")
            if "$" not in value:
                yield name, value, one.line


def _instructions(text: str) -> Iterator[Instruction]:
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        first = number
        line = lines[number].strip()
        number += 1
        if not line or line.startswith("#"):
            continue
        parts = [line]
        while parts[-1].endswith("\\") and number < len(lines):
            parts[-1] = parts[-1][:-1].rstrip()
            following = lines[number].strip()
            number += 1
            if not following.startswith("#"):
                parts.append(following)
            else:
                parts.append("\\")
        whole = " ".join(part for part in parts if part not in {"", "\\"})
        found = re.match(r"([A-Za-z]+)\s+(.*)", whole)
        if found:
            name, rest = found[1].upper(), found[2].strip()
            yield Instruction(name, rest, first + 1, _json_words(rest))


def _json_words(text: str) -> tuple[str, ...]:
    if not text.startswith("["):
        return ()
    try:
        words: object = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(words, list):
        return ()
    return tuple(str(word) for word in cast("list[object]", words))
