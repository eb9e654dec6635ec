"""The text of `fairway.toml` to an `App` for each environment, or every problem at once.

The way in to `core/spec`: text -> tree with lines (`document`) -> base and environments laid
over their presets (`overlay`, `profiles`) -> model (`readers`) -> what no key alone can tell
(`check`, `advice`). Pure: the caller reads the file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from fairway.core import names
from fairway.core.problem import Problem, Problems, nearest
from fairway.core.spec import document
from fairway.core.spec.advice import advise
from fairway.core.spec.check import check
from fairway.core.spec.checked import Checked
from fairway.core.spec.entry import Entry, show
from fairway.core.spec.model import App
from fairway.core.spec.overlay import lay, off
from fairway.core.spec.profiles import BUILT_IN, Preset, lay_over_preset, preset
from fairway.core.spec.readers.reader import Unreadable
from fairway.core.spec.readers.table import read_table
from fairway.core.spec.report import Fault, Report

__all__ = ["DEFAULT_ENVIRONMENT", "FILE", "Spec", "parse"]

FILE = "fairway.toml"
DEFAULT_ENVIRONMENT = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A file without problems: an app in every environment, and notes on what may be unwanted."""

    name: str
    file: str
    environments: tuple[str, ...]
    notes: tuple[Problem, ...]
    apps: Mapping[str, App] = field(repr=False)

    def app(self, environment: str = DEFAULT_ENVIRONMENT) -> App:
        """The app with an environment laid over it.

        Raises `Problems` for an environment that is neither built in nor in the file.
        """
        if environment in self.apps:
            return self.apps[environment]
        likely = nearest(environment, self.environments)
        meant = f"Did you mean {likely}? " if likely else ""
        mend = f"{meant}Known: {', '.join(self.environments)}."
        what = f"There is no environment {show(environment)}."
        raise Problems([Problem(self.file, what, mend)])


def parse(text: str | bytes, *, file: str = FILE) -> Spec:
    """Read a file.

    Raises `Problems` with every problem of the base and of every environment, each once, sorted
    by line; never another exception, whatever the text.
    """
    root = document.read(text, file)
    base, overlays, report = _split(root)
    faults: dict[Fault, list[str]] = {}
    read_table(App, base, report, environment="", profile=preset("").profile)
    _collect(report, "", faults)
    environments = (*BUILT_IN, *sorted(overlays.keys() - BUILT_IN.keys()))
    known = frozenset(environments)
    apps: dict[str, App] = {}
    for environment in environments:
        report = Report()
        app = _environment(environment, base, overlays, known, report)
        _collect(report, environment, faults)
        if app is not None:
            apps[environment] = app
    told = _tell(faults, environments)
    problems = [fault.problem for fault in told if not fault.is_note]
    if problems:
        raise Problems(problems)
    notes = tuple(fault.problem for fault in told if fault.is_note)
    name = apps[DEFAULT_ENVIRONMENT].name
    return Spec(name=name, file=file, environments=environments, notes=notes, apps=apps)


def _split(root: Entry) -> tuple[Entry, dict[str, Entry], Report]:
    """The base, and the table of each environment, with the faults of the tables themselves."""
    report, overlays = Report(), dict[str, Entry]()
    written = root.table.get("environment")
    base = root.having({key: entry for key, entry in root.table.items() if key != "environment"})
    if written is None:
        return base, overlays, report
    if not isinstance(written.value, Mapping):
        mend = "Write [environment.production], and in it what differs."
        report.problem(written, "Environments are tables, each with a name.", mend)
        return base, overlays, report
    for name, entry in written.table.items():
        if not isinstance(entry.value, Mapping):
            mend = f"Write [environment.{name if names.is_label(name) else 'NAME'}]."
            report.problem(entry, f"{show(name)} is no table.", mend)
        elif not names.is_label(name):
            mend = "Use small letters, digits and hyphens, a letter first."
            report.problem(entry, f"{show(name)} cannot name an environment.", mend)
        else:
            overlays[name] = entry
            _foreign_keys(entry, base, report)
    for name, entry in overlays.items():
        _like(name, entry, overlays, report)
    return base, overlays, report


def _foreign_keys(entry: Entry, base: Entry, report: Report) -> None:
    if "app" in entry.table and "app" in base.table:
        mend = "Leave it out here; environments never share anything but code."
        report.problem(entry.table["app"], "An app has one name in every environment.", mend)


def _like(name: str, entry: Entry, overlays: Mapping[str, Entry], report: Report) -> None:
    """`like = "staging"`: an environment that is there, and no circle."""
    at = entry.table.get("like")
    if at is None:
        return
    known = sorted({*BUILT_IN, *overlays})
    if not isinstance(at.value, str) or at.value not in known:
        likely = nearest(at.value, known) if isinstance(at.value, str) else None
        meant = f'Write "{likely}". ' if likely else ""
        report.problem(
            at, f"There is no environment {show(at.value)}.", f"{meant}Known: {', '.join(known)}."
        )
    elif name in BUILT_IN:
        mend = "Leave `like` out, or choose another name for the environment."
        report.problem(at, f"{name} has values of its own.", mend)
    elif name in _ancestry(name, overlays)[1:]:
        report.problem(
            at, f"{show(name)} would be like itself.", "Let one be like a built-in environment."
        )


def _ancestry(name: str, overlays: Mapping[str, Entry]) -> list[str]:
    """The environment and those that it is like, nearest first; a circle ends where it closes."""
    way = [name]
    while True:
        entry = overlays.get(way[-1])
        like = entry.table.get("like") if entry else None
        if like is None or not isinstance(like.value, str):
            return way
        if like.value in way:
            return [*way, like.value]
        way.append(like.value)


def _environment(
    name: str,
    base: Entry,
    overlays: Mapping[str, Entry],
    environments: frozenset[str],
    report: Report,
) -> App | None:
    """One environment's app, checked as far as it could be read."""
    ancestry = _ancestry(name, overlays)
    root = base
    for ancestor in reversed(dict.fromkeys(ancestry)):
        if ancestor in overlays:
            over = overlays[ancestor]
            kept = {k: e for k, e in over.table.items() if k not in {"like", "app"}}
            root = lay(over.having(kept), root)
    values = _preset(ancestry)
    switched_off = off(root, base)
    root = lay_over_preset(root, values)
    app = read_table(App, root, report, environment=name, profile=values.profile)
    if isinstance(app, Unreadable):
        return None
    checked = Checked(_without(app, switched_off), root, switched_off, environments)
    check(checked, report)
    advise(checked, report)
    return checked.app


def _preset(ancestry: Iterable[str]) -> Preset:
    return preset(next((name for name in ancestry if name in BUILT_IN), ""))


def _without(app: App, off: frozenset[str]) -> App:
    """The app without edges to nodes that are switched off."""
    if not off:
        return app

    def on(edges: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in edges if name not in off)

    return replace(
        app,
        services={name: replace(node, uses=on(node.uses)) for name, node in app.services.items()},
        sites={name: replace(node, calls=on(node.calls)) for name, node in app.sites.items()},
        jobs={
            name: replace(node, uses=on(node.uses), then=on(node.then))
            for name, node in app.jobs.items()
        },
        workflows={
            name: replace(node, steps=on(node.steps)) for name, node in app.workflows.items()
        },
    )


def _collect(report: Report, environment: str, faults: dict[Fault, list[str]]) -> None:
    for fault in report:
        seen = faults.setdefault(fault, [])
        if environment not in seen:
            seen.append(environment)


def _tell(faults: Mapping[Fault, list[str]], environments: tuple[str, ...]) -> list[Fault]:
    """Each fault once, by line, saying in which environments it is where not in all."""
    told: list[Fault] = []
    for fault, seen in faults.items():
        everywhere = "" in seen or len(seen) == len(environments)
        if everywhere or fault.is_of_environment:
            told.append(fault)
            continue
        what = f"{fault.problem.what} (In {_listed(seen)}.)"
        told.append(fault._replace(problem=replace(fault.problem, what=what)))
    return sorted(told, key=lambda fault: (fault.line, fault.problem))


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
