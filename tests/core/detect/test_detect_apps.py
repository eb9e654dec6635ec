"""Which objects of Python code are apps, and how they are named."""

import pytest

from fairway.core.detect.findings import Findings, FoundService
from fairway.core.detect.project import detect
from tests.core.detect.archive import read_archive


def found(text: str) -> Findings:
    return detect(read_archive("project", text))


def only(text: str) -> FoundService:
    (service,) = found(text).services
    return service


@pytest.mark.parametrize(
    ("code", "kind", "target"),
    [
        ("from fastapi import FastAPI as F\napp = F()", "asgi", "main:app"),
        ("import fastapi\nserver: object = fastapi.FastAPI()", "asgi", "main:server"),
        ("import fastapi as f\ntry:\n    app = f.FastAPI()\nfinally: pass", "asgi", "main:app"),
        ("from starlette.applications import *\napp = Starlette()", "asgi", "main:app"),
        ("from flask import Flask\napplication = Flask(__name__)", "wsgi", "main:application"),
        ("from quart import Quart\napp = Quart('x')", "asgi", "main:app"),
        ("from litestar import Litestar\napp = Litestar([])", "asgi", "main:app"),
        ("import falcon\napp = falcon.App()", "wsgi", "main:app"),
        ("import dash\napp = dash.Dash()\nserver = app.server", "wsgi", "main:server"),
        ("from fasthtml.common import *\napp, rt = fast_app()", "asgi", "main:app"),
        ("from streamlit import App\napp = App('page.py')", "asgi", "main:app"),
        (
            (
                "from fastapi import FastAPI\nimport socketio\napi = FastAPI()\n"
                "app = socketio.ASGIApp(socketio.AsyncServer(), other_asgi_app=api)"
            ),
            "asgi",
            "main:app",
        ),
        (
            (
                "from flask import Flask\nfrom asgiref.wsgi import WsgiToAsgi\n"
                "flask_app = Flask('x')\napp = WsgiToAsgi(flask_app)"
            ),
            "asgi",
            "main:app",
        ),
        (
            (
                "from fastapi import FastAPI\nfrom sentry import SentryMiddleware\n"
                "app = FastAPI()\napp = SentryMiddleware(app)"
            ),
            "asgi",
            "main:app",
        ),
        (
            (
                "from fastapi import FastAPI\nclass Base(FastAPI): ...\nclass Mine(Base): ...\n"
                "app = Mine()"
            ),
            "asgi",
            "main:app",
        ),
        (
            (
                "from fastapi import FastAPI\nsub = FastAPI()\nsub.get('/')\nmain = FastAPI()\n"
                "main.mount('/sub', sub)"
            ),
            "asgi",
            "main:main",
        ),
    ],
)
def test_an_app_is_found_wherever_it_is_assigned(code: str, kind: str, target: str) -> None:
    service = only(f"-- main.py --\n{code}\n")
    assert (service.kind, service.target.value) == (kind, target)
    assert service.target.where.startswith("main.py:")


@pytest.mark.parametrize(
    "code",
    [
        "from fastapi import APIRouter\napp = APIRouter()",
        "from flask import Blueprint\napp = Blueprint('a', 'b')",
        "from celery import Celery\napp = Celery()",
        "from fastapi import FastAPI\nif __name__ == '__main__':\n    app = FastAPI()",
        "from fastapi import FastAPI\ndef test():\n    app = FastAPI()",
        "class FastAPI: ...\napp = FastAPI()",
        "from fastapi import FastAPI\nasync def create_app():\n    return FastAPI()",
        "def app(): return app()",
    ],
)
def test_what_is_no_app_is_not_taken_for_one(code: str) -> None:
    assert found(f"-- main.py --\n{code}\n").services == ()


def test_a_factory_is_said_to_be_one() -> None:
    service = only(
        "-- shop/__init__.py --\n-- shop/web.py --\nfrom fastapi import FastAPI\n"
        "def build():\n    one = FastAPI()\n    return one\ndef create_app(debug=False):\n"
        "    return build()\n"
    )
    assert (service.target.value, service.factory) == ("shop.web:create_app", True)


def test_a_factory_that_needs_arguments_is_told() -> None:
    findings = found(
        "-- app.py --\nfrom flask import Flask\ndef create_app(config, *, name):\n"
        "    app = Flask(name)\n    return app\n"
    )
    note = findings.notes_of("untold")[0]
    assert note.what == "create_app makes the app but needs arguments: config, name."


def test_an_object_made_by_a_factory_of_another_file_is_preferred() -> None:
    service = only(
        "-- shop/__init__.py --\nfrom .factory import create_app\n"
        "-- shop/factory.py --\nfrom flask import Flask\ndef create_app(config):\n"
        "    return Flask(config)\n"
        "-- wsgi.py --\nfrom shop import create_app\napplication = create_app('production')\n"
    )
    assert (service.target.value, service.factory) == ("wsgi:application", False)


def test_modules_are_named_from_the_folder_that_imports_start_at() -> None:
    """`app` has no `__init__.py`: what it imports says that it is a package."""
    service = only(
        "-- app/main.py --\nfrom fastapi import FastAPI\nfrom app.db import engine\n"
        "app = FastAPI()\n-- app/db.py --\nengine = 1\n"
    )
    assert (service.target.value, service.folder) == ("app.main:app", "")


def test_a_folder_called_like_a_library_is_not_taken_for_it() -> None:
    service = only(
        "-- fastapi/main.py --\nfrom fastapi import FastAPI\nimport helpers\napp = FastAPI()\n"
        "-- fastapi/helpers.py --\n"
    )
    assert (service.target.value, service.folder) == ("main:app", "fastapi")


def test_code_in_a_folder_of_its_own_gives_that_folder() -> None:
    service = only(
        "-- backend/requirements.txt --\nflask\n"
        "-- backend/app.py --\nfrom flask import Flask\napp = Flask('x')\n"
    )
    assert (service.target.value, service.folder) == ("app:app", "backend")


@pytest.mark.parametrize(
    "hint",
    [
        '-- Dockerfile --\nFROM python\nCMD ["uvicorn", "second:app"]\n',
        "-- Dockerfile --\nFROM python\nENTRYPOINT exec gunicorn second:app -w 4\n",
        "-- Dockerfile --\nFROM python\nCMD fastapi run second.py --port 80\n",
        "-- Dockerfile --\nFROM python\nCMD ./go.sh\n-- go.sh --\npoetry run uvicorn second:app\n",
        "-- Procfile --\nweb: PORT=1 uvicorn second:app --host 0.0.0.0\n",
        (
            "-- docker-compose.yml --\nservices:\n  api:\n    build: .\n"
            "    command: sh -c 'alembic upgrade head && uvicorn second:app'\n"
        ),
        '-- pyproject.toml --\n[tool.fastapi]\nentrypoint = "second:app"\n',
        "-- run.py --\nimport uvicorn\nuvicorn.run('second:app')\n",
        "-- run.py --\nimport uvicorn\nfrom second import app\nuvicorn.run(app)\n",
        "-- Makefile --\nrun:\n\t@uvicorn second:app --reload\n",
        "-- README.md --\nRun `uv run uvicorn second:app`.\n\n    uvicorn second:app\n",
    ],
)
def test_what_other_files_start_is_the_main_app(hint: str) -> None:
    code = "from fastapi import FastAPI\napp = FastAPI()\n"
    service = only(f"-- first.py --\n{code}-- second.py --\n{code}{hint}")
    assert service.target.value == "second:app"


@pytest.mark.parametrize(
    ("files", "script"),
    [
        ("-- app.py --\nimport streamlit as st\nst.title('a')\n", "app.py"),
        (
            (
                "-- a.py --\nimport streamlit as st\ndef draw():\n    st.title('a')\n"
                "-- b.py --\nimport streamlit as st\nfrom a import draw\nif st.button('x'):\n"
                "    draw()\n"
            ),
            "b.py",
        ),
        (
            (
                "-- go.py --\nimport streamlit as st\nst.navigation([st.Page('one.py')]).run()\n"
                "-- one.py --\nimport streamlit as st\nst.set_page_config()\nst.title('1')\n"
            ),
            "go.py",
        ),
        (
            (
                "-- ui/requirements.txt --\nstreamlit\n"
                "-- ui/0_Start.py --\nfrom streamlit import title as t\n"
                "t('a')\n-- ui/pages/1_b.py --\nimport streamlit as st\nst.title('b')\n"
            ),
            "0_Start.py",
        ),
        (
            (
                "-- x.py --\nimport streamlit as st\ndef main():\n    st.title('a')\n"
                "if __name__ == '__main__':\n    main()\n"
            ),
            "x.py",
        ),
    ],
)
def test_the_streamlit_script_to_run_is_found_among_its_parts(files: str, script: str) -> None:
    service = only(files)
    assert (service.kind, service.target.value) == ("script", script)


def test_an_api_and_a_page_are_two_services() -> None:
    findings = found(
        "-- requirements.txt --\nfastapi\nstreamlit\n"
        "-- api.py --\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "-- page.py --\nimport os\nimport streamlit as st\nst.set_page_config()\n"
        "st.write(os.environ['API_URL'])\nst.title('x')\n"
        "-- streamlit_app.py --\nimport os\nimport streamlit as st\n"
        "st.write(os.environ['API_URL'])\n"
    )
    assert [(one.name, one.kind, one.uses) for one in findings.services] == [
        ("api", "asgi", ()),
        ("web", "script", ("api",)),
    ]


def test_names_are_unique_over_all_kinds() -> None:
    findings = found(
        "-- compose.yaml --\nservices:\n  db: {build: a}\n  web: {build: b}\n"
        "-- a/Dockerfile --\nFROM python\nCMD uvicorn m:app\n"
        "-- a/m.py --\nfrom fastapi import FastAPI\nimport os, psycopg\napp = FastAPI()\n"
        "os.environ['DATABASE_URL']\n"
        "-- b/Dockerfile --\nFROM python\nCMD uvicorn n:app\n"
        "-- b/n.py --\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        '-- front/package.json --\n{"scripts": {"build": "vite"}, "dependencies": {"vite": "1"}}\n'
    )
    assert [one.name for one in findings.services] == ["db-service", "web"]
    assert [one.name for one in findings.sites] == ["page"]
    assert [one.name for one in findings.nodes] == ["db"]
