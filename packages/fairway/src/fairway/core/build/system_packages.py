"""Debian's packages for those of PyPI that need some, beside what a wheel brings.

A slim image has no compiler and few libraries. What is needed to build a package stays in the
build stage (R45); what it needs to run goes into the image. Names are those of Debian 12 and 13,
as of 2026-11. Pure.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

__all__ = ["COMPILER", "GIT", "System", "system_for"]

COMPILER = ("build-essential",)
GIT = ("git",)
LIBPQ_BROUGHT = frozenset({"psycopg-binary", "psycopg-c"})


@dataclass(frozen=True, slots=True)
class System:
    """Debian's packages by where they are needed, sorted."""

    build: tuple[str, ...] = ()
    run: tuple[str, ...] = ()


NEEDED: Mapping[str, System] = {
    "lightgbm": System((), ("libgomp1",)),
    "mysqlclient": System(
        (*COMPILER, "default-libmysqlclient-dev", "pkg-config"), ("libmariadb3",)
    ),
    "opencv-python": System((), ("libgl1", "libglib2.0-0")),
    "psycopg2": System((*COMPILER, "libpq-dev"), ("libpq5",)),
    "psycopg-c": System((*COMPILER, "libpq-dev"), ("libpq5",)),
    "pyodbc": System((), ("unixodbc",)),
    "uwsgi": System(COMPILER, ()),
    "weasyprint": System((), ("libharfbuzz-subset0", "libpango-1.0-0", "libpangoft2-1.0-0")),
}


def system_for(
    names: Collection[str], *, compiles: bool, clones: bool, imports: bool = False
) -> System:
    """What these packages need.

    `names` are those of packages, and of extras as `psycopg-binary`; `compiles`: some have no
    wheel; `clones`: some come from git; `imports`: something is imported while the image is built.
    """
    found = [NEEDED[name] for name in names if name in NEEDED]
    if "psycopg" in names and not LIBPQ_BROUGHT & {*names}:
        found.append(System((), ("libpq5",)))
    build = {each for one in found for each in one.build}
    build |= set(COMPILER if compiles else ()) | set(GIT if clones else ())
    run = {each for one in found for each in one.run}
    build |= run if imports else set()
    return System(tuple(sorted(build)), tuple(sorted(run)))
