"""An image's Dockerfile: stages that build, and one that holds only what runs (R38-R47).

Every instruction that runs something does so in exec form, but for apt; the last stage needs no
shell. Nothing here needs more than the Dockerfile syntax that every BuildKit has: no heredoc, no
`COPY --link`, no `# syntax=` line that would be fetched. Pure; the same image gives the same bytes.

What must not happen here: an archive, a secret or a network address in the text.
"""

import json
import re
from collections.abc import Iterator, Sequence

from fairway.core.build.declared import Declared
from fairway.core.build.images import Image
from fairway.core.build.page import Page
from fairway.core.command_line import exec_words
from fairway.core.detect.sources import join, name_of, parent_of
from fairway.core.spec.model import Service
from fairway_runtime import contract

__all__ = ["CONSTRAINTS", "NODE", "UID", "UV_VERSION", "base_for", "dockerfile"]

NODE = "node:22-slim"
UID = 1000
# Where an image runs as a function, it turns AWS Lambda's events into HTTP.
ADAPTER = "public.ecr.aws/awsguru/aws-lambda-adapter:1.1.0"
UV_VERSION = "0.13.8"
VENV = "/opt/venv"
BESIDE = "/opt/fairway"
PIP_CACHE = "--mount=type=cache,target=/root/.cache/pip"
UV_CACHE = "--mount=type=cache,target=/root/.cache/uv"
INSTALL = ("uv", "pip", "install", "--python", f"{VENV}/bin/python")
ITSELF = (*INSTALL, "--no-deps", ".")
SYNC = ("uv", "sync", "--frozen", "--no-dev")
CONSTRAINTS = "/tmp/constraints.txt"  # noqa: S108 - of a stage that is thrown away
# What pdm.lock holds, as uv reads it; of several versions those whose marker says when.
FROM_PDM = (
    "import pathlib, tomllib; "
    "lock = tomllib.loads(pathlib.Path('pdm.lock').read_text()); "
    "held = [p for p in lock.get('package', []) if not p.keys() & {'git', 'path', 'url'}]; "
    "names = [n for n, _ in {(p['name'], p['version']) for p in held}]; "
    "lines = {p['name'] + '==' + p['version'] + "
    "(' ; ' + p['marker'] if names.count(p['name']) > 1 else '') "
    "for p in held if names.count(p['name']) == 1 or p.get('marker')}; "
    f"pathlib.Path('{CONSTRAINTS}').write_text('\\n'.join(sorted(lines)))"
)
PINNED = frozenset({"pipenv", "poetry"})  # their locks are read before; the build needs no file
# Leads Python to the runtime, after the app's own packages, and says which those are.
HELD = "/tmp/held.txt"  # noqa: S108 - of a stage that is thrown away
LEAD = (
    "import importlib.metadata, pathlib, sysconfig; "
    f"pathlib.Path(sysconfig.get_path('purelib'), 'fairway.pth').write_text('{BESIDE}\\n'); "
    "held = sorted({d.name for d in importlib.metadata.distributions()}); "
    f"pathlib.Path('{HELD}').write_text('\\n'.join(held))"
)
# Bytecode is a cache: whoever imports a package's tests after all has them compiled.
UNTESTED = ("find", "/opt", "-path", "*/tests/*", "-name", "*.pyc", "-delete")
# Only of what has it otherwise: a change of its mode copies a file of an earlier layer, and
# hundreds of megabytes of packages take a minute.
READABLE = (
    *("find", "/app", "/opt", "!", "-type", "l"),
    *("(", "-perm", "/022", "-o", "!", "-perm", "-444"),
    *("-o", "-perm", "/111", "!", "-perm", "-111", ")"),
    *("-exec", "chmod", "a+rX,go-w", "{}", "+"),
)
# Never stale: nothing in the image can be written.
COMPILE = (
    "import compileall, py_compile; compileall.compile_dir('/app', quiet=2, "
    "invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"
)
PROBE = (
    "import os, urllib.request as r; r.build_opener(r.ProxyHandler({{}})).open("
    "'http://127.0.0.1:' + os.environ.get('PORT', '{port}') + '{path}', timeout=1)"
)


def base_for(image: Image) -> str:
    """The base, where nobody names one by its digest."""
    return f"python:{image.python}-slim"


def dockerfile(image: Image, *, runtime_version: str, base: str | None = None) -> str:
    """The text. `base` replaces the base image: name it by its digest to pin it."""
    chosen = base or base_for(image)
    parts = [
        list(_head(image)),
        *(list(_page(page, number)) for number, page in enumerate(image.pages)),
        list(_build(image, chosen, runtime_version)),
        list(_final(image, chosen)),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _head(image: Image) -> Iterator[str]:
    yield f"# Runs {', '.join(image.nodes)}. Written by `fairway render`."
    yield f"# Build it from the project's folder: docker build --file …/{image.dockerfile} ."


def _page(page: Page, number: int) -> Iterator[str]:
    """The stage of a page: its packages, then the whole project, then its build."""
    yield f"FROM {NODE} AS {_stage(number)}"
    if page.installer != "none":
        yield f"WORKDIR {_at(page.folder)}"
        yield f"COPY {_json([*page.files, './'])}"
        yield from _install_page(page)
    yield "WORKDIR /app"
    yield "COPY . ."
    if page.cwd:
        yield f"WORKDIR {_at(page.cwd)}"
    yield f"RUN {_json(_build_words(page.command, page.variables))}"
    if page.installer != "none":
        yield f"RUN {_json(['rm', '-rf', _at(join(page.folder, 'node_modules'))])}"


def _install_page(page: Page) -> Iterator[str]:
    match page.installer:
        case "npm":
            verb = "ci" if page.is_locked else "install"
            words, cache = ["npm", verb, "--no-audit", "--no-fund"], "/root/.npm"
        case "yarn":
            words, cache = ["corepack", "yarn", "install"], "/root/.cache/yarn"
        case "pnpm":
            words, cache = (
                ["corepack", "pnpm", "install", "--frozen-lockfile"],
                "/root/.local/share/pnpm",
            )
        case "none":
            return
    yield f"RUN --mount=type=cache,target={cache} {_json(words)}"


def _build(image: Image, base: str, runtime_version: str) -> Iterator[str]:
    """The stage that installs, builds and compiles."""
    said = re.search(r"python:(\d+\.\d+)", base)
    yield f"FROM {base} AS build"
    yield (
        f"ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT={VENV} "
        f"UV_PYTHON={said[1] if said else image.python} UV_PYTHON_DOWNLOADS=never "
        "UV_PYTHON_PREFERENCE=only-system"
    )
    yield from _apt(
        image.system.build, "What packages need to be built or imported; it stays here."
    )
    installer = ["python", "-m", "pip", "install", "--root-user-action=ignore", f"uv=={UV_VERSION}"]
    yield f"RUN {PIP_CACHE} {_json(installer)}"
    yield f"RUN {_json(['uv', 'venv', VENV])}"
    yield f"WORKDIR {_at(image.declared.folder)}"
    yield from _install(image, list(_beside(runtime_version)) if image.runtime else [])
    if image.builds:
        yield f"ENV PATH={VENV}/bin:$PATH"
    for build in image.builds:
        yield f"WORKDIR {_at(build.folder)}"
        yield f"RUN {_json(_build_words(build.command, build.variables))}"
    yield "# Readable by the user that runs it, writable by nobody."
    yield f"RUN {_json([f'{VENV}/bin/python', '-c', COMPILE])}"
    yield f"RUN {_json(READABLE)}"


def _beside(runtime_version: str) -> Iterator[str]:
    """The runtime, in a folder of its own, without the packages that the app has."""
    yield "# The runtime, after the app's own packages: what the app has wins, and is there once."
    yield f"RUN {_json([f'{VENV}/bin/python', '-c', LEAD])}"
    target = [*INSTALL, "--target", BESIDE, "--excludes", HELD]
    yield f"RUN {UV_CACHE} {_json([*target, f'fairway-runtime[all]=={runtime_version}'])}"


def _install(image: Image, beside: Sequence[str]) -> Iterator[str]:
    """The packages before the code, so that a change of the code installs nothing anew.

    `beside` are the runtime's lines: they come as soon as the app's packages are there.
    """
    found = image.declared
    tree = [f"COPY --from={_stage(number)} /app /app" for number in range(len(image.pages))]
    tree = tree or ["COPY . /app"]
    if found.needs_tree:
        yield from tree
    elif not found.above and found.kind not in PINNED:
        yield from _copies(found.files)
    late = [*beside, f"RUN {_json(UNTESTED)}", *([] if found.needs_tree else tree)]
    match found.kind:
        case "uv":
            yield from _sync(found, late)
        case "none":
            yield from [*beside, *tree]
        case _:
            yield from _packages(image)
            yield from late
            if found.package:
                yield from _itself(found, ITSELF)


def _packages(image: Image) -> Iterator[str]:
    """What pip is told to install: all that a lock names for this image, or what is asked for."""
    found = image.declared
    if found.kind in PINNED:
        pins = [f"{one.name}=={one.version}" for one in image.locked.packages if not one.source]
        if pins:
            yield f"RUN {UV_CACHE} {_json([*INSTALL, '--no-deps', *pins])}"
        return
    words = [*INSTALL, "-r", name_of(found.files[0])]
    if found.kind == "pdm":
        yield f"RUN {_json([f'{VENV}/bin/python', '-c', FROM_PDM])}"
        words += ["--constraint", CONSTRAINTS]
    yield f"RUN {UV_CACHE} {_json(words)}"


def _sync(found: Declared, late: Sequence[str]) -> Iterator[str]:
    """What the lock says; then, with the code there, the project itself where it is a package."""
    if found.above:
        yield from _install_apart(found)
        yield from late
        if found.package:
            yield from _itself(found, ITSELF)
        return
    sync = [*SYNC, *_member(found.member)]
    whole = [*sync, "--no-editable"]
    if found.needs_tree:
        yield from _itself(found, whole)
        yield from late
        return
    early = "--no-install-workspace" if found.member else "--no-install-project"
    yield f"RUN {UV_CACHE} {_json([*sync, early])}"
    yield from late
    if found.package:
        yield from _itself(found, whole)


def _itself(found: Declared, words: Sequence[str]) -> Iterator[str]:
    """The project's own package, whose version may come from a history that no image has."""
    said = ["env", f"{found.version_variable}=0"] if found.version_variable else []
    if said:
        yield "# Its version comes from its history, which stays outside: here it is 0."
    yield f"RUN {UV_CACHE} {_json([*said, *words])}"


def _install_apart(found: Declared) -> Iterator[str]:
    """From a lock that leads out of the project: in a folder that is as deep as it leads up."""
    left = [word for name in found.left_out for word in ("--no-install-package", name)]
    yield f"WORKDIR /lock{'/above' * found.above}"
    yield f"COPY {_json([*found.files, './'])}"
    yield f"RUN {UV_CACHE} {_json([*SYNC, *_member(found.member), *left, '--no-install-project'])}"
    yield f"WORKDIR {_at(found.folder)}"


def _copies(files: Sequence[str]) -> Iterator[str]:
    """One COPY a folder, to the same places as in the project."""
    folders: dict[str, list[str]] = {}
    for file in files:
        folders.setdefault(parent_of(file), []).append(file)
    for folder, held in folders.items():
        yield f"COPY {_json([*held, _at(folder) + '/'])}"


def _final(image: Image, base: str) -> Iterator[str]:
    """What runs: packages and code, a user without rights, no tools of the build."""
    yield f"FROM {base}"
    yield from _apt(image.system.run, "Libraries that wheels do not bring.")
    yield f"RUN {_json(['groupadd', '--gid', str(UID), 'appuser'])}"
    user = ["useradd", "--uid", str(UID), "--gid", str(UID), "--no-create-home", "--no-log-init"]
    yield f"RUN {_json([*user, '--home-dir', '/tmp', '--shell', '/usr/sbin/nologin', 'appuser'])}"  # noqa: S108
    path = f"{VENV}/bin:{BESIDE}/bin" if image.runtime else f"{VENV}/bin"
    yield (
        f"ENV HOME=/tmp PATH={path}:/usr/local/bin:/usr/bin:/bin "
        "PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=.:src PYTHONUNBUFFERED=1"
    )
    yield "COPY --from=build /opt /opt"
    yield "COPY --from=build /app /app"
    if image.function:
        yield "# Speaks HTTP to the server where AWS Lambda runs this image, and nowhere else."
        yield f"COPY --from={ADAPTER} /lambda-adapter /opt/extensions/lambda-adapter"
    yield f"WORKDIR {_at(join(image.main.folder) if image.main else '')}"
    yield "# The root is read-only at run time; without this, Fargate's /tmp belongs to root."
    yield 'VOLUME ["/tmp"]'
    yield f"USER {UID}:{UID}"
    yield "ARG REVISION=unknown"
    yield 'LABEL org.opencontainers.image.revision="$REVISION"'
    if image.main is not None and image.main.answers:
        yield from _served(image.main, image.ports)
    elif image.main is not None:
        yield f"CMD {_json(_command(image.main))}"


def _served(service: Service, ports: Sequence[int]) -> Iterator[str]:
    """How it is asked and started where nobody says otherwise."""
    port = service.port or ports[0]
    yield f"EXPOSE {' '.join(str(each) for each in ports)}"
    yield f"ENV {contract.HOST}=0.0.0.0 {contract.PORT}={port}"
    path = contract.HEALTH_PATH if service.command is None else service.probe
    if path is not None:
        asked = ["python", "-I", "-c", PROBE.format(port=port, path=path)]
        start = round(service.timeouts.startup_seconds)
        timing = f"--interval=15s --timeout=3s --start-period={start}s --retries=3"
        yield f"HEALTHCHECK {timing} CMD {_json(asked)}"
    yield f"CMD {_json(_command(service))}"


def _command(service: Service) -> list[str]:
    if service.command is not None:
        return exec_words(service.command)
    kinds = (("asgi", service.asgi), ("wsgi", service.wsgi), ("script", service.script))
    kind, target = next((kind, target) for kind, target in kinds if target is not None)
    factory = ["--factory"] if service.factory else []
    return ["fairway-runtime", "run", target, "--kind", kind, *factory]


def _apt(packages: Sequence[str], why: str) -> Iterator[str]:
    if not packages:
        return
    yield f"# {why} The base decides their versions."
    yield "# hadolint ignore=DL3008"
    yield "RUN apt-get update \\"
    yield f"    && apt-get install --yes --no-install-recommends {' '.join(packages)} \\"
    yield "    && rm -rf /var/lib/apt/lists/*"


def _member(member: str | None) -> list[str]:
    return ["--package", member] if member else []


def _at(folder: str) -> str:
    """A folder of the project, inside the image."""
    return f"/app/{folder}" if folder else "/app"


def _stage(number: int) -> str:
    return "page" if number == 0 else f"page{number + 1}"


def _build_words(command: str, variables: Sequence[tuple[str, str]]) -> list[str]:
    """A build's words; its variables stay with it, so that no layer of another changes by them."""
    said = ["env", *(f"{name}={value}" for name, value in variables)] if variables else []
    return [*said, *exec_words(command)]


def _json(words: Sequence[str]) -> str:
    """A list of words in exec form."""
    return json.dumps(list(words), ensure_ascii=False)
