"""Databases, Redis, object stores, state in files, secrets and variables."""

import pytest

from fairway.core.detect.explain import assumed, explain
from fairway.core.detect.findings import Findings
from fairway.core.detect.project import detect
from fairway.core.detect.sources import quote
from fairway.core.detect.write import write
from tests.core.detect.archive import read_archive

APP = "-- main.py --\nimport os\nfrom fastapi import FastAPI\napp = FastAPI()\n"


def found(code: str, *, requirements: str = "fastapi", more: str = "") -> Findings:
    text = f"{APP}{code}\n-- requirements.txt --\n{requirements}\n{more}"
    return detect(read_archive("project", text))


def nodes(findings: Findings) -> dict[str, tuple[tuple[str, str], ...]]:
    return {one.name: one.keys for one in findings.nodes}


@pytest.mark.requirement("R77")
def test_an_app_with_a_postgres_driver_that_reads_the_address_gets_postgres() -> None:
    findings = found("url = os.environ['DATABASE_URL']", requirements="fastapi\npsycopg[binary]")
    assert nodes(findings) == {"db": ()}
    assert findings.services[0].uses == ("db",)


@pytest.mark.requirement("R69")
def test_an_app_without_a_postgres_driver_gets_a_sqlite_file_and_one_replica() -> None:
    findings = found("url = os.getenv('DATABASE_URL', 'sqlite:///app.db')")
    assert nodes(findings) == {"db": (("engine", '"sqlite"'),)}
    assert findings.services[0].replicas is not None
    assert 'add "psycopg' in findings.notes_of("advice")[0].mend.lower()


@pytest.mark.requirement("R81")
@pytest.mark.parametrize(
    ("code", "file"),
    [
        ("import sqlite3\nsqlite3.connect('data/app.db')", "data/app.db"),
        ("import sqlite3\nsqlite3.connect(os.path.join('var', 'app.db'))", "app.db"),
        ("import json\njson.dump([], open('state.json', 'w'))", "state.json"),
        ("from pathlib import Path\nFILE = Path('state.json')\nFILE.write_text('')", "state.json"),
        ("from sqlalchemy import create_engine\ncreate_engine('sqlite:///./a.db')", "./a.db"),
    ],
)
def test_state_in_a_file_means_one_replica_and_is_told(code: str, file: str) -> None:
    findings = found(code)
    replicas = findings.services[0].replicas
    assert replicas is not None
    assert replicas.value == "1"
    assert findings.notes_of("advice")[0].what.startswith(f"{file} keeps the app's state")


@pytest.mark.parametrize(
    "code",
    [
        "import sqlite3\nsqlite3.connect(':memory:')",
        "open('state.json')",
        "open('notes.txt', 'w')",
        "'a sqlite:///x in prose'",
    ],
)
def test_what_is_no_state_leaves_the_replicas_alone(code: str) -> None:
    assert found(code).services[0].replicas is None


def test_a_script_that_writes_a_file_is_no_state_of_the_service() -> None:
    findings = found("", more="-- export.py --\nopen('out.csv', 'w')\n")
    assert findings.services[0].replicas is None


def test_an_address_in_other_variables_is_told_with_what_to_read() -> None:
    findings = found(
        "import psycopg\npsycopg.connect(host=os.environ['PGHOST'])\nos.environ['DB_PASSWORD']"
    )
    (note,) = findings.notes_of("untold")
    assert note.where == "main.py:5"
    assert "DB_PASSWORD, PGHOST" in note.what
    assert "DATABASE_URL" in note.mend


def test_a_database_that_fairway_does_not_run_is_told() -> None:
    findings = found("url = 'mysql+pymysql://root@db/app'")
    assert findings.nodes == ()
    assert findings.notes_of("untold")[0].what == "Fairway has no MySQL."


ENGINE = "from sqlalchemy import create_engine\ne = create_engine(os.environ['DATABASE_URL'])"


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_sqlalchemy_with_a_driver_of_another_scheme_gets_the_address_with_it(driver: str) -> None:
    findings = found(ENGINE, requirements=f"fastapi\nsqlalchemy\n{driver}")
    (variable,) = findings.services[0].variables.items()
    assert variable[0] == "DATABASE_URL"
    assert variable[1].value.startswith(f"postgresql+{driver}://${{db.user}}:")
    assert not findings.notes_of("untold")


def test_where_the_driver_reads_the_address_too_the_scheme_is_the_code_s() -> None:
    code = f"{ENGINE}\nimport psycopg\npsycopg.connect(os.environ['DATABASE_URL'])"
    findings = found(code, requirements="fastapi\nsqlalchemy\npsycopg")
    assert not findings.services[0].variables
    assert "postgresql+psycopg://" in findings.notes_of("untold")[0].mend


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import redis\nredis.from_url(os.environ['REDIS_URL'])", "cache"),
        ("BROKER = 'redis://localhost:6379/0'", "cache"),
        ("from boto3 import client\nimport boto3\nboto3.client('s3')", "files"),
        ("import boto3\nboto3.session.Session().resource('s3')", "files"),
        ("bucket = os.environ['BUCKET_NAME']", "files"),
    ],
)
def test_redis_and_s3_are_found(code: str, name: str) -> None:
    assert list(nodes(found(code))) == [name]


@pytest.mark.requirement("R56", "R57")
@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("os.environ['A_TOKEN']", {"A_TOKEN"}),
        ("os.getenv('A_TOKEN')", set[str]()),
        ("from decouple import config\nconfig('MAIL_PASSWORD')", {"MAIL_PASSWORD"}),
        ("from starlette.config import Config\nc = Config()\nc('X_KEY', default='')", set[str]()),
        ("import environ\nenv = environ.Env()\nenv.str('X_KEY')", {"X_KEY"}),
        ("from environs import Env\nenv = Env()\nenv('X_KEY', 'a')", set[str]()),
        ("if 'A_TOKEN' in os.environ:\n    t = os.environ['A_TOKEN']", set[str]()),
        (
            (
                "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n"
                "    api_key: str\n    other_key: str = ''\nclass T(S):\n    some_token: str"
            ),
            {"API_KEY", "SOME_TOKEN"},
        ),
    ],
)
def test_secrets_that_the_code_cannot_do_without_are_declared(code: str, names: set[str]) -> None:
    findings = found(code)
    assert {one.name for one in findings.nodes} == names
    assert all(one.keys == () for one in findings.nodes)
    assert set(findings.services[0].uses) == names


def test_a_secret_that_only_the_app_knows_may_be_made_up() -> None:
    findings = found("os.environ.get('SECRET_KEY', 'change me')")
    assert nodes(findings) == {"SECRET_KEY": (("generate", "true"),)}


def test_a_variable_gets_the_value_of_an_example_and_is_told_without_one() -> None:
    findings = found(
        "os.environ['PAGE_SIZE'], os.environ['REGION_NAME'], os.environ['LOG_LEVEL']",
        more="-- .env.example --\nPAGE_SIZE=50\nREGION_NAME=<your region>\n",
    )
    assert {n: v.value for n, v in findings.services[0].variables.items()} == {"PAGE_SIZE": "50"}
    (note,) = findings.notes_of("untold")
    assert note.mend == 'Write REGION_NAME = "…" under [service.web.variables].'


@pytest.mark.requirement("R73")
@pytest.mark.parametrize(
    "line",
    [
        "SECRET_KEY = 'hunter2'",
        "app.secret_key = os.environ.get('SECRET_KEY', 'hunter2')",
        "app.config['SECRET_KEY'] = 'hunter2'",
        'api_key: str = "hunter2"',
        "client = Client(token='hunter2', timeout=3)",
        'create_engine("postgresql://app:hunter2@db/app")',
        "config('DB_PASSWORD', default='hunter2')",
    ],
)
def test_a_quoted_line_never_shows_a_secret(line: str) -> None:
    assert "hunter2" not in quote(line)


@pytest.mark.requirement("R73")
def test_no_secret_of_the_code_reaches_what_is_written_or_said() -> None:
    findings = found(
        "import redis, psycopg\nSECRET_KEY = os.environ.get('SECRET_KEY', 'hunter2')\n"
        "redis.from_url('redis://:hunter2@host')\nURL = 'postgresql://app:hunter2@db/app'\n"
        "psycopg.connect(URL)\npsycopg.connect(password='hunter2', host=os.environ['PGHOST'])",
        more="-- .env.example --\nPGHOST=hunter2\n-- docker-compose.yml --\nservices:\n  web:\n"
        "    build: .\n    environment:\n      API_TOKEN: hunter2\n",
    )
    assert "hunter2" not in write(findings) + explain(findings) + assumed(findings)


def test_variables_are_found_where_the_environment_is_handed_on_as_a_whole() -> None:
    findings = found(
        "import sqlite3\ndef read(variables):\n    return variables.get('DATABASE_URL', '')\n"
        "url = read(os.environ)\nsqlite3.connect(url)",
        requirements="fastapi\npsycopg",
    )
    assert nodes(findings) == {"db": ()}
    assert findings.services[0].replicas is None
