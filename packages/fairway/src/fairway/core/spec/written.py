"""What a file says, before any value is read: its base, its environments, the names of its nodes.

Second stage of `parse.py`. Knows how environments lie over the base and over one another
(`like`), and refuses a `false` that switches nothing off. Must not: read values of other keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fairway.core import names
from fairway.core.problem import nearest
from fairway.core.spec.checked import KINDS
from fairway.core.spec.entry import Entry, show
from fairway.core.spec.overlay import lay
from fairway.core.spec.profiles import BUILT_IN, Preset, preset
from fairway.core.spec.report import Report

__all__ = ["Written", "split"]

OF_ENVIRONMENTS = frozenset({"like", "app"})  # keys that are not laid over the base


@dataclass(frozen=True, slots=True)
class Written:
    """The base, the table of each environment, and the kind of every node that some of them has."""

    base: Entry
    overlays: Mapping[str, Entry]
    kinds: Mapping[str, str]

    @property
    def environments(self) -> tuple[str, ...]:
        """The built-in ones, then those of the file by name."""
        return (*BUILT_IN, *sorted(self.overlays.keys() - BUILT_IN.keys()))

    def ancestry(self, environment: str) -> tuple[str, ...]:
        """The environment and those that it is like, nearest first, each once."""
        way = [environment]
        while True:
            like = self.overlays[way[-1]].table.get("like") if way[-1] in self.overlays else None
            if like is None or not isinstance(like.value, str) or like.value in way:
                return tuple(way)
            way.append(like.value)

    def preset(self, environment: str) -> Preset:
        """What the environment, or the built-in one that it is like, sets for every app."""
        return preset(next((name for name in self.ancestry(environment) if name in BUILT_IN), ""))

    def root(self, environment: str, report: Report) -> Entry:
        """The base with the environment, and what it is like, laid over it."""
        root = self.base
        for name in reversed(self.ancestry(environment)):
            if name in self.overlays:
                over = self.overlays[name]
                kept = {k: entry for k, entry in over.table.items() if k not in OF_ENVIRONMENTS}
                over = over.having(kept)
                _refuse_off_nothing(over, root, report)
                root = lay(over, root)
        return root


def split(root: Entry, report: Report) -> Written:
    """A file's tree as base and environments, with the faults of the environments' own keys."""
    base = root.having({key: entry for key, entry in root.table.items() if key != "environment"})
    overlays: dict[str, Entry] = {}
    written = root.table.get("environment")
    if written is not None and not isinstance(written.value, Mapping):
        mend = "Write [environment.production], and in it what differs."
        report.problem(written, "Environments are tables, each with a name.", mend)
    for name, entry in root.below("environment").items():
        if not isinstance(entry.value, Mapping):
            mend = f"Write [environment.{name if names.is_label(name) else 'NAME'}]."
            report.problem(entry, f"{show(name)} is no table.", mend)
        elif not names.is_label(name):
            mend = "Use small letters, digits and hyphens, a letter first."
            report.problem(entry, f"{show(name)} cannot name an environment.", mend)
        else:
            overlays[name] = entry
    found = Written(base, overlays, _kinds((*overlays.values(), base)))
    _refuse_off(base, report)
    for name, entry in overlays.items():
        _like(name, entry, found, report)
        if "app" in entry.table and "app" in base.table:
            what = "An app has one name in every environment."
            report.problem(entry.table["app"], what, "Leave it out here.")
    return found


def _kinds(trees: tuple[Entry, ...]) -> dict[str, str]:
    return {
        name: kind
        for tree in trees
        for kind in KINDS
        for name, entry in tree.below(kind).items()
        if isinstance(entry.value, Mapping)
    }


def _like(name: str, entry: Entry, written: Written, report: Report) -> None:
    """`like = "staging"`: an environment that is there, and no circle."""
    at = entry.table.get("like")
    if at is None:
        return
    known = written.environments
    if not isinstance(at.value, str) or at.value not in known:
        likely = nearest(at.value, known) if isinstance(at.value, str) else None
        meant = f'Did you mean "{likely}"? ' if likely else ""
        what = f"There is no environment {show(at.value)}."
        report.problem(at, what, f"{meant}Known: {', '.join(known)}.")
    elif name in BUILT_IN:
        mend = "Leave `like` out, or choose another name for the environment."
        report.problem(at, f"{name} has values of its own.", mend)
    elif name in written.ancestry(at.value):
        mend = "Let one of them be like a built-in environment."
        report.problem(at, f"{show(name)} would be like itself.", mend)


def _refuse_off(base: Entry, report: Report) -> None:
    """In the base there is nothing that a node's `false` could switch off."""
    mend = "Leave it out; in [environment.NAME], false switches off what the base has."
    for kind in KINDS:
        entries = [base.table[kind], *base.below(kind).values()] if kind in base.table else []
        for entry in entries:
            if entry.value is False:
                report.problem(entry, "There is nothing to switch off here.", mend)


def _refuse_off_nothing(over: Entry, root: Entry, report: Report) -> None:
    """`false` for a node that the base does not have is most likely a misspelt name."""
    for kind in KINDS:
        has = root.below(kind)
        for name, entry in over.below(kind).items():
            if entry.value is False and name not in has:
                likely = nearest(name, has)
                mend = f"Did you mean `{likely}`?" if likely else "Leave it out."
                report.problem(entry, f"There is no {kind} {show(name)} to switch off.", mend)
