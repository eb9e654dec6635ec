"""Whatever a project's files hold, detection ends with findings whose file parses."""

from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from fairway.core.detect.explain import assumed, explain
from fairway.core.detect.project import detect
from fairway.core.detect.sources import Sources
from fairway.core.detect.write import write
from fairway.core.spec.parse import parse
from tests.properties import examples

PATHS = (
    "main.py",
    "app/__init__.py",
    "app/main.py",
    "src/pkg/api.py",
    "backend/app.py",
    "manage.py",
    "site/settings.py",
    "pages/1_é.py",
    "Home.py",
    "jobs/ingest.py",
    "Dockerfile",
    "docker-compose.yml",
    "Procfile",
    "crontab",
    "requirements.txt",
    "pyproject.toml",
    "Pipfile",
    "setup.cfg",
    "environment.yml",
    "alembic.ini",
    "package.json",
    "frontend/package.json",
    "frontend/vite.config.ts",
    "copilot/web/manifest.yml",
    ".flaskenv",
    ".env.example",
    ".streamlit/config.toml",
    "README.md",
    "start.sh",
    "index.html",
)
PYTHON = (
    "from fastapi import FastAPI",
    "from app.main import app as app",
    "from . import app",
    "from .main import *",
    "import streamlit as st",
    "import fastapi, flask, sqlite3, os, redis, boto3",
    "app = FastAPI()",
    "app: FastAPI = FastAPI() if x else None",
    "app = Middleware(app)",
    "app = flask.Flask(__name__)",
    "def create_app(a, /, b=1, *c, d, **e): return FastAPI()",
    "def app(): return app()",
    "class App(FastAPI, App): pass",
    "app.mount('/', app)",
    "st.write(st.secrets['x'])",
    "sqlite3.connect(f'{x}.db')",
    "open('state.json', 'w')",
    "url = os.environ['DATABASE_URL']",
    "key = os.environ.get('SECRET_KEY', 'planted')",
    "os.environ[''], os.environ['A B'], os.environ['É_KEY'], os.getenv('PATH_2')",
    "os.environ['MY_SETTING']",
    "[os.environ['DB_HOST'], os.environ['DB_USER'], os.environ['DB_PASS'], os.environ['DB_NAME']]",
    "os.getenv('DB_ENGINE', 'sqlite'), os.getenv('DB_URI', 'postgresql+asyncpg://a/b')",
    "os.environ['SQLALCHEMY_DATABASE_URI'], os.environ['REDIS_HOST'], os.getenv('REDIS_PASSWORD')",
    "os.getenv('CELERY_BROKER_URL', 'redis://x/1'), os.environ['MY_BUCKET']",
    "class T(BaseSettings): env_nested_delimiter = '__'; t: T; db_host: str",
    "import psycopg, sqlalchemy; sqlalchemy.create_engine(os.environ['DATABASE_URL'])",
    "redis.from_url('redis://:pw@host')",
    "boto3.client('s3')",
    "class S(BaseSettings): x: int = Field(..., alias='1')",
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')",
    "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}",
    "if __name__ == '__main__': uvicorn.run('main:app', port=99999999999999999999)",
    "x = '\\q' + \"\\N{DASH}\"",
    "from uvicorn import run; run('main:app', port=int(os.getenv('PORT', '9' * 9)))",
    "app.run(port=True)",
    "if x:\n    app = FastAPI()\nelse:\n    pass",
    "st.set_page_config(); st.navigation([st.Page('pages/a.py')])",
    "StaticFiles(directory=x / 'dist')",
    "from celery import Celery; c = Celery()",
    "Path('data.json').write_text('')",
)
OTHER = (
    "FROM python AS x",
    "FROM python:3.12 \\",
    'CMD ["uvicorn", "main:app"',
    'CMD ["uvicorn", "app.main:app", "--port", 80]',
    "ENTRYPOINT sh -c 'sh -c \"./start.sh\"'",
    "exec ./start.sh && cd / && gunicorn 'main:create_app(1)'",
    "EXPOSE 99999",
    "web: uvicorn main:app --port 70000",
    "web: flask --app main run",
    "0 6 * * * root python -m jobs.ingest 'x",
    "services:",
    "services: {db: {build: backend}, cache: {command: 'uvicorn app.main:app'}}",
    "  web:",
    "    build: [.",
    "    command: [uvicorn, 'main:app', {",
    "    ports: ['999999:1']",
    "    - &a *a",
    "  ? x",
    "type: Scheduled Job",
    "name: É É",
    "command: python x.py && y",
    "on: {schedule: '99 99 * * *'}",
    "count: 5-2",
    "memory: 100",
    "cpu: 0",
    "[project]",
    'name = "9 Ü"',
    "dependencies = [1, 'a[b]', []]",
    '{"scripts": {"build": "vite build --outDir ../../../x"}, "dependencies": {"vite": 1}}',
    '{"scripts": [], "dependencies": "x"}',
    "SECRET=é",
    "FLASK_APP=main:app",
    "script_location = ../../..",
    "sqlalchemy.url = postgresql://u:p@h/d",
    "outDir: '../../../..'",
    "port = 99999999",
    "[server]",
    "\x00\x85\u2028\ud800",
)
python = st.lists(st.sampled_from(PYTHON), max_size=12).map("\n".join)
other = st.lists(st.sampled_from((*OTHER, *PYTHON)) | st.text(max_size=30), max_size=12).map(
    "\n".join
)
CODE = [path for path in PATHS if path.endswith(".py")]
project = st.tuples(
    st.dictionaries(st.sampled_from(CODE), python | other, max_size=6),
    st.dictionaries(st.sampled_from(sorted({*PATHS} - {*CODE})), other, max_size=5),
).map(lambda parts: {**parts[0], **parts[1]})


@given(project)
@examples(200, suppress_health_check=[HealthCheck.too_slow], database=None)
@example({"main.py": "app = " + "(" * 5000})
@example({"main.py": "x" + ".app" * 5000})
@example({"main.py": "-" * 3000 + "1"})
@example({"main.py": "if a: pass\n" + "elif a: pass\n" * 3000})
@example({"docker-compose.yml": "services: " + "[" * 5000})
@example({"docker-compose.yml": "\n".join(" " * i + "a:" for i in range(500))})
@example({"Dockerfile": "CMD " + "[" * 5000})
@example({"pyproject.toml": "a = " + "[" * 5000})
@example({"package.json": "[" * 50000})
@example({"start.sh": "./start.sh", "Dockerfile": "CMD ./start.sh"})
@example({"copilot/web/manifest.yml": "type: Scheduled Job\ncommand: a && b\non: {schedule: x}"})
def test_any_text_gives_findings_and_a_file_that_parses(files: dict[str, str]) -> None:
    sources = Sources("Ünnamed 1", files, frozenset(files))
    findings = detect(sources)
    assert detect(sources) == findings
    assert assumed(findings)
    assert explain(findings).endswith("\n")
    assert parse(write(findings)).name == findings.name.value
    for question in findings.questions:
        assert question.problem().mend
        answered = detect(sources, {question.key: question.options[0].value})
        assert question not in answered.questions
