"""Finds the project a command is about: the folder with `fairway.toml`, or the one here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from fairway.core.problem import Problem, Problems

__all__ = ["FILE", "Project", "environment_option", "find", "folder_option"]

FILE = "fairway.toml"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder and its file's text; `assumed` says what was taken for granted without a file."""

    folder: Path
    text: str
    assumed: str = ""

    @property
    def state(self) -> Path:
        """Where everything that Fairway keeps of it is."""
        return self.folder / ".fairway"


def folder_option(function: Any) -> Any:
    """`--project FOLDER`, on every verb."""
    return click.option(
        "-C",
        "--project",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=None,
        help="The project's folder; else the one with fairway.toml, here or above.",
    )(function)


def environment_option(function: Any) -> Any:
    """`--environment NAME`, on verbs that start an app."""
    return click.option(
        "-e",
        "--environment",
        default="local",
        show_default=True,
        metavar="NAME",
        help="Which of the file's environments: its settings, on this machine.",
    )(function)


def find(folder: Path | None, *, assume: bool = False) -> Project:
    """The project in `folder`, or here or above; raises `Problems` where there is none.

    `assume`: without a file, read the project and make one in memory.
    """
    if folder is not None and not folder.is_dir():
        raise Problems([Problem(str(folder), "there is no such folder", "Check the path.")])
    here = (folder or Path.cwd()).resolve()
    above = [here] if folder is not None else [here, *here.parents]
    for each in above:
        if (each / FILE).is_file():
            return Project(folder=each, text=read(each / FILE))
    if (here / ".fairway").is_dir() and not assume:
        return Project(folder=here, text="")
    if not assume:
        below = [f"`-C {each.as_posix()}`" for each in _below(here)]
        mend = "Write one with `fairway init`, or try the app as it is with `fairway up`."
        if below:
            mend = f"Name its folder: {' or '.join(below)}."
        raise Problems(
            [Problem(where=str(here), what=f"there is no {FILE} here or above", mend=mend)]
        )
    return assumed(here)


def _below(folder: Path) -> list[Path]:
    """Folders a level or two down that have a file: of a repository of several apps, say."""
    paths = [path for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{FILE}")]
    below = [path.parent.relative_to(folder) for path in paths]
    return sorted(each for each in below if "." not in {part[0] for part in each.parts})[
        :_MOST_NAMED
    ]


def assumed(folder: Path) -> Project:
    """A project without a file, as `fairway init` would write it."""
    from fairway.cli import detection

    found = detection.read(folder)
    if not found.runs:
        raise Problems(
            [
                Problem(
                    where=str(folder),
                    what="nothing here that answers requests was recognised",
                    mend=f"Write a {FILE} that says how it runs:\n{found.text}",
                )
            ]
        )
    return Project(folder=folder, text=found.text, assumed=found.assumed)


def read(path: Path) -> str:
    """The file's text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Problems(
            [
                Problem(
                    where=str(path),
                    what=f"it is not UTF-8 text (byte {error.start})",
                    mend="Save it as UTF-8.",
                )
            ]
        ) from error
    except OSError as error:
        raise Problems(
            [Problem(str(path), f"it can't be read: {error.strerror}", "Check its permissions.")]
        ) from error
