"""How big the images of the examples are, and how long they take to build: for R44.

Images are built by the engine that is here, on the Python base that is here, and told apart from
it: `added` is what the app's packages, the app and the runtime put on top of any base. `unpacked`
is what they take on a disk; `packed` is what a registry holds and a host fetches, each layer by
gzip as `docker push` packs it. The goal is packed, on the official slim base; its sizes, of
2026-08 and 2026-09, stand in https://github.com/docker-library/repo-info/tree/master/repos/python
(`remote/3.13-slim.md` packed, `local/3.13-slim.md` unpacked). On a disk the planner is above 300 MB
by PyArrow and LLVM alone, which Streamlit and Numba need.

`cold` reuses no layer; packages come from the cache of earlier builds where there is one.
`change` is after one line of the code has changed. A MB is a million bytes.
"""

import json
import shutil
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from bench.docker_engine import DOCKER, docker, local_base, with_runtime
from bench.project import LEFT_OUT, is_short, median, say
from bench.result import Result
from fairway.cli.build_sources import read_build_sources
from fairway.core.build.files import build_files
from fairway.core.build.images import images
from fairway.core.spec.parse import parse

REQUIREMENTS = ("R44",)

GOALS = {"planner_on_slim_packed_mb": "<= 300"}
ROOT = Path(__file__).parent.parent
APPS: Mapping[str, str] = {"planner": "longrun/api.py", "weather": "weather/api.py"}
SLIM_PACKED_MB = 42.96
SLIM_UNPACKED_MB = 126.25
LABEL = "fairway-bench"
ROUNDS = 3
CHUNK = 1 << 20
GZIP = 31  # zlib's window bits for gzip's format


def run() -> Result:
    """Build each app's image; without an engine or a base nothing is measured."""
    base = local_base()
    if base is None:
        say("there is no Docker engine, or no image of Python beside it: nothing is measured")
        return Result({}, GOALS)
    tag = f"fairway-bench-python:{base[1]}"
    figures = {"base_unpacked_mb": unpacked_mb(base[0])}
    try:
        with tempfile.TemporaryDirectory() as folder:
            with_runtime(Path(folder), base[0], tag, "--label", LABEL)
        for app, changed in APPS.items():
            with tempfile.TemporaryDirectory() as folder:
                figures |= of_app(app, changed, Path(folder) / app, tag)
    finally:
        docker("rmi", "--force", tag)
    return Result(figures, GOALS)


def of_app(app: str, changed: str, folder: Path, base: str) -> dict[str, float]:
    """Seconds and sizes of one example's image, which is removed afterwards."""
    shutil.copytree(ROOT / "examples" / app, folder, ignore=LEFT_OUT)
    write_build_files(folder, base)
    tag = f"fairway-bench-{app}"
    cold: list[float] = []
    change: list[float] = []
    try:
        for _ in range(1 if is_short() else ROUNDS):
            cold.append(build(folder, tag, "--no-cache"))
            with (folder / changed).open("a") as code:
                code.write(f"# {time.time_ns()}\n")  # else an earlier run's layers fit
            change.append(build(folder, tag))
            say(f"{app}: built in {cold[-1]:.1f} s, after a change in {change[-1]:.1f} s")
        added = unpacked_mb(tag) - unpacked_mb(base)
        packed = packed_mb(tag, len(layers(base)))
        runtime = docker("run", "--rm", tag, "du", "-sk", "/opt/fairway").split()[0]
        return {
            f"{app}_cold_seconds": median(cold),
            f"{app}_change_seconds": median(change),
            f"{app}_local_unpacked_mb": unpacked_mb(tag),
            f"{app}_added_unpacked_mb": added,
            f"{app}_added_packed_mb": packed,
            f"{app}_runtime_unpacked_mb": int(runtime) * 1024 / 1e6,
            f"{app}_code_unpacked_mb": copied_mb(tag, "/app"),
            f"{app}_on_slim_unpacked_mb": added + SLIM_UNPACKED_MB,
            f"{app}_on_slim_packed_mb": packed + SLIM_PACKED_MB,
        }
    finally:
        docker("rmi", "--force", tag)
        # The images whose tag a later build took.
        docker("image", "prune", "--force", "--filter", f"label={LABEL}")


def write_build_files(folder: Path, base: str) -> None:
    """What `fairway render` writes for the image, on this base."""
    app = parse((folder / "fairway.toml").read_text()).app("production")
    sources = read_build_sources(folder, app)
    made = images(app, sources, 8000)
    files = build_files(app.name, made, sources, version="0", runtime_version="0.1.0", base=base)
    for name, text in files.items():
        (folder / name).write_text(text)


def build(folder: Path, tag: str, *options: str) -> float:
    """Seconds of one build."""
    began = time.monotonic()
    named = ("--tag", tag, "--label", LABEL)
    docker("build", "--network=host", "--quiet", *options, *named, str(folder))
    return time.monotonic() - began


def unpacked_mb(tag: str) -> float:
    """What all layers of an image take on a disk."""
    return int(docker("image", "inspect", "--format", "{{.Size}}", tag)) / 1e6


def layers(tag: str) -> list[str]:
    """The digests of an image's layers, the base's first."""
    return json.loads(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", tag))


def copied_mb(tag: str, place: str) -> float:
    """The layer that holds a folder."""
    said = docker("history", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", tag)
    copies = (line for line in said.splitlines() if f"COPY {place} {place}" in line)
    return sum(int(line.split()[0]) for line in copies) / 1e6


def packed_mb(tag: str, above: int) -> float:
    """The layers after the first `above`, as a registry holds them."""
    with subprocess.Popen([DOCKER or "docker", "save", tag], stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None
        sizes: dict[str, int] = {}
        order: list[str] = []
        with tarfile.open(fileobj=saving.stdout, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None:
                    continue
                if member.name == "manifest.json":
                    order = json.load(content)[0]["Layers"]
                else:
                    sizes[member.name] = packed_bytes(content)
    return sum(sizes[name] for name in order[above:]) / 1e6


def packed_bytes(content: IO[bytes]) -> int:
    """The size of a layer by gzip, at the level that is everybody's default."""
    packing = zlib.compressobj(wbits=GZIP)
    total = 0
    while chunk := content.read(CHUNK):
        total += len(packing.compress(chunk))
    return total + len(packing.flush())
