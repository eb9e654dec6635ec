"""Habits of public projects that were misread once, each as the smallest project that has it."""

import pytest

from fairway.core.detect.findings import Findings
from fairway.core.detect.project import detect
from tests.core.detect.archive import read_archive

IMPORTS = "import os\nimport environ"
FLASK = "from flask import Flask\n"
DJANGO = """\
-- manage.py --
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
-- config/__init__.py --
-- config/settings/__init__.py --
-- config/settings/base.py --
import environ
env = environ.Env()
MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]
DATABASES = {"default": env.db("DATABASE_URL")}
STATIC_ROOT = "staticfiles"
-- config/settings/production.py --
from .base import *
from .base import env
SECRET_KEY = env("DJANGO_SECRET_KEY")
WORKERS = env.int("WORKERS", default=2)
-- requirements.txt --
-r requirements/production.txt
"""
REQUIREMENTS = """\
-- requirements/production.txt --
-r base.txt
psycopg[binary]  # https://github.com/psycopg/psycopg
-- requirements/base.txt --
# https://docs.djangoproject.com
django  # https://www.djangoproject.com/
"""
PLAIN_APP = """\
-- config/wsgi.py --
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
CHANNELS_APP = """\
-- config/asgi.py --
import django
from channels.routing import get_default_application
django.setup()
application = get_default_application()
-- Procfile --
web: daphne config.asgi:application
"""


def found(text: str) -> Findings:
    return detect(read_archive("project", text))


def targets(findings: Findings) -> list[str]:
    return [one.target.value for one in findings.services]


@pytest.mark.parametrize("app", [PLAIN_APP, CHANNELS_APP])
def test_static_files_are_gathered_without_what_is_only_there_when_the_app_runs(app: str) -> None:
    (service,) = found(DJANGO + REQUIREMENTS + app).services
    assert service.build is not None
    assert service.build.value == (
        "env DATABASE_URL=postgresql://build@localhost/build DJANGO_SECRET_KEY=build"
        " python manage.py collectstatic --noinput"
    )
    assert service.before is not None
    assert service.before.value == "python manage.py migrate"


def test_a_reader_of_variables_is_known_where_another_file_imports_it() -> None:
    findings = found(DJANGO + REQUIREMENTS + PLAIN_APP)
    assert [one.name for one in findings.nodes] == ["db", "DJANGO_SECRET_KEY"]


def test_requirements_are_followed_into_the_files_that_they_name() -> None:
    (service,) = found(DJANGO + REQUIREMENTS + PLAIN_APP).services
    assert service.dependencies.file is not None
    assert service.dependencies.file.value == "requirements.txt"
    assert service.dependencies.names == {
        "django": "requirements/base.txt:2",
        "psycopg": "requirements/production.txt:2",
        "psycopg[binary]": "requirements/production.txt:2",
    }
    assert service.dependencies.not_installable is None


def test_requirements_that_name_each_other_end() -> None:
    text = "-- requirements.txt --\n-r more.txt\nflask\n-- more.txt --\n-r requirements.txt\n"
    (service,) = found(f"{text}-- app.py --\n{FLASK}app = Flask('x')\n").services
    assert list(service.dependencies.names) == ["flask"]


def test_the_app_of_alembics_env_is_not_the_one_that_serves() -> None:
    findings = found(
        "-- shop/__init__.py --\n"
        f"-- shop/app.py --\n{FLASK}def create_app(settings=None):\n    return Flask('x')\n"
        "-- db/env.py --\nfrom alembic import context\nfrom shop.app import create_app\n"
        "app = create_app()\n"
    )
    assert targets(findings) == ["shop.app:create_app"]


def test_a_command_behind_an_entrypoint_of_the_projects_own_counts() -> None:
    app = f"{FLASK}def create_app():\n    return Flask('x')\n"
    findings = found(
        f"-- one.py --\n{app}-- two.py --\n{app}"
        "-- bin/enter --\n"
        '-- Dockerfile --\nFROM python\nENTRYPOINT ["/app/bin/enter"]\n'
        'CMD ["gunicorn", "-c", "python:config.gunicorn", "two:create_app()"]\n'
    )
    assert targets(findings) == ["two:create_app"]


def test_manage_py_run_starts_the_app_of_that_file() -> None:
    app = f"{FLASK}def create_app(info=None):\n    app = Flask('x')\n    return app\n"
    findings = found(
        f"-- server/__init__.py --\n{app}-- server/main/__init__.py --\n{app}"
        "-- manage.py --\nfrom server import create_app\napp = create_app()\n"
        "-- compose.yaml --\nservices:\n  web:\n    build: .\n    command: python manage.py run\n"
    )
    assert targets(findings) == ["manage:app"]


def test_a_module_called_setup_makes_no_project_of_its_folder() -> None:
    findings = found(
        "-- requirements.txt --\nfastapi\n"
        "-- app/core/setup.py --\nfrom fastapi import FastAPI\n"
        "def create_application(router):\n    return FastAPI()\n"
        "-- app/main.py --\nfrom app.core.setup import create_application\n"
        "app = create_application(None)\n"
    )
    assert targets(findings) == ["app.main:app"]


def test_a_prefix_that_could_be_chosen_is_no_sqlite_file() -> None:
    findings = found(
        "-- requirements.txt --\nfastapi\nasyncpg\n"
        "-- main.py --\nfrom fastapi import FastAPI\nfrom starlette.config import Config\n"
        "config = Config()\n"
        "SYNC_PREFIX = config('SYNC_PREFIX', default='sqlite:///')\n"
        "URI = config('POSTGRES_URI', default='postgresql://here')\n"
        "app = FastAPI()\n"
    )
    assert [one.name for one in findings.nodes] == ["db"]
    assert findings.services[0].replicas is None


def test_a_broker_that_is_not_redis_is_not_taken_for_it() -> None:
    code = "broker = os.getenv('CELERY_BROKER_URL', 'amqp://here')\n"
    app = f"-- app.py --\nimport os\n{FLASK}app = Flask('x')\n{code}"
    assert found(app).nodes == ()
    (node,) = found(f"{app}host = os.getenv('REDIS_HOST')\n").nodes
    assert node.finding.where == "app.py:5"


@pytest.mark.parametrize(
    ("read", "secret"),
    [
        ("decouple.config('API_TOKEN', cast=str)", True),
        ("decouple.config('ALLOW_CREDENTIALS', cast=bool)", False),
        ("decouple.config('TOKEN_EXPIRE_MINUTES', cast=int)", False),
        ("decouple.config('JWT_TOKEN_PREFIX')", False),
        ("decouple.config('JWT_SECRET_ALGORITHM')", False),
    ],
)
def test_a_number_a_flag_and_what_is_said_about_a_secret_is_none(read: str, secret: bool) -> None:
    findings = found(f"-- app.py --\nimport decouple\n{FLASK}app = Flask('x')\nx = {read}\n")
    assert bool(findings.nodes) is secret


def test_a_field_of_settings_that_is_a_number_is_no_secret() -> None:
    findings = found(
        f"-- app.py --\nfrom pydantic_settings import BaseSettings\n{FLASK}app = Flask('x')\n"
        "class Settings(BaseSettings):\n    api_token: str\n    token_days_key: int\n"
    )
    assert [one.name for one in findings.nodes] == ["API_TOKEN"]


def test_a_default_with_the_drivers_scheme_says_what_the_address_must_be() -> None:
    code = "import os\nURL = os.getenv('DATABASE_URL', 'postgresql+psycopg://me:x@db/app')\n"
    text = (
        f"-- requirements.txt --\nflask\nflask-sqlalchemy\npsycopg\n-- app.py --\n{FLASK}{code}"
        "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\napp = Flask('x')\n"
    )
    findings = found(text)
    assert findings.notes_of("untold") == ()
    said = findings.services[0].variables["DATABASE_URL"]
    assert said.value.startswith("postgresql+psycopg://${db.user}:")
    assert said.where == "app.py:3"
    changed = f"{text}URL = URL.replace('postgresql://', 'postgresql+psycopg://')\n"
    assert found(changed).notes_of("untold") == ()
    assert not found(changed).services[0].variables


def test_an_address_in_parts_is_told_to_django_in_one_line() -> None:
    text = DJANGO.replace(
        'env.db("DATABASE_URL")',
        '{"ENGINE": "django.db.backends.postgresql", "HOST": env("POSTGRES_HOST")}',
    )
    notes = found(text + REQUIREMENTS + PLAIN_APP).notes_of("untold")
    assert "dj_database_url.config()" in notes[0].mend


def test_alembics_own_address_is_mended_with_the_scheme_that_the_driver_needs() -> None:
    findings = found(
        "-- requirements.txt --\nfastapi\nsqlalchemy\nasyncpg\nalembic\n"
        "-- main.py --\nimport os\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "URL = os.environ['DATABASE_URL']\n"
        "-- alembic.ini --\n[alembic]\nscript_location = migrations\n"
        "sqlalchemy.url = postgresql+asyncpg://me@db/app\n"
        "-- migrations/env.py --\nfrom alembic import context\n"
    )
    (note,) = findings.notes_of("untold")
    assert 'os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://")' in (
        note.mend
    )


@pytest.mark.parametrize(
    ("code", "target", "folder"),
    [
        ("from .models import x", "shop.app:app", "src"),
        ("from src.shop.models import x", "src.shop.app:app", ""),
        ("from ..models import x", "src.shop.app:app", ""),
    ],
)
def test_an_app_is_imported_from_where_its_dependencies_are_if_that_will_do(
    code: str, target: str, folder: str
) -> None:
    (service,) = found(
        "-- requirements.txt --\ngunicorn\n-- src/requirements.txt --\nfastapi\n"
        "-- src/__init__.py --\n-- src/models.py --\nx = 1\n"
        "-- src/shop/__init__.py --\n-- src/shop/models.py --\nx = 1\n"
        f"-- src/shop/app.py --\nfrom fastapi import FastAPI\n{code}\napp = FastAPI()\n"
    ).services
    assert (service.target.value, service.folder) == (target, folder)


def test_many_folders_with_an_app_each_are_told_how_to_name_one() -> None:
    text = "".join(
        f"-- ch{n}/requirements.txt --\nflask\n-- ch{n}/app.py --\n{FLASK}app = Flask('x')\n"
        for n in range(1, 7)
    )
    (question,) = found(text).questions
    assert "`fairway init ch1`" in question.mend


def test_static_files_that_nobody_would_serve_are_told() -> None:
    apps = 'INSTALLED_APPS = ["django.contrib.staticfiles"]\nSTATIC_ROOT'
    text = DJANGO.replace("STATIC_ROOT", apps) + REQUIREMENTS + PLAIN_APP
    assert found(text).notes_of("advice") == ()
    bare = text.replace('MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]', "")
    (note,) = found(bare).notes_of("advice")
    assert note.where == "config/settings/base.py:5"
    assert "whitenoise" in note.mend
    urls = (
        "-- config/urls.py --\n"
        "from django.contrib.staticfiles.urls import staticfiles_urlpatterns\n"
        "urlpatterns = staticfiles_urlpatterns()\n"
    )
    assert found(bare + urls).notes_of("advice") == ()


@pytest.mark.parametrize(
    ("line", "mend"),
    [
        ("SECURE_SSL_REDIRECT = True", 'os.environ["ENVIRONMENT"] != "local"'),
        (
            "SECURE_SSL_REDIRECT = env.bool('SSL_REDIRECT', default=True)",
            'Under [environment.local] write service.web.variables.SSL_REDIRECT = "false"',
        ),
        ("SECURE_SSL_REDIRECT = False", ""),
    ],
)
def test_pages_that_would_lead_to_https_are_told(line: str, mend: str) -> None:
    text = DJANGO.replace("WORKERS =", f"{line}\nWORKERS =") + REQUIREMENTS + PLAIN_APP
    said = [note.mend for note in found(text).notes_of("advice")]
    assert [mend in one for one in said] == [True] * bool(mend)


@pytest.mark.parametrize(
    ("hosts", "is_told"),
    [
        ('["shop.example"]', True),
        ('["shop.example", "localhost"]', False),
        ('["*"]', False),
        ('[f"{NAME}.fly.example"]', True),
        ('[f"{HOST}"]', False),
        ("[]", False),
        ('[env("HOST")]', False),
    ],
)
def test_a_list_of_hosts_without_this_machine_is_told(hosts: str, is_told: bool) -> None:
    text = DJANGO.replace("WORKERS =", f"ALLOWED_HOSTS = {hosts}\nWORKERS =")
    notes = found(text + REQUIREMENTS + PLAIN_APP).notes_of("advice")
    assert ["ALLOWED_HOSTS" in note.mend for note in notes] == [True] * is_told


def test_parts_of_an_address_that_settings_need_stand_in_for_the_build() -> None:
    parts = '{"NAME": os.environ["PGDATABASE"], "PORT": os.environ["PGPORT"]}'
    text = DJANGO.replace('env.db("DATABASE_URL")', parts).replace("import environ", IMPORTS)
    (service,) = found(text + REQUIREMENTS + PLAIN_APP).services
    assert service.build is not None
    assert "env DJANGO_SECRET_KEY=build PGDATABASE=build PGPORT=5432 python" in service.build.value


@pytest.mark.parametrize(
    ("path", "line", "is_told"),
    [
        ("requirements.txt", "streamlit==1.9.0", True),
        ("requirements.txt", "streamlit[charts] == 1.53.1", False),
        ("requirements.txt", "streamlit[charts] == 1.52.1", True),
        ("requirements.txt", "streamlit>=1.9", False),
        ("Pipfile", '[packages]\nstreamlit = "==0.55"', True),
        ("pyproject.toml", '[project]\ndependencies = [\n"streamlit==1.49.1",\n]', True),
    ],
)
def test_a_streamlit_that_cannot_be_served_is_told(path: str, line: str, is_told: bool) -> None:
    page = "-- app.py --\nimport streamlit as st\nst.title('x')\n"
    notes = found(f"-- {path} --\n{line}\n{page}").notes_of("untold")
    assert any("1.53" in note.mend for note in notes) is is_told


@pytest.mark.parametrize(("line", "is_told"), [("uvicorn==0.17.6", True), ("uvicorn==0.30", False)])
def test_a_uvicorn_that_cannot_be_built_upon_is_told(line: str, is_told: bool) -> None:
    app = "-- main.py --\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    notes = found(f"-- requirements.txt --\nfastapi\n{line}\n{app}").notes_of("untold")
    assert [note.mend for note in notes] == ["Raise it: uvicorn>=0.18."] * is_told


def test_pages_that_are_compressed_beforehand_are() -> None:
    text = DJANGO.replace(
        'STATIC_ROOT = "staticfiles"', 'STATIC_ROOT = "a"\nCOMPRESS_OFFLINE = True'
    )
    (service,) = found(text + REQUIREMENTS + PLAIN_APP).services
    assert service.build is not None
    assert service.build.value == (
        "env DATABASE_URL=postgresql://build@localhost/build DJANGO_SECRET_KEY=build"
        " sh -c 'python manage.py collectstatic --noinput && python manage.py compress'"
    )


def test_static_files_gathered_outside_the_project_are_told() -> None:
    text = DJANGO.replace('STATIC_ROOT = "staticfiles"', 'STATIC_ROOT = "/public"')
    (note,) = found(text + REQUIREMENTS + PLAIN_APP).notes_of("advice")
    assert note.mend == 'Write STATIC_ROOT = BASE_DIR / "staticfiles".'


def test_a_step_before_the_server_is_told_of_and_is_no_worker() -> None:
    findings = found(f"""\
-- requirements.txt --
flask
flask-migrate
-- microblog.py --
{FLASK}from flask_migrate import Migrate
app = Flask(__name__)
Migrate(app)
-- migrations/alembic.ini --
-- Procfile --
web: flask db upgrade; flask translate compile; gunicorn microblog:app
worker: flask consume
""")
    assert [(one.name, one.command.value) for one in findings.workers] == [
        ("worker", "flask consume")
    ]
    (note,) = (one for one in findings.notes if "translate" in one.what)
    assert note.where == "Procfile:1"
    assert "[service.web]" in note.mend


def test_a_command_of_django_is_run_by_the_manage_py_above_it() -> None:
    commands = "-- src/shop/management/commands/backup.py --\n"
    moved = DJANGO.replace("-- manage.py", "-- src/manage.py").replace("-- config", "-- src/config")
    app = PLAIN_APP.replace("-- config", "-- src/config")
    findings = found(moved + REQUIREMENTS + app + commands)
    assert [job.command.value for job in findings.jobs] == ["python src/manage.py backup"]
    (service,) = findings.services
    assert service.before is not None
    assert service.before.value == "python src/manage.py migrate"


def test_of_two_applications_the_settings_name_the_one_that_is_served() -> None:
    app = (
        "-- config/asgi.py --\n"
        "from channels.routing import ProtocolTypeRouter\n"
        "from django.core.asgi import get_asgi_application\n"
        "early = get_asgi_application()\n"
        'application = ProtocolTypeRouter({"http": get_asgi_application()})\n'
    )
    settings = '-- config/settings/asgi.py --\nASGI_APPLICATION = "config.asgi.application"\n'
    findings = found(DJANGO + REQUIREMENTS + app + settings)
    assert targets(findings) == ["config.asgi:application"]
    assert not findings.questions


def test_a_crontab_of_a_machine_names_users_and_programs_of_that_machine() -> None:
    crontab = (
        "-- deploy/app.cron --\n"
        "# m h dom mon dow user command\n"
        "15 2 * * * www-data cd /srv/app && /v/bin/python manage.py clear_sessions >> /a 2>&1\n"
        "@daily root /usr/bin/certbot renew --quiet\n"
        "0 3 * * * python -m shop.reports --all\n"
        "0 4 * * * root ./tidy.sh\n"
        "0 5 * * * python3 scripts/tidy.py\n"
        "0 6 * * * python3 tidy.py\n"
        "0 7 * * * flask send mails\n"
    )
    jobs = {job.name: job for job in found(DJANGO + REQUIREMENTS + PLAIN_APP + crontab).jobs}
    assert {name: job.command.value for name, job in jobs.items()} == {
        "clear-sessions": "python manage.py clear_sessions",
        "renew": "/usr/bin/certbot renew --quiet",
        "reports": "python -m shop.reports --all",
        "tidy": "./tidy.sh",
        "tidy-job": "python3 scripts/tidy.py",
        "tidy-2": "python3 tidy.py",
        "mails": "flask send mails",
    }
    assert [name for name, job in jobs.items() if not job.is_sure] == ["renew"]
    assert jobs["renew"].schedule == "@daily"
    assert jobs["reports"].uses == ("db", "DJANGO_SECRET_KEY")  # it reads the same settings


BUILT = """\
-- Dockerfile --
FROM python:3.13
ENV APP_MODE=production IN_DOCKER=1 DATA=/data LEVEL=info API_TOKEN=abc UNREAD=1
CMD ["gunicorn", "main:app"]
"""


def test_what_an_image_says_to_the_code_is_said_here_too() -> None:
    """Else the app would run as its developers do. A path of the image is none here."""
    names = ("APP_MODE", "IN_DOCKER", "DATA", "API_TOKEN")
    reads = "".join(f"os.getenv('{name}')\n" for name in names) + "os.getenv('LEVEL', 'info')\n"
    text = f"-- main.py --\nimport os\n{FLASK}app = Flask(__name__)\n{reads}"
    (service,) = found(f"{text}-- requirements.txt --\nflask\n{BUILT}").services
    assert {name: one.value for name, one in service.variables.items()} == {
        "APP_MODE": "production"
    }


COMPOSED = """\
-- Dockerfile --
FROM python:3.13
CMD ["python", "manage.py", "runserver", "0.0.0.0:8000"]
-- docker-compose.yml --
services:
  site:
    build: .
    command: python manage.py runserver
  celery-worker:
    build: .
    command: celery -A config worker
"""


def test_an_image_that_several_build_is_of_none_that_runs_another_command() -> None:
    findings = found(DJANGO + REQUIREMENTS + PLAIN_APP + COMPOSED)
    assert [one.command.value for one in findings.workers] == ["celery -A config worker"]
