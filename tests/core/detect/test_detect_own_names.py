"""Apps that read their database and Redis by other names: `fairway init` writes what each holds.

The shapes are those of public projects: a full-stack FastAPI template, Django in Docker, Flask
with SQLAlchemy, Celery beside any of them.
"""

import pytest

from fairway.core.detect.explain import explain
from fairway.core.detect.findings import Findings
from fairway.core.detect.own_names import part_of_name
from fairway.core.detect.project import detect
from fairway.core.detect.write import write
from fairway.core.spec.parse import parse
from tests.core.detect.archive import read_archive

APP = "-- main.py --\nimport os\nfrom fastapi import FastAPI\napp = FastAPI()\n"
SETTINGS = "from pydantic_settings import BaseSettings, SettingsConfigDict\n"
DJANGO = """\
-- manage.py --
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_of.settings")
-- site_of/wsgi.py --
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
-- site_of/settings.py --
import os
{}
-- requirements.txt --
django
psycopg2-binary
"""
PARTS = {
    "POSTGRES_SERVER": "${db.host}",
    "POSTGRES_PORT": "${db.port}",
    "POSTGRES_USER": "${db.user}",
    "POSTGRES_PASSWORD": "${db.password}",
    "POSTGRES_DB": "${db.name}",
}
DB = {
    "DB_HOST": "${db.host}",
    "DB_USER": "${db.user}",
    "DB_PASSWORD": "${db.password}",
    "DB_NAME": "${db.name}",
}
ASYNC = "postgresql+asyncpg://${db.user}:${db.password}@${db.host}:${db.port}/${db.name}"


def found(code: str, *, requirements: str = "fastapi\npsycopg", more: str = "") -> Findings:
    return detect(read_archive("p", f"{APP}{code}\n-- requirements.txt --\n{requirements}\n{more}"))


def named(findings: Findings) -> dict[str, str]:
    """The service's variables, of a file that parses."""
    spec = parse(write(findings))
    assert not [note for note in spec.notes if "connections" not in note.what]
    return {name: one.value for name, one in findings.services[0].variables.items()}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(
            f"{SETTINGS}class Settings(BaseSettings):\n"
            "    POSTGRES_SERVER: str\n    POSTGRES_PORT: int = 5432\n    POSTGRES_USER: str\n"
            "    POSTGRES_PASSWORD: str = ''\n    POSTGRES_DB: str = ''\n",
            PARTS,
            id="full-stack-fastapi",
        ),
        pytest.param(
            f"{SETTINGS}class Settings(BaseSettings):\n"
            "    db_host: str\n    db_user: str\n    db_password: str\n    db_name: str\n",
            DB,
            id="pydantic-does-not-mind-case",
        ),
        pytest.param(
            f"{SETTINGS}class Settings(BaseSettings):\n"
            "    model_config = SettingsConfigDict(case_sensitive=True)\n"
            "    db_host: str\n    db_user: str\n    db_password: str\n    db_name: str\n",
            {name.lower(): value for name, value in DB.items()},
            id="pydantic-minds-case",
        ),
        pytest.param(
            f"{SETTINGS}class Database(BaseSettings):\n"
            "    model_config = SettingsConfigDict(env_prefix='SHOP_DB_')\n"
            "    host: str = 'localhost'\n    user: str\n    password: str\n    name: str\n",
            {f"SHOP_{name}": value for name, value in DB.items()},
            id="a-prefix",
        ),
        pytest.param(
            f"{SETTINGS}from pydantic import BaseModel, Field\nclass Database(BaseModel):\n"
            "    host: str = 'localhost'\n    user: str\n    password: str\n    name: str\n"
            "class Settings(BaseSettings):\n"
            "    model_config = SettingsConfigDict(env_nested_delimiter='__')\n"
            "    db: Database = Field(default_factory=Database)\n",
            {name.replace("_", "__"): value for name, value in DB.items()},
            id="a-class-inside-another",
        ),
        pytest.param(
            f"{SETTINGS}class Database(BaseSettings):\n    url: str\n    password: str\n"
            "class Settings(BaseSettings):\n"
            "    model_config = SettingsConfigDict(env_prefix='x_', env_nested_delimiter='__')\n"
            "    database: Database | None = None\n",
            {"X_DATABASE__URL": "${db.url}"},
            id="the-address-in-a-class-inside-another",
        ),
        pytest.param(
            "from starlette.config import Config\nconfig = Config('.env')\n"
            "a = config('DB_HOST', default='localhost'), config('DB_USER')\n"
            "b = config('DB_PASSWORD'), config('DB_NAME')\n",
            DB,
            id="starlette",
        ),
        pytest.param(
            "from environs import Env\nenv = Env()\n"
            "a = env.str('DB_HOST'), env('DB_USER'), env.str('DB_PASSWORD'), env('DB_NAME')\n",
            DB,
            id="environs",
        ),
        pytest.param(
            "import psycopg\npsycopg.connect(host=os.environ['PGHOST'], user=os.environ['PGUSER'],"
            "password=os.environ['PGPASSWORD'], dbname=os.getenv('PGDATABASE'))\n",
            {
                "PGHOST": "${db.host}",
                "PGUSER": "${db.user}",
                "PGPASSWORD": "${db.password}",
                "PGDATABASE": "${db.name}",
            },
            id="libpq",
        ),
        pytest.param(
            "from sqlalchemy import create_engine\n"
            "e = create_engine(os.environ['SQLALCHEMY_DATABASE_URI'])\n",
            {"SQLALCHEMY_DATABASE_URI": ASYNC.replace("asyncpg", "psycopg")},
            id="whole-address-with-the-driver-s-scheme",
        ),
        pytest.param(
            "e = os.getenv('DB_URL', 'postgresql+asyncpg://a:b@localhost/c')\n",
            {"DB_URL": ASYNC},
            id="the-scheme-of-the-default",
        ),
        pytest.param("e = os.environ['POSTGRES_DSN']\n", {"POSTGRES_DSN": "${db.url}"}, id="dsn"),
        pytest.param(
            f"{SETTINGS}class Settings(BaseSettings):\n    database_url: str\n"
            "    async_database_url: str = 'postgresql+asyncpg://a:b@c/d'\n"
            "    sync_database_url: str\n",
            {"SYNC_DATABASE_URL": "${db.url}"},
            id="what-is-needed-beside-database-url",
        ),
    ],
)
@pytest.mark.requirement("R57")
def test_an_app_keeps_the_names_by_which_it_reads_its_database(
    code: str, expected: dict[str, str]
) -> None:
    findings = found(code)
    assert named(findings) == dict(sorted(expected.items()))
    assert findings.services[0].uses == ("db",)
    assert not findings.notes_of("untold")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            (
                "DATABASES = {'default': {"
                "'ENGINE': os.environ.get('SQL_ENGINE', 'django.db.backends.sqlite3'),"
                "'NAME': os.environ.get('SQL_DATABASE', 'db.sqlite3'),"
                "'USER': os.environ.get('SQL_USER'), 'PASSWORD': os.environ.get('SQL_PASSWORD'),"
                "'HOST': os.environ.get('SQL_HOST'), 'PORT': os.environ.get('SQL_PORT', '5432')}}"
            ),
            {
                "SQL_ENGINE": "django.db.backends.postgresql",
                "SQL_DATABASE": "${db.name}",
                "SQL_USER": "${db.user}",
                "SQL_PASSWORD": "${db.password}",
                "SQL_HOST": "${db.host}",
                "SQL_PORT": "${db.port}",
            },
        ),
        (
            (
                "from decouple import config\nDATABASES = {'default': {"
                "'ENGINE': 'django.db.backends.postgresql', 'NAME': config('DB_NAME'),"
                "'USER': config('DB_USER'), 'PASSWORD': config('DB_PASSWORD'),"
                "'HOST': config('DB_HOST', default='localhost')}}"
            ),
            DB,
        ),
        (
            (
                "import environ\nenv = environ.Env()\nDATABASES = {'default': {"
                "'ENGINE': 'django.db.backends.postgresql', 'NAME': env.str('DB_NAME'),"
                "'USER': env('DB_USER'), 'PASSWORD': env('DB_PASSWORD'), 'HOST': env('DB_HOST')}}"
            ),
            DB,
        ),
    ],
)
@pytest.mark.requirement("R57")
def test_a_django_project_keeps_its_settings(settings: str, expected: dict[str, str]) -> None:
    findings = detect(read_archive("p", DJANGO.format(settings)))
    assert named(findings) == dict(sorted(expected.items()))
    assert findings.services[0].replicas is None
    assert not findings.notes_of("untold")


REDIS = "fastapi\nredis"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("u = os.environ['CELERY_BROKER_URL']", {"CELERY_BROKER_URL": "${cache.url}"}),
        (
            (
                "a = os.getenv('REDIS_URL', 'redis://localhost')\n"
                "b = os.getenv('CELERY_RESULT_BACKEND', 'redis://localhost/1')\n"
                "c = os.getenv('RATELIMIT_STORAGE_URI', 'memory://')\n"
                "d = os.getenv('SEARCH_BROKER_URL', 'amqp://localhost')"
            ),
            {"CELERY_RESULT_BACKEND": "${cache.url}"},
        ),
        (
            (
                "a = os.environ['REDIS_HOST'], os.getenv('REDIS_PORT', 6379), "
                "os.getenv('REDIS_PASSWORD')"
            ),
            {
                "REDIS_HOST": "${cache.host}",
                "REDIS_PASSWORD": "${cache.password}",
                "REDIS_PORT": "${cache.port}",
            },
        ),
    ],
)
@pytest.mark.requirement("R57")
def test_an_app_keeps_the_names_by_which_it_reads_redis(
    code: str, expected: dict[str, str]
) -> None:
    findings = found(code, requirements=REDIS)
    assert named(findings) == expected
    assert [(one.name, one.keys) for one in findings.nodes] == [("cache", (("enabled", "true"),))]
    assert not findings.notes_of("untold")


def test_a_redis_that_is_read_without_a_password_is_told() -> None:
    findings = found("a = os.environ['REDIS_HOST'], os.environ['REDIS_PORT']", requirements=REDIS)
    assert named(findings) == {}
    (note,) = findings.notes_of("untold")
    assert "REDIS_HOST, and no password" in note.what


def test_numbers_of_redis_s_databases_that_are_lost_are_told() -> None:
    names = ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND")
    reads = [f"os.getenv('{name}', 'redis://localhost/{n}')" for n, name in enumerate(names)]
    (note,) = found(f"a = {', '.join(reads)}", requirements=REDIS).notes_of("advice")
    assert note.what.startswith("CELERY_RESULT_BACKEND: ")
    assert "all share number 0" in note.what


def test_the_only_bucket_keeps_its_name_and_of_two_nobody_knows_which_it_is() -> None:
    client = "import boto3\nboto3.client('s3')\n"
    one = found(f"{client}a = os.environ['S3_BUCKET']")
    assert named(one) == {"S3_BUCKET": "${files.name}"}
    two = found(f"{client}a = os.environ['IN_BUCKET'], os.environ['OUT_BUCKET']")
    assert named(two) == {}
    assert two.notes_of("untold")


@pytest.mark.parametrize(
    "code",
    [
        "a = [os.environ[n] for n in ('DB_HOST', 'DB_USER', 'DB_PASSWORD', 'DB_NAME')]",
        "a = os.environ['DB_HOST'], os.environ['DB_PASSWORD']",
        (
            "a = os.environ['DB_HOST'], os.environ['DB_USER'], os.environ['DB_PASSWORD'], "
            "os.environ['DB_NAME'], os.getenv('DB_PORT', '3306')"
        ),
        (
            "a = os.environ['OLD_DB_HOST'], os.environ['OLD_DB_USER'], os.environ['OLD_DB_PASS'], "
            "os.environ['OLD_DB_NAME'], os.environ['NEW_DB_HOST']"
        ),
        (
            "a = os.environ['TEST_DB_HOST'], os.environ['TEST_DB_USER'], "
            "os.environ['TEST_DB_PASSWORD'], os.environ['TEST_DB_NAME']"
        ),
        "a = os.environ['REPLICA_DATABASE_URI']",
        "a = os.getenv('DB_URL', 'mysql://root@localhost/shop')",
    ],
)
def test_what_is_unclear_is_not_guessed(code: str) -> None:
    findings = found(code)
    assert "${db" not in write(findings)
    parse(write(findings))


def test_a_kind_of_database_in_the_app_s_own_words_is_told() -> None:
    reads = ", ".join(f"os.environ['{name}']" for name in DB)
    findings = found(f"a = {reads}, os.getenv('DB_ENGINE', 'sqlite')")
    assert named(findings) == DB
    (note,) = findings.notes_of("untold")
    assert "DB_ENGINE" in note.mend


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ("if os.getenv('DB_ENGINE', 'sqlite') == 'postgres': pass", "postgres"),
        ("kind = os.environ.get('DB_ENGINE')\nif kind in ('pg', 'postgresql'): pass", "postgresql"),
        ("if os.environ['DB_ENGINE'].lower() == 'postgres': pass", "postgres"),
        ("b = {'ENGINE': os.environ['DB_ENGINE']}", "django.db.backends.postgresql"),
        ("b = {'ENGINE': 'django.db.backends.' + os.environ['DB_ENGINE']}", "postgresql"),
        ("b = {'ENGINE': f'django.db.backends.{os.environ[\"DB_ENGINE\"]}'}", "postgresql"),
        (
            (
                f"{SETTINGS}class S(BaseSettings):\n    db_engine: str = ''\n"
                "s = S()\ndef f():\n    return 1 if s.db_engine == 'postgres' else 2"
            ),
            "postgres",
        ),
    ],
)
def test_a_comparison_says_the_app_s_own_words(asked: str, word: str) -> None:
    reads = ", ".join(f"os.environ['{name}']" for name in DB)
    findings = found(f"a = {reads}\n{asked}")
    assert named(findings) == {**DB, "DB_ENGINE": word}
    assert not findings.notes_of("untold")


def test_a_kind_of_database_is_found_by_what_it_is_compared_with() -> None:
    """Else the app would go on with its SQLite file, and nobody would be told."""
    reads = ", ".join(f"os.environ['{name}']" for name in DB)
    asked = "if os.getenv('DB') == 'postgres' or os.getenv('VECTOR_DB') == 'postgres': pass"
    assert named(found(f"a = {reads}\n{asked}")) == {**DB, "DB": "postgres"}


HELPERS = """
def envint(s: str, default: str) -> int | None:
    value = os.getenv(s, default)
    return None if value == "None" else int(value)

def envsecret(name, default=None):
    if path := os.getenv(name + "_FILE"):
        return open(path).read()
    return os.environ.get(name, default)

def needed(name):
    try:
        return os.environ[name]
    except KeyError:
        raise SystemExit(f"set {name}")

def spared(name, default=None):
    return int(os.environ[name]) if name in os.environ else default

def tried(name):
    try:
        return os.environ[name]
    except KeyError:
        return ""

def other(text, name):
    return text + os.environ[name]
"""


def test_functions_of_the_app_s_own_read_variables() -> None:
    reads = "needed('DB_HOST'), needed('DB_USER'), envsecret('DB_PASSWORD', ''), needed('DB_NAME')"
    more = "needed('SHOP'), needed('STRIPE_API_KEY'), envint('TOKEN', '5'), other('NOT', 'THIS')"
    more += ", spared('POOL'), tried('EXTRA'), os.environ['H'] if 'H' in os.environ else None"
    findings = found(f"{HELPERS}a = {reads}, {more}")
    assert named(findings) == DB
    assert [node.name for node in findings.nodes] == ["db", "STRIPE_API_KEY"]
    assert [note.what for note in findings.notes_of("untold")] == [
        "The code needs the variable SHOP, and nothing says its value."
    ]


@pytest.mark.parametrize(
    ("code", "is_needed"),
    [
        ("a = os.environ.get('HOSTS').split(' ')", True),
        ("a = os.getenv('HOSTS').split(' ')", True),
        ("a = int(os.getenv('HOSTS'))", True),
        ("a = json.loads(os.environ.get('HOSTS'))", True),
        ("a = os.getenv('HOSTS', '').split(' ')", False),
        ("a = os.environ.get('HOSTS', default).split(' ')", False),
        ("a = int(os.getenv('HOSTS', default='1'))", False),
        ("a = (os.getenv('HOSTS') or '').split(' ')", False),
        ("if os.getenv('HOSTS'):\n    a = os.getenv('HOSTS').split(' ')", False),
        ("a = str(os.getenv('HOSTS'))", False),
    ],
)
def test_what_fails_without_a_variable_needs_it(code: str, *, is_needed: bool) -> None:
    notes = found(f"import json\n{code}").notes_of("untold")
    assert [note.what for note in notes if "HOSTS" in note.what] == [
        "The code needs the variable HOSTS, and nothing says its value."
    ] * is_needed


def test_a_function_that_reads_variables_may_stand_in_another_file() -> None:
    reads = ", ".join(f"needed('{name}')" for name in DB)
    findings = found(
        f"from helpers import needed\na = {reads}", more=f"-- helpers.py --\nimport os{HELPERS}"
    )
    assert named(findings) == DB


def test_an_example_says_the_app_s_own_words() -> None:
    reads = ", ".join(f"os.environ['{name}']" for name in DB)
    findings = found(
        f"a = {reads}, os.environ['DB_ENGINE'], os.environ['DB_URI']",
        more="-- .env.example --\nDB_ENGINE=postgres\nDB_URI=postgresql+asyncpg://a:b@c/d\n",
    )
    assert named(findings) == {**DB, "DB_ENGINE": "postgres", "DB_URI": ASYNC}
    assert not findings.notes_of("untold")


def test_a_file_of_sqlite_has_no_parts_to_name() -> None:
    findings = found(
        "a = os.getenv('DATABASE_URL', 'sqlite:///a.db'), os.getenv('DB_URL', 'sqlite:///a.db')",
        requirements="fastapi",
    )
    assert named(findings) == {}


def test_of_two_services_the_one_that_names_parts_decides_what_the_database_is() -> None:
    reads = ", ".join(f"os.environ['{name}']" for name in DB)
    text = (
        APP.replace("main.py", "alpha/main.py")
        + "u = os.getenv('DATABASE_URL', 'sqlite:///a.db')\n-- alpha/requirements.txt --\nfastapi\n"
        + APP.replace("main.py", "beta/main.py")
        + f"a = {reads}\n-- beta/requirements.txt --\nfastapi\npsycopg\n"
        "-- compose.yml --\nservices:\n  alpha:\n    build: alpha\n  beta:\n    build: beta\n"
    )
    findings = detect(read_archive("p", text))
    assert [(one.name, one.keys) for one in findings.nodes] == [("db", ())]
    app = parse(write(findings)).app()
    assert DB.keys() <= app.services["beta"].variables.keys()


def test_where_jobs_run_the_same_code_the_names_are_the_whole_app_s() -> None:
    reads = ", ".join(f"os.environ['{name}']" for name in DB)
    findings = found(f"a = {reads}", more="-- crontab --\n0 3 * * * python main.py\n")
    text = write(findings)
    assert "\n[variables]" in text
    app = parse(text).app()
    (job,) = app.jobs.values()
    assert job.variables == app.services["web"].variables == DB


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("POSTGRES_DB", "${db.name}"),
        ("PGPASSWORD", "${db.password}"),
        ("DATABASE__HOST", "${db.host}"),
        ("SQLALCHEMY_DATABASE_URI", "${db.url}"),
        ("REDIS_QUEUE_HOST", "${cache.host}"),
        ("REDIS_PASSWORD", "${cache.password}"),
        ("CELERY_RESULT_BACKEND", "${cache.url}"),
        ("DATABASE_URL", ""),
        ("REDIS_URL", ""),
        ("DB_ENGINE", ""),
        ("TEST_DB_HOST", ""),
        ("MYSQL_DB_HOST", ""),
        ("SMTP_HOST", ""),
        ("USERNAME", ""),
    ],
)
def test_a_known_name_says_which_part_it_holds(name: str, part: str) -> None:
    assert part_of_name(name) == part


def test_the_explanation_says_what_each_name_holds_and_where_it_is_read() -> None:
    findings = found("e = os.environ['POSTGRES_DSN']\n")
    assert "Variable: POSTGRES_DSN is ${db.url}  main.py:4: " in explain(findings)


def test_a_stated_value_that_looks_like_a_part_is_none() -> None:
    manifest = "name: web\ntype: Backend Service\nvariables:\n  GREETING: 'hi ${name}'\n"
    findings = found("", more=f"-- copilot/web/manifest.yml --\n{manifest}")
    assert parse(write(findings)).app().services["web"].variables == {"GREETING": "hi $${name}"}
