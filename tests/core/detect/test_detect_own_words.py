"""Apps that name environments and levels in words of their own, by pydantic's settings."""

import pytest

from fairway.core.detect.findings import Findings
from fairway.core.detect.project import detect
from fairway.core.detect.write import write
from fairway.core.spec.parse import parse
from tests.core.detect.archive import read_archive

APP = """\
-- main.py --
import os
from enum import Enum, StrEnum
from typing import Literal
from fastapi import FastAPI
from pydantic_settings import BaseSettings
app = FastAPI()
class Environment(str, Enum):
    LOCAL = "LOCAL"
    STAGE = "STAGE"
    PROD = "PROD"
def flag(name: str, default: str) -> bool:
    value = os.getenv(name, default)
    if value not in ("True", "False"):
        raise ValueError(value)
    return value == "True"
class Plain:
    A = "a"
class Settings(BaseSettings):
{fields}
-- requirements.txt --
fastapi
pydantic-settings
"""


def found(*fields: str) -> Findings:
    return detect(read_archive("p", APP.format(fields="\n".join(f"    {one}" for one in fields))))


def said(findings: Findings, name: str) -> dict[str, str]:
    """What a file that parses gives to the service, by environment."""
    spec = parse(write(findings))
    names = ("local", "dev", "staging", "production")
    apps = {one: spec.app(one).services["web"].variables for one in names}
    return {one: variables[name] for one, variables in apps.items() if name in variables}


def test_an_enumeration_in_capitals_gets_its_own_words() -> None:
    findings = found("ENVIRONMENT: Environment = Environment.PROD")
    assert said(findings, "ENVIRONMENT") == {
        "local": "LOCAL",
        "staging": "STAGE",
        "production": "PROD",
    }
    assert not findings.notes_of("untold")
    (note,) = findings.notes_of("advice")
    assert note.what == "ENVIRONMENT may say LOCAL, STAGE, PROD; none of them is for dev."
    assert note.mend == 'Write it under [environment.dev]: variables.ENVIRONMENT = "…".'


def test_levels_in_small_letters_are_written_so() -> None:
    field = 'LOG_LEVEL: Literal["debug", "info", "warn"] = "info"'
    assert said(found(field), "LOG_LEVEL") == {
        "local": "info",
        "dev": "debug",
        "staging": "info",
        "production": "warn",
    }


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("DEBUG: int = 0", ("0", "1")),
        ('debug = int(os.environ.get("DEBUG", default=0))', ("0", "1")),
        ('debug = int(os.getenv("DEBUG"))', ("0", "1")),
        ('debug = bool(os.environ.get("DEBUG", default=0))', ("", "1")),
        ('debug = flag("DEBUG", "True")', ("False", "True")),
    ],
)
def test_a_flag_says_what_the_code_takes(code: str, words: tuple[str, str]) -> None:
    """`bool("false")` is true: a production that shows its secrets."""
    no, yes = words
    expected = {"local": no, "dev": yes, "staging": no, "production": no}
    assert said(found(code), "DEBUG") == expected


@pytest.mark.parametrize(
    "field",
    [
        'ENVIRONMENT: Literal["local", "dev", "staging", "production"] = "local"',
        'LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"',
        'OTHER: Literal["a", "b"] = "a"',
        'ENVIRONMENT: str = "LOCAL"',
        "ENVIRONMENT: Plain",
        "ENVIRONMENT: Environment | int",
        "ENVIRONMENT: Unknown[1]",
        "DEBUG: bool = False",
        'debug = os.environ.get("DEBUG", "False") == "True"',
        'debug = bool(os.environ.get("OTHER"))',
        'debug = flag("DEBUG", "false")',
        'debug = int(os.environ.get("COUNT", 1))',
    ],
)
def test_fairways_own_words_and_what_is_unclear_need_none(field: str) -> None:
    assert "[environment" not in write(found(field))


def test_an_environment_that_the_app_has_no_word_for_is_told_of() -> None:
    findings = found('ENVIRONMENT: Literal["local", "staging", "production"] = "local"')
    assert said(findings, "ENVIRONMENT") == {}
    assert "none of them is for dev." in findings.notes_of("advice")[0].what
    (note,) = found('ENVIRONMENT: Literal["here", "PRODUCTION"]').notes_of("untold")
    assert "none of them is for local." in note.what
