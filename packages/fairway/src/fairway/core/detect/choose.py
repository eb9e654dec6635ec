"""Which candidates are the app's services; and what to ask where that cannot be told.

A service that a compose file, a Procfile or a Copilot manifest starts by name is one. Without
such names, every folder with dependencies of its own gives its best server and its best page.
Two that are equally good are a question, never a guess.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from fairway.core.detect.candidates import Candidate
from fairway.core.detect.sources import name_of
from fairway.core.problem import Problem

__all__ = ["Choice", "Option", "Question", "choose"]

MARGIN = 15  # two candidates nearer than this are equally good
NAMED = 90  # the score that being started by name gives
LEAST = -60  # below it are apps mounted under others, and those in examples
PAGE_LEAST = 20  # a page beside a server must look like a program of its own
MOST_FOLDERS = 4
WEB_NAMES = ("web", "app", "api")


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question, and where it comes from."""

    value: str
    where: str


@dataclass(frozen=True, slots=True)
class Question:
    """What cannot be told from the code. An answer is the value of one option, under `key`."""

    key: str
    ask: str
    options: tuple[Option, ...]
    mend: str

    def problem(self) -> Problem:
        """The question as an error, for when nobody is there to answer."""
        listed = ", ".join(f"{option.value} ({option.where})" for option in self.options)
        return Problem("", f"{self.ask} {listed}" if listed else self.ask, self.mend)


@dataclass(frozen=True, slots=True)
class Choice:
    """The services by name, and what is left to ask."""

    services: tuple[tuple[str, Candidate], ...]
    questions: tuple[Question, ...] = ()


def choose(candidates: tuple[Candidate, ...], answers: Mapping[str, str]) -> Choice:
    """The services of a project; `answers` are values of options by the questions' keys."""
    named = _named(candidates)
    if len(named) > 1:
        return Choice(named)
    groups = _groups(candidates)
    if not groups and candidates and all(one.is_aside for one in candidates):
        return _none_stands_out(candidates, answers)
    if len(groups) > MOST_FOLDERS:
        return _one_of_many(groups, answers)
    chosen: list[tuple[str, Candidate]] = []
    questions: list[Question] = []
    for folder, group in groups:
        for role, rivals in _roles(group):
            best, question = _best(folder, role, rivals, answers)
            chosen.append((folder, best))
            if question is not None:
                questions.append(question)
    return Choice(tuple(_with_names(chosen)), tuple(questions))


def _named(candidates: tuple[Candidate, ...]) -> tuple[tuple[str, Candidate], ...]:
    """The candidates that other files start, each under the first name that it has there."""
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        name = next(iter(candidate.services), "")
        if name and candidate.score >= NAMED and not candidate.is_aside:
            found.setdefault(name, candidate)
    return tuple(sorted(found.items()))


def _groups(candidates: tuple[Candidate, ...]) -> list[tuple[str, list[Candidate]]]:
    """The candidates worth a look, by the folder whose dependencies they have."""
    good = sorted((one for one in candidates if one.score > LEAST), key=lambda one: one.project)
    return [(folder, list(group)) for folder, group in groupby(good, lambda one: one.project)]


def _roles(group: list[Candidate]) -> Iterator[tuple[str, list[Candidate]]]:
    """Servers and pages are chosen apart: an API and a Streamlit page can both be meant."""
    servers = [one for one in group if not one.is_page]
    pages = [one for one in group if one.is_page]
    if servers:
        yield "server", servers
    if pages and (not servers or max(one.score for one in pages) >= PAGE_LEAST):
        yield "page", pages


def _best(
    folder: str, role: str, rivals: list[Candidate], answers: Mapping[str, str]
) -> tuple[Candidate, Question | None]:
    ranked = sorted(rivals, key=lambda one: (-one.score, one.path, one.name))
    best = ranked[0]
    equal = [one for one in ranked if one is best or _is_rival(one, best)]
    key = f"{role}:{folder}" if folder else role
    answer = next((one for one in rivals if one.label == answers.get(key)), None)
    if answer is not None:
        return answer, None
    if len(equal) == 1:
        return best, None
    where = f" in {folder}/" if folder else ""
    noun = "Which script is the one to run" if role == "page" else "Which app is the main one"
    return best, _question(key, f"{noun}{where}?", equal)


def _is_rival(one: Candidate, best: Candidate) -> bool:
    """Whether `one` is as good as `best` and not a part, a wrapping or a maker of it."""
    related = {f"{one.path}::{one.name}", one.inside} & {f"{best.path}::{best.name}", best.inside}
    return best.score - one.score < MARGIN and not related - {""}


def _question(key: str, ask: str, candidates: list[Candidate]) -> Question:
    options = tuple(Option(one.label, str(one.finding)) for one in candidates)
    lines = [f'{_key_of(one)} = "{one.target}"' for one in candidates[:3]]
    table = "[service.web] in fairway.toml"
    return Question(key, ask, options, f"Write one under {table}: {' or '.join(lines)}.")


def _key_of(one: Candidate) -> str:
    return one.framework.kind


def _none_stands_out(candidates: tuple[Candidate, ...], answers: Mapping[str, str]) -> Choice:
    """Only tests, examples and documentation hold apps: one of them may still be meant."""
    answer = next((one for one in candidates if one.label == answers.get("server")), None)
    if answer is not None:
        return Choice((("web", answer),))
    ask = "Apps stand only among examples or documentation; which one is meant?"
    return Choice((), (_question("server", ask, list(candidates[:9])),))


def _one_of_many(groups: list[tuple[str, list[Candidate]]], answers: Mapping[str, str]) -> Choice:
    """Many folders, each with an app: a collection rather than one app."""
    best = [max(group, key=lambda one: one.score) for _, group in groups]
    answer = next((one for one in best if one.label == answers.get("server")), None)
    if answer is not None:
        return Choice((("web", answer),))
    ask = f"{len(groups)} folders hold an app each; which one is meant?"
    options = tuple(Option(one.label, str(one.finding)) for one in best[:9])
    mend = f"Name its folder, as in `fairway init {best[0].project}`."
    return Choice((), (Question("server", ask, options, mend),))


def _with_names(chosen: list[tuple[str, Candidate]]) -> Iterator[tuple[str, Candidate]]:
    """Names: `web` for the only one; `api` beside a page; else what its folder is called."""
    pages = sum(one.is_page for _, one in chosen)
    used: set[str] = set()
    for folder, one in chosen:
        if len(chosen) == 1 or (one.is_page and pages == 1):
            name = "web"
        elif len(chosen) - pages == 1:
            name = "api"
        else:
            name = name_of(folder) or ("web" if "web" not in used else "api")
        while name in used:
            name = f"{name}-2"
        used.add(name)
        yield name, replace(one)
