"""The wheel alone, and under the servers that others use (R221-R226)."""

import asyncio
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.runtime.environments import environment, wheel
from tests.runtime.serving import APPS, Running, client, until

pytestmark = pytest.mark.real
SERVERS = ("granian", "gunicorn", "uvicorn-worker", "uvloop", "httptools", "websockets")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the built wheel, the servers and Starlette."""
    built = str(wheel(tmp_path_factory))
    return environment(tmp_path_factory, "servers", built, *SERVERS, "starlette")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the built wheel and what it needs, and nothing else."""
    return environment(tmp_path_factory, "alone", str(wheel(tmp_path_factory)))


def serving(python: Path, server: str, home: Path) -> Running:
    return Running(
        server,
        command=(str(python), str(APPS / "serve_with.py")),
        env={"PYTHONPATH": str(APPS), "HOME": str(home)},
    )


@pytest.mark.requirement("R221", "R222", "R223", "R225", "R226")
@pytest.mark.parametrize("server", ["granian", "gunicorn"])
def test_another_server_finishes_its_work_closes_sockets_with_1012_and_exits_with_0(
    python: Path, server: str, tmp_path: Path
) -> None:
    with serving(python, server, tmp_path) as app, ThreadPoolExecutor() as pool:
        app.ready()

        def ask(path: str) -> str:
            with client(app.url) as one:
                return one.get(path).text

        async def talk() -> int:
            async with connect(f"ws://127.0.0.1:{app.port}/ws") as ws:
                await ws.send("before")
                assert await ws.recv() == "BEFORE"
                app.terminate()
                time.sleep(0.2)  # noqa: ASYNC251 (nothing else is to happen)
                app.terminate()  # twice changes nothing
                with pytest.raises(ConnectionClosed) as closed:
                    await ws.recv()
                assert closed.value.rcvd is not None, "closed without a word"
                return closed.value.rcvd.code

        slow = pool.submit(ask, "/slow?seconds=2")
        until(lambda: "began" in app.output)
        assert ask("/later") == "done"  # its work goes on for a second after its answer
        assert asyncio.run(talk()) == 1012
        assert slow.result() == "done"
        assert app.code() == 0
        output = app.output
        assert "background done" in output
        assert output.index("background done") < output.index("connections closed")
        assert output.index('"path":"/slow"') < output.index("connections closed")


def run(python: Path, code: str, *options: str) -> str:
    done = subprocess.run(
        [str(python), *options, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_wheel_alone_brings_uvicorn_and_nothing_else(alone: Path) -> None:
    code = (
        "from importlib.metadata import distributions as d;print(*sorted(one.name for one in d()))"
    )
    assert run(alone, code).split() == ["click", "fairway-runtime", "h11", "uvicorn"]


def test_every_module_of_the_wheel_is_imported_where_no_extra_is_installed(alone: Path) -> None:
    code = (
        "import importlib, pkgutil, fairway_runtime as f\n"
        "names = [m.name for m in pkgutil.iter_modules(f.__path__) if m.name != '__main__']\n"
        "for name in names:\n"
        "    try: importlib.import_module('fairway_runtime.' + name)\n"
        "    except ModuleNotFoundError as error: print(name, error.name)\n"
        "print(len(names) > 40)"
    )
    *missing, counted = run(alone, code).splitlines()
    assert counted == "True"
    # What speaks through a library that is an extra, and is imported only when it is asked for.
    assert set(missing) <= {"http_connection httptools", "sentry sentry_sdk"}


@pytest.mark.requirement("R155", "R156", "R166", "R226")
def test_the_wheel_alone_serves_an_app(alone: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(
        "async def app(scope, receive, send):\n"
        "    if scope['type'] == 'http':\n"
        "        await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "        await send({'type': 'http.response.body', 'body': b'tiny'})\n"
    )
    command = (str(alone.parent / "fairway-runtime"),)
    env = {"RATE_LIMIT": "100/s", "REDIS_URL": "redis://127.0.0.1:1/0"}
    with Running("tiny:app", command=command, cwd=tmp_path, env=env) as app:
        app.ready()
        assert app.client.get("/").text == "tiny"
        assert "http_requests_total" in app.client.get("/metrics").text
        app.terminate()
        assert app.code() == 0
        assert app.named("drain")
