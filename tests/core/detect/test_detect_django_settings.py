"""Which of its settings modules a Django project runs with in production."""

import pytest

from fairway.core.detect.dockerfile import read_dockerfile, variables_of
from fairway.core.detect.findings import Findings
from fairway.core.detect.project import detect
from fairway.core.detect.write import write
from fairway.core.spec.parse import parse
from tests.core.detect.archive import read_archive

SETS = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")\n'
PROJECT = """\
-- manage.py --
{manage}
-- site_of/__init__.py --
-- site_of/management/__init__.py --
-- site_of/management/commands/__init__.py --
-- site_of/wsgi.py --
{wsgi}
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
-- site_of/settings/__init__.py --
-- site_of/settings/dev.py --
DEBUG = True
-- site_of/settings/production.py --
DEBUG = False
-- site_of/management/commands/backup.py --
from django.core.management.base import BaseCommand
class Command(BaseCommand):
    pass
-- requirements.txt --
django
"""
DEV, PRODUCTION = "site_of.settings.dev", "site_of.settings.production"
NAME = "DJANGO_SETTINGS_MODULE"


def found(manage: str = DEV, wsgi: str = DEV, more: str = "") -> Findings:
    text = PROJECT.format(manage=SETS.format(manage), wsgi=SETS.format(wsgi))
    return detect(read_archive("p", text + more))


def said(findings: Findings) -> str:
    """What every program gets, of a file that parses."""
    app = parse(write(findings)).app("local")
    (service,) = app.services.values()
    return service.variables.get(NAME, "")


@pytest.mark.requirement("R57")
def test_an_image_says_it() -> None:
    findings = found(more=f"-- Dockerfile --\nFROM python:3.13\nENV A=b {NAME}={PRODUCTION}\n")
    assert said(findings) == PRODUCTION
    assert "[variables]" in write(findings)  # the command that is suggested needs it too
    assert not [note for note in findings.notes_of("advice") if NAME in note.mend]


def test_an_image_that_a_compose_file_builds_says_it() -> None:
    image = f"-- Dockerfile --\nFROM python:3.13\nENV {NAME} {PRODUCTION}\n"
    compose = "-- compose.yml --\nservices:\n  site:\n    build: .\n"
    assert said(found(more=image + compose)) == PRODUCTION


def test_what_is_served_says_it_and_migrations_follow() -> None:
    findings = found(wsgi=PRODUCTION)
    assert said(findings) == PRODUCTION
    (service,) = findings.services
    assert service.variables[NAME].where == "site_of/wsgi.py:2"


@pytest.mark.parametrize("more", ["", f"-- Dockerfile --\nFROM a\nENV {NAME}=elsewhere.settings\n"])
def test_developers_settings_are_told_of(more: str) -> None:
    findings = found(more=more)
    assert said(findings) == ""
    (note,) = [note for note in findings.notes_of("advice") if NAME in note.mend]
    assert note.what == f"It runs with {DEV}, where {PRODUCTION} is there too."
    file = f'{write(findings)}\n[environment.production]\nvariables.{NAME} = "{PRODUCTION}"\n'
    (service,) = parse(file).app("production").services.values()
    assert service.variables[NAME] == PRODUCTION


@pytest.mark.parametrize("more", ["", f"-- Dockerfile --\nFROM a\nENV {NAME}={PRODUCTION}\n"])
def test_settings_that_are_production_s_already_need_no_word(more: str) -> None:
    findings = found(PRODUCTION, PRODUCTION, more)
    assert said(findings) == ""
    assert not [note for note in findings.notes_of("advice") if NAME in note.mend]


@pytest.mark.parametrize(
    ("line", "variables"),
    [
        ("ENV A=1 B='two words' C=\"3\"", {"A": "1", "B": "two words", "C": "3"}),
        ("ENV A one two", {"A": "one two"}),
        ("ENV PATH=/venv/bin:$PATH A=b", {"A": "b"}),
        ("ENV A='b", {}),
        ("ENV A=1 \\\n  # why\n  B=2", {"A": "1", "B": "2"}),
        ("ENV A=1\nFROM b\nENV B=2", {"B": "2"}),
    ],
)
def test_an_image_s_variables_are_those_of_its_last_stage(
    line: str, variables: dict[str, str]
) -> None:
    file = read_dockerfile(f"FROM a\n{line}\n")
    assert {name: value for name, value, _ in variables_of(file)} == variables
