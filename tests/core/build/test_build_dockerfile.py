"""What a Dockerfile says, instruction by instruction (R38-R47); hadolint judges the rest."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fairway.core.build.dockerfile import CONSTRAINTS
from fairway.core.build.ignore import dockerignore
from fairway.core.detect.dockerfile import Dockerfile, Instruction, read_dockerfile
from fairway.targets.local.pinned import from_pdm
from tests.core.build.projects import (
    BUILT,
    LOCK,
    PDM_LOCK,
    PDM_PROJECT,
    PIPFILE_LOCK,
    PLAIN,
    POETRY_LOCK,
    POETRY_PROJECT,
    PYPROJECT,
    WORKSPACE_LOCK,
    files,
    made,
    sources,
)

ASGI = '[service.web]\nasgi = "shop.app:app"\n'
PROJECTS = {
    "requirements": (
        PLAIN,
        sources({"requirements.txt": "streamlit==1.53\n-r more.txt\n", "more.txt": "psycopg2\n"}),
    ),
    "uv": (
        f'{ASGI}public = true\n[job.load]\ncommand = "python -m l"\n',
        sources({"pyproject.toml": PYPROJECT, "uv.lock": LOCK}),
    ),
    "pyproject": (
        (
            '[service.web]\nwsgi = "shop:make"\nfactory = true\nfolder = "backend"\n'
            'build = "python -m shop.assets"\n'
        ),
        sources({"backend/pyproject.toml": PYPROJECT}),
    ),
    "pdm": (ASGI, sources({"pyproject.toml": PDM_PROJECT, "pdm.lock": PDM_LOCK})),
    "poetry": (ASGI, sources({"pyproject.toml": POETRY_PROJECT, "poetry.lock": POETRY_LOCK})),
    "pipenv": (ASGI, sources({"Pipfile.lock": PIPFILE_LOCK}, "Pipfile")),
    "page": (
        BUILT,
        sources(
            {"requirements.txt": "fastapi\n"}, "frontend/package.json", "frontend/package-lock.json"
        ),
    ),
    "function": (f'{ASGI}public = true\nkind = "function"\n', sources({"requirements.txt": "x\n"})),
    "workspace": (
        f'{ASGI}folder = "apps/shop"\n',
        sources(
            {
                "pyproject.toml": '[tool.uv.workspace]\nmembers = ["apps/*"]\n',
                "uv.lock": WORKSPACE_LOCK,
                "apps/shop/pyproject.toml": PYPROJECT,
            }
        ),
    ),
}
ADAPTER = (
    "--from=public.ecr.aws/awsguru/aws-lambda-adapter:1.1.0 "
    "/lambda-adapter /opt/extensions/lambda-adapter"
)
Golden = Callable[[str, str], None]


def read(name: str) -> Dockerfile:
    return read_dockerfile(files(*PROJECTS[name])["Dockerfile"])


def said(found: Dockerfile, name: str, *, last: bool = True) -> list[Instruction]:
    """The instructions of this name, of the last stage or of all."""
    return [one for one in (found.last if last else found.every) if one.name == name]


def words(one: Instruction) -> list[str]:
    """The words of an instruction in exec form, after its flags."""
    text = one.text
    while text.startswith("--"):
        text = text.partition(" ")[2].lstrip()
    text = text.removeprefix("CMD ")
    return json.loads(text) if text.startswith("[") else []


@pytest.mark.parametrize("name", PROJECTS)
def test_every_kind_of_project_is_written_down(name: str, golden: Golden) -> None:
    golden(f"{name}.Dockerfile", files(*PROJECTS[name])["Dockerfile"])


@pytest.mark.validated("R38", "R40")
def test_it_stands_on_a_slim_python_and_serves_the_app_from_its_folder() -> None:
    found = read("requirements")
    assert {one.text.split()[0] for one in said(found, "FROM", last=False)} == {"python:3.12-slim"}
    assert said(found, "WORKDIR")[-1].text == "/app"
    assert words(said(found, "CMD")[0]) == ["fairway-runtime", "run", "app.py", "--kind", "script"]
    installs = [words(one) for one in said(found, "RUN", last=False)]
    assert any(each[-2:] == ["-r", "requirements.txt"] for each in installs)
    assert "HOST=0.0.0.0" in said(found, "ENV")[-1].text


@pytest.mark.validated("R39", "R45")
@pytest.mark.parametrize("name", PROJECTS)
def test_what_builds_stays_in_its_stage(name: str) -> None:
    found = read(name)
    last = "\n".join(f"{one.name} {one.text}" for one in found.last)
    assert len(said(found, "FROM", last=False)) >= 2
    assert [one.text for one in said(found, "COPY")] == [
        "--from=build /opt /opt",
        "--from=build /app /app",
        *([ADAPTER] if name == "function" else []),
    ]
    for tool in ("build-essential", "pip", "uv ", "git", "libpq-dev", "npm"):
        assert tool not in last, tool


@pytest.mark.validated("R45")
@pytest.mark.parametrize("text", ["psycopg[c]>=3", "psycopg [binary, c]", "psycopg-c==3.3.0"])
def test_an_extra_that_is_compiled_gets_a_compiler_and_its_library(text: str) -> None:
    project = PYPROJECT.replace('"fastapi"', f'"{text}"')
    for texts in ({"requirements.txt": f"{text}\n"}, {"pyproject.toml": project}):
        build, _, final = files(PLAIN, sources(texts))["Dockerfile"].rpartition("\nFROM ")
        assert "build-essential libpq-dev" in build
        assert "libpq5" in final


@pytest.mark.validated("R45")
def test_a_package_without_a_wheel_gets_a_compiler_that_does_not_stay() -> None:
    text = files(*PROJECTS["requirements"])["Dockerfile"]
    build, _, final = text.rpartition("\nFROM ")
    assert "build-essential libpq-dev" in build
    assert "libpq5" in final
    assert "build-essential" not in final
    uv = files(*PROJECTS["uv"])["Dockerfile"]
    assert "build-essential" in uv.rpartition("\nFROM ")[0], "starlette has no wheel in that lock"


@pytest.mark.validated("R41")
@pytest.mark.parametrize("name", PROJECTS)
def test_it_runs_as_a_user_without_rights(name: str) -> None:
    found = read(name)
    assert [one.text for one in said(found, "USER")] == ["1000:1000"]
    user = next(words(one) for one in said(found, "RUN") if "useradd" in words(one))
    assert user[-1] == "appuser"
    assert user[user.index("--uid") + 1] == "1000"
    # Nothing after it needs more.
    after = [one.name for one in found.last if one.line > said(found, "USER")[0].line]
    assert not {"RUN", "COPY", "ADD"} & set(after)


@pytest.mark.validated("R42", "R43")
def test_only_the_port_that_it_listens_on_is_exposed_and_its_health_is_asked_there() -> None:
    found = read("requirements")
    assert [one.text for one in said(found, "EXPOSE")] == ["8501"]
    (health,) = said(found, "HEALTHCHECK")
    assert words(health)[:3] == ["python", "-I", "-c"]
    compile(words(health)[-1], "probe", "exec")
    assert "'8501') + '/health'" in words(health)[-1]


@pytest.mark.validated("R46")
@pytest.mark.parametrize("name", PROJECTS)
def test_nothing_writes_into_it_at_run_time(name: str) -> None:
    found = read(name)
    assert words(said(found, "VOLUME")[0]) == ["/tmp"]
    assert "PYTHONDONTWRITEBYTECODE=1" in said(found, "ENV")[0].text
    assert "HOME=/tmp" in said(found, "ENV")[0].text
    compiled = [words(one)[-1] for one in said(found, "RUN", last=False) if "-c" in words(one)]
    assert any("UNCHECKED_HASH" in each for each in compiled)
    assert any("go-w" in words(one)[-3:] or "a+rX,go-w" in words(one) for one in found.every)


@pytest.mark.parametrize("name", PROJECTS)
def test_no_shell_is_needed_but_for_apt(name: str) -> None:
    found = read(name)
    for one in (*said(found, "RUN", last=False), *said(found, "CMD"), *said(found, "HEALTHCHECK")):
        assert words(one) or "apt-get" in one.text, one.text
        assert words(one)[:1] not in (["/bin/sh"], ["sh"]), one.text


@pytest.mark.parametrize("name", PROJECTS)
def test_packages_are_installed_before_the_code_comes_and_their_cache_is_mounted(name: str) -> None:
    every = read(name).every
    installs = [
        one
        for one in every
        if one.name == "RUN" and any(word in one.text for word in ('"sync"', '"-r"', '"fastapi=='))
    ]
    code = [
        one
        for one in every
        if one.name == "COPY" and one.text in {". /app", "--from=page /app /app"}
    ]
    assert installs[0].line < code[0].line
    assert all("--mount=type=cache" in one.text for one in installs)
    first = next(one for one in every if one.name == "ENV")
    assert "UV_COMPILE_BYTECODE=1" in first.text


def test_pdm_s_lock_holds_the_image_to_the_versions_that_this_machine_has(tmp_path: Path) -> None:
    (tmp_path / "pdm.lock").write_text(PDM_LOCK)
    program = next(
        words(one)[-1] for one in said(read("pdm"), "RUN", last=False) if "pdm.lock" in one.text
    )
    here = program.replace(CONSTRAINTS, str(tmp_path / "held.txt"))
    subprocess.run([sys.executable, "-c", here], cwd=tmp_path, check=True)
    lines = (tmp_path / "held.txt").read_text().splitlines()
    assert tuple(lines) == from_pdm(PDM_LOCK).constraints
    assert "fastapi==0.120.0" in lines


@pytest.mark.parametrize(
    ("line", "is_tree_first"),
    [
        (".", True),
        (".[web]  # with an extra", True),
        ("../common", True),
        ("libs/common", True),
        ("common @ ./libs/common", True),
        ("common[fast] @ file:libs/common", True),
        ("wheels/common-1.0-py3-none-any.whl", True),
        ("common-1.0.tar.gz", True),
        ("--find-links wheels", True),
        ("-e .", True),
        ("--find-links https://example.org/wheels", False),
        ("common @ git+https://example.org/common.git", False),
        ("https://example.org/common-1.0.tar.gz", False),
        ("common==1.0  # from libs/common", False),
        ("-r requirements/web.txt", False),
        ("", False),
    ],
)
def test_what_requirements_take_from_the_project_is_there_when_they_are_installed(
    line: str, *, is_tree_first: bool
) -> None:
    text = files(PLAIN, sources({"requirements.txt": f"fastapi\n{line}\n"}))["Dockerfile"]
    assert (text.index("COPY . /app") < text.index('"-r"')) is is_tree_first


def test_a_folder_that_is_no_member_of_the_workspace_is_there_when_it_is_installed() -> None:
    vendored = WORKSPACE_LOCK.replace(
        'name = "starlette"\nversion = "0.50.0"\nsource = { registry = "https://pypi.org/simple" }',
        'name = "starlette"\nversion = "0.50.0"\nsource = { directory = "vendor/starlette" }',
    )
    text, found = PROJECTS["workspace"]
    every = files(text, sources({**found.texts, "uv.lock": vendored}))["Dockerfile"]
    assert every.index("COPY . /app") < every.index('"sync"')
    assert "--no-install-workspace" not in every


@pytest.mark.parametrize(
    ("tool", "variable"),
    [
        ("hatch_vcs>=0.4", "SETUPTOOLS_SCM_PRETEND_VERSION"),
        ("setuptools-scm[toml]", "SETUPTOOLS_SCM_PRETEND_VERSION"),
        ("pdm-backend", "PDM_BUILD_SCM_VERSION"),
        ("hatchling", ""),
    ],
)
def test_a_version_that_comes_from_the_history_is_not_asked_of_an_image(
    tool: str, variable: str
) -> None:
    dynamic = PYPROJECT.replace('"hatchling"', f'"{tool}"').replace(
        "dependencies", 'dynamic = ["version"]\ndependencies'
    )
    text = files(ASGI, sources({"pyproject.toml": dynamic, "uv.lock": LOCK}))["Dockerfile"]
    before, _, after = text.partition("COPY . /app")
    # Of the project alone: a package that is built from its source has its own version.
    assert '"env"' not in before
    assert (f'["env", "{variable}=0", "uv", "sync"' in after) is bool(variable)


def test_the_runtime_comes_beside_the_packages_that_the_app_has_and_brings_none_twice() -> None:
    every = files(*PROJECTS["uv"])["Dockerfile"]
    places = [every.index(said) for said in ('"uv", "sync"', "held.txt", "--excludes", "COPY . /a")]
    assert places == sorted(places)


def test_a_change_of_the_code_touches_none_of_the_packages_files() -> None:
    _, _, after = files(*PROJECTS["requirements"])["Dockerfile"].partition("COPY . /app")
    assert '"-R"' not in after
    (rights,) = (line for line in after.splitlines() if "a+rX,go-w" in line)
    assert '"-perm", "/022"' in rights


def test_a_page_is_built_by_node_and_its_packages_do_not_come_along() -> None:
    found = read("page")
    stages = [one.text for one in said(found, "FROM", last=False)]
    assert stages[0] == "node:22-slim AS page"
    runs = [words(one) for one in said(found, "RUN", last=False)]
    assert runs[0][:2] == ["npm", "ci"]
    finds = ["env", "DEBUG=false", "ENVIRONMENT=production"]
    assert runs[1] == [*finds, "npm", "--prefix", "frontend", "run", "build"]
    assert runs[2] == ["rm", "-rf", "/app/frontend/node_modules"]


def test_a_base_is_pinned_by_the_digest_that_is_given() -> None:
    base = "python:3.13-slim@sha256:" + "d" * 64
    found = read_dockerfile(files(*PROJECTS["requirements"], base=base)["Dockerfile"])
    stages = [one.text for one in said(found, "FROM", last=False)]
    assert stages == [f"{base} AS build", base]
    assert "UV_PYTHON=3.13 " in said(found, "ENV", last=False)[0].text


def test_nodes_that_need_the_same_share_an_image_and_others_have_their_own() -> None:
    text = (
        '[service.api]\nasgi = "a:app"\npublic = true\nfolder = "api"\n'
        '[service.page]\nscript = "p.py"\nfolder = "page"\n'
        '[job.load]\ncommand = "python -m load"\nfolder = "api"\n'
    )
    found = sources({"api/requirements.txt": "fastapi\n", "page/requirements.txt": "streamlit\n"})
    first, second = made(text, found)
    assert (first.name, first.nodes, first.dockerfile) == ("api", ("api", "load"), "api.Dockerfile")
    assert (second.name, second.nodes) == ("page", ("page",))
    assert sorted(files(text, found)) == [
        "api.Dockerfile",
        "api.Dockerfile.dockerignore",
        "api.cdx.json",
        "page.Dockerfile",
        "page.Dockerfile.dockerignore",
        "page.cdx.json",
    ]


def test_the_runtime_of_the_lock_is_the_one_that_runs() -> None:
    pinned = sources({"requirements.txt": "fairway-runtime[all]==1.0\nfastapi==1\n"})
    text = files(BUILT.replace("npm --prefix frontend", "true"), pinned)["Dockerfile"]
    assert "/opt/fairway" not in text
    other = files(*PROJECTS["requirements"])["Dockerfile"]
    assert '"fairway-runtime[all]==1.2.3"' in other


def test_what_an_image_would_lack_is_said() -> None:
    node = '[service.web]\ncommand = "node server.js --port $PORT"\n'
    said_of_node = [problem.what for problem in made(node, sources({}))[0].problems]
    assert said_of_node == [
        "no file names what the app needs, so nothing is installed into its image",
        "the image has Python, and no node",
    ]
    unlocked = sources({}, "Pipfile")
    assert "pipenv lock" in made(PLAIN, unlocked)[0].problems[0].mend
    outside = LOCK.replace(
        'name = "starlette"\nversion = "0.50.0"\nsource = { registry = "https://pypi.org/simple" }',
        'name = "starlette"\nversion = "0.50.0"\nsource = { editable = "../../st" }',
    )
    (found,) = made(PLAIN, sources({"pyproject.toml": PYPROJECT, "uv.lock": outside}))
    assert "outside of the project" in found.problems[0].what
    newer = PYPROJECT.replace('"fastapi"', '"fastapi", "Psycopg_Pool[x]>=3"')
    (stale,) = made(PLAIN, sources({"pyproject.toml": newer, "uv.lock": LOCK}))
    assert [problem.mend for problem in stale.problems] == ["Run `uv lock`."]
    assert "asks for psycopg-pool, which it does not hold" in stale.problems[0].what
    old = sources({"requirements.txt": "x==1\n", ".python-version": "3.9\n"})
    assert "Python 3.9" in made(PLAIN, old)[0].problems[0].what


@pytest.mark.requirement("R73")
def test_secrets_and_what_is_made_anew_never_reach_a_build() -> None:
    lines = dockerignore("docs\n!docs/api.md\n").splitlines()
    assert lines[:3] == ["# The project's own", "docs", "!docs/api.md"]
    never = {".env", ".env.*", ".git", ".fairway", ".venv", "node_modules"}
    # Of every folder: a pattern without the stars is one of the first folder alone.
    assert {f"**/{each}" for each in never} <= set(lines)
    assert "**/.streamlit/secrets.toml" in lines


@pytest.mark.validated("R38", "R39", "R40", "R41")
@pytest.mark.parametrize("name", PROJECTS)
def test_hadolint_has_nothing_to_say(name: str) -> None:
    hadolint = shutil.which("hadolint", path=str(Path(__file__).parents[3] / ".venv" / "bin"))
    assert hadolint is not None
    ended = subprocess.run(
        # DL3059 would have runs in exec form joined, which only a shell can do.
        [hadolint, "--ignore", "DL3059", "--no-color", "-"],
        input=files(*PROJECTS[name])["Dockerfile"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.stdout == ""


VARIABLES = """
[variables]
LEVEL = "high"

[service.web]
asgi = "shop.app:app"
build = "python -m shop.assets $LEVEL"
variables = { MODE = "two words", DATABASE = "${db.url}", COST = "$${x}" }
uses = ["db"]

[service.page]
asgi = "shop.app:app"
build = "npm --prefix frontend run build"
variables = { VITE_TITLE = "Shop" }

[database.db]
"""


@pytest.mark.validated("R57")
def test_a_build_finds_what_the_file_says_and_nothing_of_what_runs_later() -> None:
    """As it does on a developer's machine, where nothing of what it uses runs yet either."""
    project = sources(
        {"requirements.txt": "x\n"}, "frontend/package.json", "frontend/package-lock.json"
    )
    text = files(VARIABLES, project)["Dockerfile"]
    found = [words(one) for one in said(read_dockerfile(text), "RUN", last=False)]
    assert [one for one in found if one[0] == "env"] == [
        [
            *("env", "DEBUG=false", "ENVIRONMENT=production", "LEVEL=high", "VITE_TITLE=Shop"),
            *("npm", "--prefix", "frontend", "run", "build"),
        ],
        [
            *("env", "COST=${x}", "DEBUG=false", "ENVIRONMENT=production", "LEVEL=high"),
            *("MODE=two words", "/bin/sh", "-c", "exec python -m shop.assets $LEVEL"),
        ],
    ]
    assert "LEVEL" not in text.rpartition("\nFROM ")[2]


@pytest.mark.validated("R45")
@pytest.mark.parametrize(
    ("text", "is_needed"),
    [("psycopg==3.3.4", True), ("psycopg[pool]", True), ("psycopg[binary,pool]", False)],
)
def test_psycopg_without_its_own_library_gets_debian_s(text: str, *, is_needed: bool) -> None:
    """Also while the image is built, if something may import it then."""
    for build in ("", 'build = "python manage.py collectstatic"\n'):
        made = files(f"{ASGI}{build}", sources({"requirements.txt": f"{text}\n"}))["Dockerfile"]
        first, _, last = made.rpartition("\nFROM ")
        assert ("libpq5" in last) is is_needed
        assert ("libpq5" in first) is (is_needed and bool(build))
        assert "build-essential" not in made
