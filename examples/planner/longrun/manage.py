"""What an operator types: `python -m longrun.manage`.

    add NAME ROLE           let somebody in; the password is asked for, or the first line of stdin
    password NAME           give somebody another password
    disable NAME            let nobody in by this name; sessions end
    verify [HEAD]           read the whole audit log, and say whether it is intact
    archive                 put the audit log's months into the bucket, and read them back

Exit codes: 0 done, 1 not intact or not there, 2 what was typed can't be.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Callable

from fairway_runtime.audit_chain import Head, Report
from longrun.archive import archive, bucket_of
from longrun.database import Database, Unavailable
from longrun.people import ROLES, People
from longrun.settings import Settings
from longrun.store import make_sqlite_schema
from longrun.trail import Trail

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Do it, and return the exit code."""
    options = _parser().parse_args(arguments)
    settings = Settings.from_environment(os.environ)
    database = Database(settings, "manage", connections=1)
    try:
        return _act(options, settings, database)
    except Unavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        database.close()


def _act(options: argparse.Namespace, settings: Settings, database: Database) -> int:
    trail, people = Trail(settings, database), People(settings, database)
    match options.verb:
        case "add":
            make_sqlite_schema(settings)
            person = people.add(options.name, options.role, _password())
            sys.stdout.write(f"{person.name} may come in as {person.role}\n")
        case "password":
            return _changed(options.name, people.change(options.name, password=_password()))
        case "disable":
            return _changed(options.name, people.change(options.name, is_disabled=True))
        case "verify":
            return _tell(trail.verify(_head(options.head)), sys.stdout.write)
        case _:
            return _archive(settings, trail)
    return 0


def _archive(settings: Settings, trail: Trail) -> int:
    is_intact = True
    for month in archive(trail.log, bucket_of(settings)):
        state = "intact" if month.is_intact else f"NOT INTACT: {'; '.join(month.faults)}"
        is_intact = is_intact and month.is_intact
        sys.stdout.write(f"{month.key}: {month.bytes} bytes, {month.records} records, {state}\n")
    return 0 if is_intact else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m longrun.manage", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser("add")
    add.add_argument("name")
    add.add_argument("role", choices=ROLES)
    for verb in ("password", "disable"):
        verbs.add_parser(verb).add_argument("name")
    verbs.add_parser("verify").add_argument("head", nargs="?", default="")
    verbs.add_parser("archive")
    return parser


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\n")


def _changed(name: str, is_there: bool) -> int:
    sys.stdout.write(f"{name}: {'done' if is_there else 'nobody is called so'}\n")
    return 0 if is_there else 1


def _head(held: str) -> Head | None:
    if not held:
        return None
    number, _, digest = held.partition(":")
    if not number.isdigit() or len(digest) != 64:
        raise ValueError(f"{held!r} is not a head: a number, a colon and 64 digits")
    return Head(int(number), digest)


def _tell(report: Report, say: Callable[[str], object]) -> int:
    for fault in report.faults:
        say(f"fault: {fault}\n")
    state = "intact" if report.is_intact else "NOT INTACT"
    say(f"{state}: {report.records} records, head {report.head.sequence}:{report.head.hash}\n")
    return 0 if report.is_intact else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
