"""How the database's schema is brought up to date: Alembic, Django, Flask-Migrate, Aerich."""

import re
from dataclasses import dataclass

from fairway.core.detect.data import driver_scheme
from fairway.core.detect.evidence import Evidence
from fairway.core.detect.findings import Note
from fairway.core.detect.hints import Hints
from fairway.core.detect.sayable import as_command
from fairway.core.detect.sources import (
    Finding,
    Sources,
    join,
    line_of,
    name_of,
    parent_of,
    stem_of,
    within,
)
from fairway.core.detect.tables import as_table, at, read_toml

__all__ = ["MigrationUse", "find_migrations"]

FLASK_FOUND = frozenset({"app:app", "wsgi:app", "app:create_app", "wsgi:create_app"})
READS_ELSEWHERE = ("environ", "getenv", "settings", "config_option", "set_main_option", "import")


@dataclass(frozen=True, slots=True)
class MigrationUse:
    """The command that migrates, if there is one, and what must be said of it."""

    before: Finding[str] | None
    notes: tuple[Note, ...] = ()


def find_migrations(
    sources: Sources, evidence: Evidence, hints: Hints, folder: str, target: str
) -> MigrationUse:
    """The migration of the service in `folder` whose app is `target`."""
    django = evidence.django
    if django is not None and within(django.manage.value, folder):
        path = django.manage.value[len(folder) + 1 :] if folder else django.manage.value
        value = f"python {path} migrate"
        return MigrationUse(Finding(value, django.manage.where, django.manage.why))
    flask = _flask(sources, evidence, folder, target)
    if flask is not None:
        return MigrationUse(flask)
    return _alembic(sources, folder, driver_scheme(evidence)) or _stated(hints, folder)


def _flask(sources: Sources, evidence: Evidence, folder: str, target: str) -> Finding[str] | None:
    made = evidence.call("flask_migrate.Migrate")
    if made is None:
        return None
    ini = next(
        (
            path
            for path in sources.paths
            if path.endswith("migrations/alembic.ini") and within(path, folder)
        ),
        None,
    )
    if ini is None:
        return None
    module, _, name = target.partition(":")
    plain = name in {"app", "application", "create_app", "make_app"}
    known = target in FLASK_FOUND or sources.has(join(folder, ".flaskenv"))
    app = "" if known else f"--app {module} " if plain else f"--app {module}:{name} "
    place = parent_of(ini)[len(folder) + 1 :] if folder else parent_of(ini)
    option = "" if place == "migrations" else f" -d {place}"
    return Finding(f"flask {app}db upgrade{option}", made.where, made.why)


def _alembic(sources: Sources, folder: str, scheme: str) -> MigrationUse | None:
    inis = [
        path
        for path in sources.paths | sources.texts.keys()
        if name_of(path) == "alembic.ini" and within(path, folder)
    ]
    if inis:
        ini = min(inis, key=lambda path: (path.count("/"), path))
        inside = ini[len(folder) + 1 :] if folder else ini
        option = "" if inside == "alembic.ini" else f"-c {inside} "
        text = sources.texts.get(ini, "")
        number = line_of(text, r"^\s*script_location\b")
        finding = Finding(f"alembic {option}upgrade head", f"{ini}:{number}", "script_location")
        return MigrationUse(finding, _fixed_address(sources, ini, text, scheme))
    pyproject = join(folder, "pyproject.toml")
    text = sources.texts.get(pyproject, "")
    if as_table(at(read_toml(text), "tool", "alembic")):
        number = line_of(text, r"^\[tool\.alembic")
        finding = Finding("alembic upgrade head", f"{pyproject}:{number}", "[tool.alembic]")
        return MigrationUse(finding)
    return None


def _fixed_address(sources: Sources, ini: str, text: str, scheme: str) -> tuple[Note, ...]:
    """alembic.ini names the database itself, and env.py does not look elsewhere."""
    fixed = re.search(r"^\s*sqlalchemy\.url\s*=\s*(\S+)", text, re.MULTILINE)
    if fixed is None or fixed[1].startswith("driver://") or "%(" in fixed[1]:
        return ()
    location = re.search(r"^\s*script_location\s*=\s*(\S+)", text, re.MULTILINE)
    place = location[1].replace("%(here)s", ".") if location else "alembic"
    script = sources.texts.get(join(parent_of(ini), place, "env.py"), "")
    own = "\n".join(
        line for line in script.splitlines() if "alembic" not in line and "logging" not in line
    )
    if any(word in own for word in READS_ELSEWHERE[:-1]):
        return ()
    where = f"{ini}:{line_of(text, r'^ *sqlalchemy.url')}"
    changed = f'.replace("postgresql://", "{scheme}://")' if scheme else ""
    mend = (
        'In env.py write config.set_main_option("sqlalchemy.url", '
        f'os.environ["DATABASE_URL"]{changed}).'
    )
    return (Note("untold", where, "Alembic migrates the database that this line names.", mend),)


def _stated(hints: Hints, folder: str) -> MigrationUse:
    """A migration that a Procfile, compose file or start script runs."""
    for one in hints.started:
        if one.launch.kind == "migration" and (one.folder == folder or not folder):
            command = as_command(one.launch.command or one.launch.target)
            if command and stem_of(command.split(" ", 1)[0]) in {
                "alembic",
                "python",
                "flask",
                "aerich",
            }:
                return MigrationUse(Finding(command, one.finding.where, one.finding.why))
    return MigrationUse(None)
