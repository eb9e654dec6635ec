"""The text of `fairway.toml` to an `App` for each environment, or every problem at once.

The way in to `core/spec`: text -> tree with lines (`document`) -> base and environments
(`written`) -> each laid over the base and its preset (`overlay`, `profiles`) -> model
(`readers`) -> what no key alone can tell (`check`, `advice`). Pure: the caller reads the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fairway.core.problem import Problem, Problems, nearest
from fairway.core.spec import document
from fairway.core.spec.advice import advise
from fairway.core.spec.check import check
from fairway.core.spec.checked import Checked
from fairway.core.spec.entry import show
from fairway.core.spec.mentioned import heard
from fairway.core.spec.model import App
from fairway.core.spec.networks import note_shared
from fairway.core.spec.overlay import off
from fairway.core.spec.profiles import lay_over_preset, preset
from fairway.core.spec.readers.reader import Unreadable
from fairway.core.spec.readers.table import read_table
from fairway.core.spec.report import Fault, Report
from fairway.core.spec.written import Written, split

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
    noted: Mapping[str, tuple[Problem, ...]] = field(repr=False)  # notes by environment

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
    report = Report()
    written = split(root, report)
    read_table(App, written.base, report, environment="", profile=preset("").profile)
    faults: dict[Fault, list[str]] = {}
    _collect(report, "", faults)
    read: dict[str, Checked] = {}
    noted: dict[str, tuple[Problem, ...]] = {}
    for environment in written.environments:
        report = Report()
        read[environment] = _read(environment, written, report)
        _collect(report, environment, faults)
        noted[environment] = tuple(fault.problem for fault in report if fault.is_note)
    for environment, report in note_shared(tuple(read.values())).items():
        _collect(report, environment, faults)
        noted[environment] += tuple(fault.problem for fault in report)
    apps = {environment: each.app for environment, each in read.items()}
    told = _tell(faults, written.environments)
    problems = [fault.problem for fault in told if not fault.is_note]
    if problems:
        raise Problems(problems)
    return Spec(
        name=apps[DEFAULT_ENVIRONMENT].name,
        file=file,
        environments=written.environments,
        notes=tuple(fault.problem for fault in told),
        apps=apps,
        noted=noted,
    )


def _read(environment: str, written: Written, report: Report) -> Checked:
    """One environment's app, checked as far as it could be read.

    Where the file does not name the app, which the base's reading reports, the rest is read too.
    """
    values = written.preset(environment)
    root = written.root(environment, report)
    switched_off = off(root, written.kinds)
    root = lay_over_preset(root, values)
    given = {"name": "app", "environment": environment, "profile": values.profile}
    app = read_table(App, root, report, **given)
    assert not isinstance(app, Unreadable), "its only required key is given"
    checked = Checked(
        app=heard(_without(app, switched_off), root, switched_off),
        root=root,
        off=switched_off,
        environments=written.environments,
        elsewhere=written.kinds,
    )
    check(checked, report)
    advise(checked, report)
    return checked


def _without(app: App, off: frozenset[str]) -> App:
    """The app without edges to nodes that are switched off."""
    if not off:
        return app

    def on(edges: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in edges if name not in off)

    return replace(
        app,
        services={name: replace(node, uses=on(node.uses)) for name, node in app.services.items()},
        workers={name: replace(node, uses=on(node.uses)) for name, node in app.workers.items()},
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
