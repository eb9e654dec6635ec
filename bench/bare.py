"""The same app without Fairway: each program by itself, one after the other. What `up` can't beat.

A PostgreSQL is initialised and started, the migrations run, one uvicorn serves; each is timed
until it does what the next one needs. No balancer, no second replica, no Redis, no object store,
no password, no runtime: less than the production shape has, and no two at once.
"""

import os
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.first_answer import wait_for_200
from bench.project import READ, Project
from fairway.targets.local import binaries, reach
from fairway.targets.local.ports import free_port

__all__ = ["Bare", "measure", "psql", "server"]


@dataclass(frozen=True, slots=True)
class Bare:
    """Seconds of each step."""

    initdb: float
    start: float
    migrate: float
    serve: float

    @property
    def cold(self) -> float:
        return self.initdb + self.start + self.migrate + self.serve

    @property
    def warm(self) -> float:
        """With the data there and nothing to migrate."""
        return self.start + self.serve


def measure(project: Project) -> Bare:
    """Go through all of it once, in the copy's own environment."""
    home = project.aside()
    began = time.monotonic()
    data = initialised(home)
    initialised_at = time.monotonic()
    with server(data) as port:
        started_at = time.monotonic()
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        environment = {**project.environment, "DATABASE_URL": url}
        python = project.folder / ".venv" / "bin"
        subprocess.run(
            [python / "alembic", "upgrade", "head"],
            cwd=project.folder,
            env=environment,
            check=True,
            capture_output=True,
        )
        migrated_at = time.monotonic()
        serve(project, environment)
        served_at = time.monotonic()
    return Bare(
        initdb=initialised_at - began,
        start=started_at - initialised_at,
        migrate=migrated_at - started_at,
        serve=served_at - migrated_at,
    )


def serve(project: Project, environment: dict[str, str]) -> None:
    """One uvicorn, until its first 200."""
    port = free_port()
    with subprocess.Popen(
        [project.folder / ".venv/bin/uvicorn", "weather.api:app", "--port", str(port)],
        cwd=project.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for_200(port, READ, seconds=60.0)
        finally:
            process.kill()


def initialised(home: Path) -> Path:
    """A new cluster that trusts whoever comes, by the one who may run it and enter `home`."""
    data = home / "data"
    data.mkdir(mode=0o700)
    user = reach.unprivileged_user()
    if user is not None:
        os.chown(data, user, user)
    words = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    subprocess.run(
        [*as_user(), binaries.postgres("initdb"), f"--pgdata={data}", *words],
        check=True,
        capture_output=True,
        cwd=home,
    )
    return data


@contextmanager
def server(data: Path) -> Generator[int]:
    """A server on the cluster, as it is out of the box; its port."""
    port = free_port()
    options = {"port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    with subprocess.Popen(
        [*as_user(), binaries.postgres(), "-D", str(data), *words],
        cwd=data,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            lock = data / "postmaster.pid"
            while "ready" not in (lock.read_text() if lock.exists() else ""):
                if process.poll() is not None:
                    raise RuntimeError("the bare PostgreSQL ended")
                time.sleep(0.002)
            yield port
        finally:
            process.terminate()


def as_user() -> tuple[str, ...]:
    user = reach.unprivileged_user()
    if user is None:
        return ()
    return ("setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups", "--")


def psql(sql: str, url: str = "", environment: Mapping[str, str] | None = None) -> str:
    """What psql answers, without frames, at a URL or where the variables say. RuntimeError."""
    done = subprocess.run(
        [binaries.postgres("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", *filter(None, [url])],
        input=sql,
        env={"PATH": os.defpath, **(environment or {})},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"psql: {done.stderr}")
    return done.stdout.strip()
