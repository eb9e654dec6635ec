"""Small projects of which images are built and run, a kind of lock or of app each.

Each asks for a version of `iniconfig` that is not the newest, so that an image tells whether the
lock was followed; the app answers with the version, and with the folder that it is in.
"""

from collections.abc import Mapping

__all__ = ["APP", "DJANGO", "FLASK", "LOCKED", "SCRIPT", "SECRETS", "WORKER", "Built"]

Built = tuple[str, Mapping[str, str]]  # the service's lines, and the files of the project

APP = """
from pathlib import Path

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": said()})

def said():
    try:
        from importlib.metadata import version
        import iniconfig
    except ImportError:
        return b"nothing"
    return f"{version('iniconfig')} {iniconfig.__file__}".encode()
"""
MAIN = 'asgi = "main:app"\n'
SHOP = 'asgi = "shop:app"\n'
NEEDS = 'dependencies = ["iniconfig==2.0.0"]\n'
PROJECT = f'[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\n{NEEDS}'
PACKAGE = f'{PROJECT}[build-system]\nrequires = ["uv_build>=0.9,<1"]\nbuild-backend = "uv_build"\n'
LIBRARY = PACKAGE.replace('"shop"', '"stock"')
MEMBER = (
    PACKAGE.replace("dependencies = [", 'dependencies = ["stock", ')
    + "[tool.uv.sources]\nstock = { workspace = true }\n"
)
WHEEL = "b6a85871a79d2e3b22d2d1b94ac2824226a63c6b741c88f7ae975f18b6778374"
UV_LOCK = f"""
version = 1
requires-python = ">=3.11"
[[package]]
name = "iniconfig"
version = "2.0.0"
source = {{ registry = "https://pypi.org/simple" }}
[[package.wheels]]
url = "https://files.pythonhosted.org/packages/ef/a6/62565a6e1cf69e10f5727360368e451d4b7f58beeac6173dc9db836a5b46/iniconfig-2.0.0-py3-none-any.whl"
hash = "sha256:{WHEEL}"
[[package]]
name = "shop"
version = "1.0"
source = {{ editable = "." }}
dependencies = [{{ name = "iniconfig" }}]
"""
WORKSPACE_LOCK = (
    UV_LOCK.replace('"."', '"apps/shop"')
    .replace("[[package]]", '[manifest]\nmembers = ["shop", "stock"]\n[[package]]', 1)
    .replace("dependencies = [", 'dependencies = [{ name = "stock" }, ')
) + '[[package]]\nname = "stock"\nversion = "1.0"\nsource = { editable = "libs/stock" }\n'
POETRY = (
    f'[tool.poetry]\npackage-mode = false\n{PROJECT}[build-system]\nrequires = ["poetry-core"]\n'
)
POETRY_LOCK = '[[package]]\nname = "iniconfig"\nversion = "2.0.0"\ngroups = ["main"]\n'
PDM_LOCK = '[[package]]\nname = "iniconfig"\nversion = "2.0.0"\ngroups = ["default"]\n'
PIPFILE_LOCK = '{"default": {"iniconfig": {"version": "==2.0.0"}}}'
STOCK = {
    "libs/stock/pyproject.toml": LIBRARY,
    "libs/stock/src/stock/__init__.py": "",
}

LOCKED: Mapping[str, Built] = {
    "uv": (
        SHOP,
        {"pyproject.toml": PACKAGE, "uv.lock": UV_LOCK, "src/shop/__init__.py": APP},
    ),
    "a member of uv's workspace": (
        f'{SHOP}folder = "apps/shop"\n',
        {
            "pyproject.toml": '[tool.uv.workspace]\nmembers = ["apps/*", "libs/*"]\n',
            "uv.lock": WORKSPACE_LOCK,
            "apps/shop/pyproject.toml": MEMBER,
            "apps/shop/src/shop/__init__.py": f"import stock\n{APP}",
            **STOCK,
        },
    ),
    "poetry": (MAIN, {"pyproject.toml": POETRY, "poetry.lock": POETRY_LOCK, "main.py": APP}),
    "pdm": (
        MAIN,
        {
            "pyproject.toml": PROJECT.replace("==2.0.0", ""),
            "pdm.lock": PDM_LOCK,
            "main.py": APP,
        },
    ),
    "pipenv": (MAIN, {"Pipfile.lock": PIPFILE_LOCK, "main.py": APP}),
    "requirements with a folder": (
        f'{MAIN}folder = "web"\n',
        {
            "web/requirements.txt": "-r ../common.txt\n../libs/stock\n",
            "common.txt": "iniconfig==2.0.0\n",
            "web/main.py": f"import stock\n{APP}",
            **STOCK,
        },
    ),
    "a project without a lock": (SHOP, {"pyproject.toml": PACKAGE, "src/shop/__init__.py": APP}),
}

FLASK: Built = (
    'wsgi = "shop:make"\nfactory = true\n',
    {
        "requirements.txt": "flask\n",
        "shop.py": """
from flask import Flask

def make():
    app = Flask(__name__)
    app.get("/")(lambda: "Flask is here")
    return app
""",
    },
)

DJANGO: Built = (
    'wsgi = "site_:application"\nbuild = "python manage.py collectstatic --noinput"\n',
    {
        "requirements.txt": "django\nwhitenoise\n",
        "assets/page.css": "body {}",
        "manage.py": """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
        "settings.py": """
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_"
INSTALLED_APPS = ["django.contrib.staticfiles"]
MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]
STATIC_URL = "static/"
STATIC_ROOT = "collected"
STATICFILES_DIRS = ["assets"]
""",
        "site_.py": """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("Django is here"))]
application = get_wsgi_application()
""",
    },
)

SCRIPT: Built = (
    'script = "page.py"\n',
    {"requirements.txt": "streamlit\n", "page.py": "import streamlit\nstreamlit.title('Here')\n"},
)

WORKER: Built = (
    'command = "python work.py"\n',
    {
        "requirements.txt": "iniconfig==2.0.0\n",
        "work.py": """
import signal, sys, iniconfig
signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
print("at work", flush=True)
while True:
    signal.pause()
""",
    },
)

# What must not come into an image, wherever it lies.
SECRETS = (".env", "web/.env", "web/.env.local", "web/.streamlit/secrets.toml", "web/.git/HEAD")
