"""The same shape under Docker Compose, where an engine is present: what most teams use today.

The files are in `compose_shape`: Envoy, two replicas, PostgreSQL, Valkey, MiniStack, each with a
volume where it keeps data, and migrations that run once before. They are the programs that
Fairway runs, as near its versions as a tag says, and the app has the same Python, its bytecode
compiled. An image is fetched only where the engine has none of that name: without a registry,
one's own serve.

Images are there before any clock starts, and the whole shape was up once. The clock runs from
`docker compose up --detach` to the first 200 that comes through the balancer from the database;
somebody outside asks every 5 ms. Cold: no container, no network, no volume. Warm: after
`docker compose stop`, which is what Ctrl-C does, so that containers, network and data are there.

Where there was a choice, the quicker was taken. The migrations wait for PostgreSQL, the replicas
for them and for Valkey; both are probed every 500 ms, as often as Compose itself looks: with
probes every 200 ms a cold start took 6.7 to 8.2 s, not 6.0, on two processors. Nothing waits for
the object store, which the first page does not need, nor for a replica to be ready before the
balancer starts. The balancer tries the other replica where one does not listen yet.

The engine itself is found as its client finds it (`DOCKER_HOST`, the current context), and what
it holds itself is not in the memory.
"""

import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.first_answer import NoAnswer, answer, wait_for_200
from bench.memory import listed_mib
from bench.project import EXAMPLE, LEFT_OUT, READ, median, say
from fairway.targets.local.ports import free_port

__all__ = ["Composed", "Shape", "figures", "shape"]

FILES = Path(__file__).parent / "compose_shape"
READY_SECONDS = 120.0
IMAGES_SECONDS = 900.0
ASK_SECONDS = 30.0
WHOLE = 10  # answers in a row, which the balancer has both replicas give


@dataclass(frozen=True, slots=True)
class Composed:
    """One round: seconds to the first 200, and the MiB of all containers after it."""

    cold: float
    warm: float
    memory_mib: float


class Broken(Exception):
    """Docker did not do what it was asked; why."""


class Shape:
    """The shape in a folder of its own; without an engine, nothing.

    Once a round could not be measured there is no other: each would wait as long in vain.
    """

    def __init__(self, folder: Path, port: int, reason: str = "") -> None:
        self.folder = folder
        self.port = port
        self.reason = reason  # why it is not measured; empty while it is

    def measure(self) -> Composed | None:
        """Go through all of it once; None where that is impossible, which is said."""
        if self.reason:
            return None
        try:
            self.forget()
            cold = self.up_to_first_200()
            self.settle()
            memory_mib = self.memory_mib()
            self.docker("stop")
            return Composed(cold=cold, warm=self.up_to_first_200(), memory_mib=memory_mib)
        except (Broken, NoAnswer) as error:
            self.give_up(str(error))
            return None

    def prepare(self) -> None:
        """Build what is built, fetch what is missing, and have all of it up once."""
        try:
            self.docker("build", seconds=IMAGES_SECONDS)
            self.docker("create", seconds=IMAGES_SECONDS)  # fetches what is not there
            self.up_to_first_200()
        except (Broken, NoAnswer) as error:
            self.give_up(str(error))

    def give_up(self, reason: str) -> None:
        self.reason = reason
        say(f"docker compose was not measured: {reason}")

    def up_to_first_200(self) -> float:
        """Seconds from the command to the first 200; it returns once the command has too."""
        log = self.folder / "up.log"
        with log.open("wb") as said:
            began = time.monotonic()
            argv = self.argv("up", "--detach")
            with subprocess.Popen(
                argv, cwd=self.folder, env=self.environment, stdout=said, stderr=said
            ) as process:
                try:
                    answered_at = wait_for_200(self.port, READ, seconds=READY_SECONDS)
                    code = process.wait(READY_SECONDS)
                except NoAnswer as error:
                    raise NoAnswer(f"{error}: {tail(log.read_text())}") from None
                finally:
                    process.kill()
        if code:
            raise Broken(f"docker compose up: {tail(log.read_text())}")
        return answered_at - began

    def settle(self) -> None:
        """Wait until both replicas answer."""
        deadline = time.monotonic() + READY_SECONDS
        in_a_row = 0
        while in_a_row < WHOLE:
            if time.monotonic() > deadline:
                raise NoAnswer(f"one of two replicas did not answer within {READY_SECONDS:g} s")
            in_a_row = in_a_row + 1 if answer(self.port, READ)[0] == 200 else 0

    def memory_mib(self) -> float:
        """Of every process in its containers."""
        listings = [
            asked("docker", "top", container, "-eo", "pid,rss")
            for container in self.docker("ps", "--quiet").split()
        ]
        return sum(map(listed_mib, listings))

    def forget(self) -> None:
        """Remove its containers, its network and its volumes; images stay."""
        self.docker("down", "--volumes", "--timeout", "5")

    def docker(self, *words: str, seconds: float = READY_SECONDS) -> str:
        return asked(
            *self.argv(*words), folder=self.folder, environment=self.environment, seconds=seconds
        )

    def argv(self, *words: str) -> list[str]:
        # The folder's name is chance: nobody's own project is called so.
        return ["docker", "compose", "--project-name", self.folder.name, *words]

    @property
    def environment(self) -> dict[str, str]:
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        return {**os.environ, "PORT": str(self.port), "PYTHON": python}


@contextmanager
def shape() -> Generator[Shape]:
    """The shape, its images there; what was made of it but these is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="fairway-bench-") as made:
        folder = Path(made)
        folder.chmod(0o755)  # Envoy runs as another user
        composed = Shape(folder, free_port())
        try:
            say(f"docker {engine()}, compose {asked('docker', 'compose', 'version', '--short')}")
        except Broken as error:
            composed.give_up(str(error))
            yield composed
            return
        for files in (EXAMPLE, FILES):
            shutil.copytree(files, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
        try:
            composed.prepare()
            yield composed
        finally:
            with suppress(Broken):
                composed.forget()


def figures(rounds: Sequence[Composed | None], ours: float) -> dict[str, float]:
    """Medians, and how often `ours`, a cold start's seconds, goes into theirs.

    NaN for all of them where a round is missing: a median of those that went well would flatter.
    """
    measured = [each for each in rounds if each is not None]
    if not measured or len(measured) < len(rounds):
        names = ("cold_seconds", "warm_seconds", "cold_ratio", "memory_mib")
        return {f"compose_{name}": math.nan for name in names}
    cold = median([each.cold for each in measured])
    return {
        "compose_cold_seconds": cold,
        "compose_warm_seconds": median([each.warm for each in measured]),
        "compose_cold_ratio": cold / ours,
        "compose_memory_mib": median([each.memory_mib for each in measured]),
    }


def engine() -> str:
    """The version of the engine that answers. Raises `Broken` where none does."""
    return asked("docker", "version", "--format", "{{.Server.Version}}")


def asked(
    *argv: str,
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
    seconds: float = ASK_SECONDS,
) -> str:
    """What a command prints; raises `Broken` with its last words where it fails."""
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env=environment,
            timeout=seconds,
            check=False,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Broken(f"{' '.join(argv[:2])}: {error}") from None
    if done.returncode:
        raise Broken(f"{' '.join(argv)}: {tail(done.stderr)}")
    return done.stdout.strip()


def tail(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no word")
