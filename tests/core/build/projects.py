"""Small projects as `core/build` is given them, and an app beside each."""

from collections.abc import Mapping

from fairway.core.build.files import build_files
from fairway.core.build.images import Image, images
from fairway.core.detect.sources import Sources
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse

__all__ = [
    "BUILT",
    "LOCK",
    "PDM_LOCK",
    "PDM_PROJECT",
    "PIPFILE_LOCK",
    "PLAIN",
    "POETRY_LOCK",
    "POETRY_PROJECT",
    "PYPROJECT",
    "WORKSPACE_LOCK",
    "app",
    "files",
    "made",
    "sources",
]

PLAIN = '[service.web]\nscript = "app.py"\nport = 8501\npublic = true\n'
BUILT = (
    '[service.web]\nasgi = "shop.app:app"\npublic = true\n'
    'build = "npm --prefix frontend run build"\n'
)
PYPROJECT = (
    '[project]\nname = "shop"\nrequires-python = ">=3.11"\ndependencies = ["fastapi"]\n'
    '[build-system]\nrequires = ["hatchling"]\n'
)
PDM_PROJECT = (
    '[project]\nname = "shop"\nrequires-python = ">=3.11"\n'
    'dependencies = ["FastAPI>=0.115", "psycopg[binary] ; sys_platform != \'win32\'",'
    " \"colorama; sys_platform == 'win32'\"]\n[tool.pdm]\ndistribution = false\n"
)
PDM = r"""
[metadata]
groups = ["default", "dev"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"
[[package]]
name = "fastapi"
version = "0.120.0"
groups = ["default"]
dependencies = ["starlette<0.51.0,>=0.40.0", "typing-extensions>=4.8.0; python_version < \"3.11\""]
files = [
    {file = "fastapi-0.120.0-py3-none-any.whl", hash = "sha256:%(b)s"},
    {file = "fastapi-0.120.0.tar.gz", hash = "sha256:%(a)s"},
]
[[package]]
name = "starlette"
version = "0.50.0"
groups = ["default"]
files = [{file = "starlette-0.50.0.tar.gz", hash = "sha256:%(a)s"}]
[[package]]
name = "starlette"
version = "0.49.0"
groups = ["default"]
marker = "python_version < \"3.10\""
[[package]]
name = "psycopg"
version = "3.3.0"
groups = ["default"]
marker = "sys_platform != \"win32\""
files = [{file = "psycopg-3.3.0-py3-none-any.whl", hash = "sha256:%(a)s"}]
[[package]]
name = "psycopg"
version = "3.3.0"
extras = ["binary"]
groups = ["default"]
dependencies = ["psycopg-binary==3.3.0; implementation_name != \"pypy\"", "psycopg==3.3.0"]
[[package]]
name = "psycopg-binary"
version = "3.3.0"
groups = ["default"]
files = [
    {file = "psycopg_binary-3.3.0-cp312-cp312-manylinux_2_17_x86_64.whl", hash = "sha256:%(b)s"},
    {file = "psycopg_binary-3.3.0-cp312-cp312-win_amd64.whl", hash = "sha256:%(a)s"},
]
[[package]]
name = "pytest"
version = "8.4.2"
groups = ["dev"]
"""
PDM_LOCK = PDM.replace("%(a)s", "a" * 64).replace("%(b)s", "b" * 64)
POETRY_PROJECT = """
[tool.poetry]
name = "shop"
package-mode = false
[tool.poetry.dependencies]
python = "^3.11"
FastAPI = ">=0.115"
psycopg = {version = "^3.2", extras = ["binary"]}
colorama = {version = "*", markers = "sys_platform == 'win32'"}
boto3 = {version = "*", optional = true}
[tool.poetry.group.dev.dependencies]
pytest = "^8"
"""
POETRY_LOCK = (
    (
        r"""
[[package]]
name = "colorama"
version = "0.4.6"
groups = ["main", "dev"]
markers = {main = "sys_platform == 'win32'", dev = "platform_system == 'Windows'"}
[[package]]
name = "boto3"
version = "1.40.0"
optional = true
groups = ["main"]
[[package]]
name = "fastapi"
version = "0.120.0"
optional = false
groups = ["main"]
files = [
    {file = "fastapi-0.120.0-py3-none-any.whl", hash = "sha256:%(b)s"},
    {file = "fastapi-0.120.0.tar.gz", hash = "sha256:%(a)s"},
]
[package.dependencies]
starlette = ">=0.40.0,<0.51.0"
typing-extensions = {version = ">=4.8.0", markers = "python_version < \"3.11\""}
uvicorn = {version = "*", optional = true, markers = "extra == \"standard\""}
[package.extras]
standard = ["uvicorn"]
[[package]]
name = "starlette"
version = "0.49.0"
groups = ["main"]
markers = "python_version < \"3.10\""
[[package]]
name = "starlette"
version = "0.50.0"
groups = ["main"]
markers = "python_version >= \"3.10\""
files = [{file = "starlette-0.50.0.tar.gz", hash = "sha256:%(a)s"}]
[[package]]
name = "psycopg"
version = "3.3.0"
groups = ["main"]
[package.dependencies]
psycopg-binary = {version = "3.3.0", optional = true, markers = "extra == \"binary\""}
tzdata = {version = "*", markers = "sys_platform == \"win32\""}
[package.extras]
binary = ["psycopg-binary (==3.3.0) ; implementation_name != \"pypy\""]
[[package]]
name = "psycopg-binary"
version = "3.3.0"
optional = false
groups = ["main"]
[[package]]
name = "uvicorn"
version = "0.38.0"
groups = ["dev"]
[[package]]
name = "pytest"
version = "8.4.2"
groups = ["dev"]
[metadata]
lock-version = "2.1"
python-versions = "^3.11"
"""
    )
    .replace("%(a)s", "a" * 64)
    .replace("%(b)s", "b" * 64)
)
PIPFILE_LOCK = """
{
    "_meta": {
        "requires": {"python_version": "3.13"},
        "sources": [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": true}]
    },
    "default": {
        "FastAPI": {"index": "pypi", "version": "==0.120.0", "hashes": ["sha256:%(a)s"]},
        "starlette": {"version": "==0.50.0", "markers": "python_version >= '3.10'"},
        "colorama": {"version": "==0.4.6", "markers": "sys_platform == 'win32'"}
    },
    "develop": {"pytest": {"version": "==8.4.2"}}
}
""".replace("%(a)s", "a" * 64)
LOCK = """
version = 1
requires-python = ">=3.11"
[[package]]
name = "shop"
version = "1.0"
source = { editable = "." }
dependencies = [
    { name = "fastapi" },
    { name = "psycopg", extra = ["binary"] },
    { name = "colorama", marker = "sys_platform == 'win32'" },
    { name = "tomli", marker = "python_full_version < '3.11'" },
]
[package.dev-dependencies]
dev = [{ name = "pytest" }]
[[package]]
name = "fastapi"
version = "0.120.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "starlette" }]
sdist = { url = "https://files.example/fastapi-0.120.0.tar.gz", hash = "sha256:%(a)s" }
wheels = [{ url = "https://files.example/fastapi-0.120.0-py3-none-any.whl", hash = "sha256:%(b)s" }]
[[package]]
name = "starlette"
version = "0.50.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.example/starlette-0.50.0.tar.gz", hash = "sha256:%(a)s" }
[[package]]
name = "psycopg"
version = "3.3.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://files.example/psycopg-3.3.0-py3-none-any.whl", hash = "sha256:%(a)s" }]
[package.optional-dependencies]
binary = [{ name = "psycopg-binary", marker = "implementation_name != 'pypy'" }]
[[package]]
name = "psycopg-binary"
version = "3.3.0"
source = { registry = "https://pypi.org/simple" }
wheels = [
    { url = "https://f/p-3.3.0-cp312-cp312-manylinux_x86_64.whl", hash = "sha256:%(a)s" },
    { url = "https://f/p-3.3.0-cp312-cp312-win_amd64.whl", hash = "sha256:%(b)s" },
    { url = "https://f/p-3.3.0-cp311-cp311-manylinux_x86_64.whl", hash = "sha256:%(b)s" },
]
[[package]]
name = "colorama"
version = "0.4.6"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "tomli"
version = "2.0.0"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "pytest"
version = "9.0.0"
source = { registry = "https://pypi.org/simple" }
""" % {"a": "a" * 64, "b": "b" * 64}  # noqa: UP031 - braces are TOML's

WORKSPACE_LOCK = LOCK.replace('editable = "."', 'editable = "apps/shop"').replace(
    "[[package]]", '[manifest]\nmembers = ["shop"]\n[[package]]', 1
)


def app(text: str) -> App:
    return parse(f'app = "shop"\n{text}').app("production")


def sources(texts: Mapping[str, str], *paths: str) -> Sources:
    return Sources("shop", dict(texts), frozenset({*texts, *paths}))


def made(text: str, found: Sources) -> tuple[Image, ...]:
    return images(app(text), found, 8000)


def files(text: str, found: Sources, base: str | None = None) -> Mapping[str, str]:
    """Every file of the images of this app and project."""
    return build_files(
        "shop", made(text, found), found, version="1.2.3", runtime_version="1.2.3", base=base
    )
