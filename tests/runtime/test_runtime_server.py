"""`fairway-runtime run` as a process: what an app gets without a change to it."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

import fairway_runtime
from fairway.targets.local.ports import free_port
from fairway_runtime.contract import LOG_FIELDS
from tests.runtime.serving import APPS, Running, until

pytestmark = pytest.mark.real
PACKAGE = Path(fairway_runtime.__file__).parent


@pytest.mark.parametrize(
    ("trusted", "who"), [("127.0.0.1", "9.9.9.9 https"), ("10.0.0.1", "127.0.0.1 http")]
)
def test_a_proxy_that_is_trusted_is_believed_about_its_client(trusted: str, who: str) -> None:
    with Running("plain:app", env={"FORWARDED_ALLOW_IPS": trusted}) as app:
        app.ready()
        told = {"x-forwarded-for": "9.9.9.9", "x-forwarded-proto": "https"}

        assert app.client.get("/who", headers=told).text == who
        assert app.client.get("/who").text == "127.0.0.1 http"


@pytest.mark.requirement("R155", "R156", "R157", "R166")
def test_an_app_with_a_catch_all_gets_real_probes_and_metrics() -> None:
    with Running("shop:app") as app:
        app.ready()
        health = app.client.get("/health")
        app.client.get("/items/1")
        metrics = app.client.get("/metrics").text

        assert app.client.get("/anything").text == "the catch-all page"
        assert (health.status_code, health.json()) == (200, {"status": "alive"})
        assert app.client.get("/startup").json() == {"status": "started"}
        assert 'route="/items/{item}",status="200"} 1' in metrics
        assert app.status("/ready") == 200


@pytest.mark.requirement("R161", "R162", "R185")
def test_every_line_of_a_request_carries_its_id_in_tasks_threads_and_executors() -> None:
    with Running("shop:app") as app:
        app.ready()
        first = app.client.get("/tasks", headers={"x-request-id": "req-abc123"})
        app.client.get("/thread", headers={"x-request-id": "req-def456"})
        app.terminate()
        assert app.code() == 0

        assert first.headers["x-request-id"] == "req-abc123"
        of_first = [line for line in app.lines if line["correlation_id"] == "req-abc123"]
        assert {line.get("message") for line in of_first} == {
            "in one task",
            "in another task",
            "in to_thread",
            "in an executor",
            None,
        }
        assert app.saying("in a thread")[0]["correlation_id"] == "req-def456"
        for line in app.lines:
            assert tuple(line)[: len(LOG_FIELDS)] == LOG_FIELDS
        (access,) = app.named("GET /tasks")
        assert tuple(access) == (*LOG_FIELDS, "method", "path", "status")


def test_requests_at_the_same_time_do_not_mix_their_ids() -> None:
    with Running("shop:app") as app:
        app.ready()
        ids = [f"req-{number}" for number in range(40)]

        def ask(name: str) -> str:
            return app.client.get("/thread", headers={"x-request-id": name}).headers["x-request-id"]

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, ids)) == ids
        in_threads = sorted(line["correlation_id"] for line in app.saying("in a thread"))
        assert in_threads == sorted(ids)


def test_an_exception_is_logged_with_its_request_and_without_its_secrets() -> None:
    env = {"DATABASE_URL": "postgresql://shop:open-sesame@db/shop", "ENVIRONMENT": "staging"}
    with Running("shop:app", env=env) as app:
        app.ready()
        answer = app.client.get("/boom")
        until(lambda: app.saying("unhandled error"))

        assert not app.saying("Exception in ASGI application")  # uvicorn's, of the same error
        (line,) = app.saying("unhandled error")
        assert answer.status_code == 500
        assert line["correlation_id"] == answer.headers["x-request-id"]
        assert line["environment"] == "staging"
        assert "ValueError: no way to postgresql://shop:***@db/s" in line["exception"]
        assert "sesame" not in app.output
        assert "abcdefghij" not in app.output


def test_logging_that_an_app_set_up_for_the_terminal_becomes_json_and_its_files_stay(
    tmp_path: Path,
) -> None:
    with Running("own_logging:app", env={"OWN_LOG": str(tmp_path / "own.log")}) as app:
        app.ready()
        app.client.get("/")
        until(lambda: "printed" in app.output)

        lines = app.output.splitlines()
        assert "printed" in lines  # what an app prints stays as it is, and comes at once
        assert not [line for line in lines if "OWN" in line]
        assert any('"message":"from its own logger"' in line for line in lines)
        assert any('"message":"from another"' in line for line in lines)
        assert (tmp_path / "own.log").read_text() == "OWN from its own logger\n"


def test_log_level_silences_talk_but_not_the_record_of_requests() -> None:
    with Running("shop:app", env={"LOG_LEVEL": "ERROR"}) as app:
        app.ready()
        app.client.get("/items/1")

        assert not app.saying("looking for")
        assert app.named("GET /items/{item}")


def test_sigkill_loses_no_line_that_was_written() -> None:
    with Running("shop:app") as app:
        app.ready()
        for number in range(50):
            app.client.get(f"/items/{number}")
        app.process.kill()
        app.code()

        assert len(app.named("GET /items/{item}")) == 50


@pytest.mark.requirement("R235")
@pytest.mark.parametrize("path", ["/slow", "/slow-thread"])
def test_a_request_beyond_its_time_is_answered_504_at_once(path: str) -> None:
    with Running("shop:app", env={"FAIRWAY_REQUEST_SECONDS": "0.3"}) as app:
        app.ready()
        began = time.monotonic()
        answer = app.client.get(path, params={"seconds": 30})

        assert answer.status_code == 504
        assert answer.headers["content-type"] == "application/problem+json"
        assert time.monotonic() - began < 15
        assert app.client.get("/items/1").status_code == 200


def test_a_stream_and_a_websocket_outlive_the_request_timeout() -> None:
    with Running("shop:app", env={"FAIRWAY_REQUEST_SECONDS": "1"}) as app:
        app.ready()
        stream = app.client.get("/stream", params={"seconds": 1.5})

        async def talk() -> str:
            async with connect(f"ws://127.0.0.1:{app.port}/ws") as ws:
                await asyncio.sleep(1.5)
                await ws.send("still here")
                return str(await ws.recv())

        assert stream.text == "data: first\n\ndata: last\n\n"
        assert asyncio.run(talk()) == "STILL HERE"


def test_a_websocket_has_an_id_in_its_scope_its_answer_and_its_line() -> None:
    with Running("shop:app") as app:
        app.ready()

        async def talk() -> str:
            async with connect(f"ws://127.0.0.1:{app.port}/ws") as ws:
                await ws.send("a")
                await ws.recv()
                assert ws.response is not None
                return ws.response.headers["x-request-id"]

        identity = asyncio.run(talk())
        until(lambda: app.named("WEBSOCKET"))
        assert app.saying("socket of")[0]["message"] == f"socket of {identity}"
        assert app.saying("socket of")[0]["correlation_id"] == identity
        assert (app.named("WEBSOCKET")[0]["status"], app.named("WEBSOCKET")[0]["path"]) == (
            101,
            "/ws",
        )


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_sender_of_too_large_a_body_reads_the_413(is_chunked: bool) -> None:
    body = b"x" * 3_000_000
    with Running("shop:app", env={"FAIRWAY_BODY_BYTES": "1000000"}) as app:
        app.ready()
        content = (body[at : at + 65536] for at in range(0, len(body), 65536))
        answer = app.client.post("/upload", content=content if is_chunked else body)

        assert answer.status_code == 413
        assert answer.headers["connection"] == "close"
        assert app.client.post("/upload", content=body[:1_000_000]).text == "1000000"


@pytest.mark.requirement("R155", "R157")
def test_a_slow_start_answers_health_and_is_not_yet_started_nor_ready(tmp_path: Path) -> None:
    may_start = tmp_path / "may-start"
    with Running("slow_start:app", env={"MAY_START": str(may_start)}) as app:
        app.listening()
        early = [app.status(path) for path in ("/health", "/startup", "/ready", "/")]
        may_start.touch()
        until(lambda: app.status("/startup") == 200)

        assert early == [200, 503, 503, 503]
        assert [app.status(path) for path in ("/ready", "/")] == [200, 200]


def test_a_start_that_fails_ends_the_process_with_1_and_says_why() -> None:
    with Running("slow_start:fails") as app:
        assert app.code() == 1
        assert "ConnectionError: no database" in app.output


@pytest.mark.requirement("R156")
def test_readiness_names_the_dependency_that_fails_and_no_password() -> None:
    port = free_port()
    env = {
        "FAIRWAY_READY_CHECKS": "DATABASE_URL CACHE_URL",
        "DATABASE_URL": "sqlite:///shop.db",
        "CACHE_URL": f"redis://:open-sesame@127.0.0.1:{port}",
    }
    with Running("shop:app", env=env) as app:
        app.listening()
        answer = app.client.get("/ready")

        assert answer.status_code == 503
        checks = answer.json()["checks"]
        assert checks["DATABASE_URL"]["ready"] is True
        assert checks["CACHE_URL"]["ready"] is False
        assert checks["CACHE_URL"]["reason"] == "connection refused"
        assert "sesame" not in answer.text

        with socket.create_server(("127.0.0.1", port)) as cache:
            cache.settimeout(20)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(_answer_as_redis, cache)
                until(lambda: app.status("/ready") == 200)


def _answer_as_redis(listener: socket.socket) -> None:
    peer, _ = listener.accept()
    with peer:
        peer.recv(1000)
        peer.sendall(b"+OK\r\n")
        peer.recv(1000)
        peer.sendall(b"+PONG\r\n")


@pytest.mark.parametrize("target", [("wsgi:app",), ("wsgi:app", "--kind", "wsgi")])
def test_a_wsgi_app_is_found_out_and_gets_the_same(target: tuple[str, ...]) -> None:
    pytest.importorskip("a2wsgi")
    with Running(*target, env={"FAIRWAY_BODY_BYTES": "1000"}) as app:
        app.ready()
        answer = app.client.get("/hello/ann", headers={"x-request-id": "req-1"})

        assert answer.text == "hello ann"
        assert app.saying("greeting ann")[0]["correlation_id"] == "req-1"
        assert app.client.post("/upload", content=b"x" * 1001).status_code == 413
        app.terminate()
        assert app.code() == 0


@pytest.mark.parametrize(("library", "target"), [("a2wsgi", "wsgi:app"), ("uvicorn", "plain:app")])
def test_a_library_that_is_missing_is_told_with_where_to_add_it(
    tmp_path: Path, library: str, target: str
) -> None:
    (tmp_path / f"{library}.py").write_text(f"raise ImportError('no {library}')\n")
    with Running(target, env={"PYTHONPATH": str(tmp_path)}) as app:
        assert app.code() == 1
        assert f"`{library}`" in app.errors
        assert "to the app's requirements" in app.errors
        assert "Traceback" not in app.errors


def test_a_factory_is_called_when_it_is_said_to_be_one() -> None:
    with Running("plain:make", "--factory") as app:
        assert app.ready().client.get("/").text == "ok"
    with Running("plain:make") as app:
        assert app.code() == 1
        assert "plain:make takes no arguments: if it makes the app, add --factory" in app.errors


def test_an_app_that_wraps_itself_is_not_wrapped_twice(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import plain\nfrom fairway_runtime import Fairway\napp = Fairway(plain.app)\n"
    )
    with Running("own:app", env={"PYTHONPATH": str(APPS)}, cwd=tmp_path) as app:
        app.ready()
        app.client.get("/")
        assert len(app.named("GET other")) == 1


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere:app", "there is no module 'nowhere' in "),
        (
            "plain:apple",
            "module 'plain' has no 'apple'; it has plain:app, plain:broken, plain:make",
        ),
        ("plain", "'plain' must be `module:object`, for example `main:app`"),
        ("plain:number", "plain:number is an int, not an app"),
        ("none.py", "there is no script 'none.py'"),
    ],
)
def test_a_target_that_can_not_be_had_is_told_in_a_sentence(target: str, said: str) -> None:
    with Running(target) as app:
        assert app.code() == 1
        assert said in app.errors
        assert "Traceback" not in app.errors


@pytest.mark.parametrize(
    ("target", "last"),
    [
        (("needy:app",), "ModuleNotFoundError: No module named 'no_such_library'"),
        (("plain:broken", "--factory"), "LookupError: no configuration"),
    ],
)
def test_an_error_of_the_app_s_own_code_comes_with_its_own_frames_only(
    target: tuple[str, ...], last: str
) -> None:
    with Running(*target) as app:
        assert app.code() == 1
        assert app.errors.splitlines()[-1] == last
        assert str(APPS) in app.errors
        assert str(PACKAGE) not in app.errors
        assert "importlib" not in app.errors


@pytest.mark.parametrize(
    ("streamlit", "code", "said"),
    [
        ("from plain import app\n\ndef App(script):\n    print(script)\n    return app\n", 0, ""),
        (
            "__version__ = '1.40'\n",
            1,
            "Streamlit 1.40 can't be served as an ASGI app: 1.53 or later",
        ),
        ("import nothing_here\n", 1, "No module named 'nothing_here'"),
    ],
)
def test_a_streamlit_script_is_served_as_the_asgi_app_that_streamlit_makes_of_it(
    tmp_path: Path, streamlit: str, code: int, said: str
) -> None:
    (tmp_path / "streamlit.py").write_text(streamlit)
    (tmp_path / "page.py").write_text("raise SystemExit('run by Streamlit only')\n")
    with Running("page.py", cwd=tmp_path, env={"PYTHONPATH": str(APPS)}) as app:
        if code == 0:
            assert app.ready().client.get("/").text == "ok"
            assert str(tmp_path / "page.py") in app.output
            app.terminate()
        assert app.code() == code
        assert said in app.errors


def test_a_taken_port_is_told_before_the_app_is_imported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with Running("needy:app", "--port", port) as app:
            assert app.code() == 1
            assert f"port {port} on 127.0.0.1 is already in use" in app.errors


def test_bad_settings_are_all_told_and_end_with_2() -> None:
    with Running("plain:app", env={"LOG_LEVEL": "LOUD", "FAIRWAY_DRAIN_SECONDS": "x"}) as app:
        assert app.code() == 2
        assert "LOG_LEVEL" in app.errors
        assert "FAIRWAY_DRAIN_SECONDS" in app.errors


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's files in a folder of their own, as the tool lays them beside an app."""
    folder = tmp_path_factory.mktemp("overlay")
    shutil.copytree(PACKAGE, folder / "fairway_runtime")
    (folder / "shadowed.py").write_text("ORIGIN = 'overlay'\n")
    return folder


@pytest.mark.parametrize("flags", [("-P",), ()])
def test_boot_serves_an_app_whose_environment_does_not_have_the_runtime(
    overlay: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """`-S -s` and our own path stand for the environment: this checkout's packages but ours."""
    site = Path(httpx.__file__).parent.parent
    environment = tmp_path / "environment"
    environment.mkdir()
    for entry in site.iterdir():
        if (
            not entry.name.startswith(("fairway", "__editable__", "_virtualenv"))
            and entry.suffix != ".pth"
        ):
            (environment / entry.name).symlink_to(entry)
    (environment / "shadowed.py").write_text("ORIGIN = 'environment'\n")
    (tmp_path / "own.py").write_text(
        "import sys, shadowed, fairway_runtime\nfrom plain import app\n"
        "print(shadowed.ORIGIN, fairway_runtime.__file__, sys.path[0], file=sys.stderr)\n"
        "import context\n"
    )
    (tmp_path / "context.py").write_text("")  # the name of one of our modules
    (tmp_path / "plain.py").write_text((APPS / "plain.py").read_text())
    boot = str(overlay / "fairway_runtime" / "boot.py")
    command = (sys.executable, "-S", "-s", *flags, boot)
    with Running(
        "own:app", command=command, cwd=tmp_path, env={"PYTHONPATH": str(environment)}
    ) as app:
        assert app.ready().client.get("/").text == "ok"
        said = app.errors.split()
        assert said == [
            "environment",
            str(overlay / "fairway_runtime" / "__init__.py"),
            str(tmp_path),
        ]
        app.terminate()
        assert app.code() == 0


def test_importing_the_package_imports_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import fairway_runtime;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONPATH": str(PACKAGE.parent), "PATH": os.environ["PATH"]},
    )

    assert done.stdout.split() == ["fairway_runtime"]


def test_one_line_does_the_same_under_a_server_of_one_s_own(tmp_path: Path) -> None:
    """A server whose own logging was set up before the app was imported."""
    (tmp_path / "own.py").write_text(
        "from shop import app\nfrom fairway_runtime import Fairway\napp = Fairway(app)\n"
    )
    (tmp_path / "run.py").write_text(
        "import os, uvicorn\nuvicorn.run('own:app', port=int(os.environ['PORT']))\n"
    )
    command = (sys.executable, "run.py")
    env = {"PYTHONPATH": f"{tmp_path}:{APPS}"}
    with Running(command=command, cwd=tmp_path, env=env) as app:
        app.ready()
        answer = app.client.get("/items/1")
        app.terminate()
        app.code()

        identity = answer.headers["x-request-id"]
        of_request = [line for line in app.lines if line["correlation_id"] == identity]
        assert [line.get("message") or line["operation"] for line in of_request] == [
            "looking for 1",
            "GET /items/{item}",
        ]
        assert "GET /items/1 HTTP" not in app.output + app.errors  # uvicorn's access log is off
        assert app.saying("Application shutdown complete")  # uvicorn's own talk is JSON too
