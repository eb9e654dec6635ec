"""The words and variables of replicas and jobs."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.problem import Problems
from fairway.core.spec.model import Service
from fairway.targets.local.invocation import app_environment, job_argv, replica_argv

PLACES = {"alembic": "/env/bin/alembic", "python": "/env/bin/python", "npm": "/usr/bin/npm"}
BOOT = "/overlay/fairway_runtime/boot.py"


def find(program: str, path: str) -> str | None:
    return PLACES.get(program) if path.startswith("/env/bin:") else None


def argv(command: str, **variables: str) -> tuple[str, ...]:
    return job_argv(command, {"PATH": "/env/bin:/usr/bin", **variables}, where="job.x", find=find)


def environment(caller: dict[str, str], variables: dict[str, str] | None = None) -> dict[str, str]:
    return app_environment(caller, variables or {}, environment="/env", code=["/r/app", "/r/src"])


# -- Words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("alembic upgrade head", ("/env/bin/alembic", "upgrade", "head")),
        ("python -m weather.ingest", ("/env/bin/python", "-m", "weather.ingest")),
        (
            "npm --prefix 'my page' run build",
            ("/usr/bin/npm", "--prefix", "my page", "run", "build"),
        ),
        ("python -c 'print(1) | $X > y'", ("/env/bin/python", "-c", "print(1) | $X > y")),
        ("python $PORT", ("/env/bin/python", "8000")),
        ('python "a ${PORT}b"', ("/env/bin/python", "a 8000b")),
        (r"python \$PORT", ("/env/bin/python", "$PORT")),
        ("python $TRICKY", ("/env/bin/python", "a b; c '\"")),
        ('python "$TRICKY"', ("/env/bin/python", "a b; c '\"")),
        ("python $UNKNOWN x", ("/env/bin/python", "", "x")),
        ("./run.sh", ("./run.sh",)),
    ],
)
def test_a_command_is_split_as_a_shell_would_without_one(
    command: str, words: tuple[str, ...]
) -> None:
    assert argv(command, PORT="8000", TRICKY="a b; c '\"") == words


@pytest.mark.parametrize(
    "command",
    ["a && b", "a | b", "a > b", "a; b", "A=1 b", "a *.csv", "a $(b)", 'a "$(b)"', "a `b`", "a &"],
)
def test_only_what_a_shell_alone_understands_goes_through_one(command: str) -> None:
    assert argv(command) == ("/bin/sh", "-c", command)


@given(st.lists(st.text(alphabet="ab '\"\\$|&;<>*#é\n", max_size=6), min_size=1, max_size=4))
def test_words_quoted_for_a_shell_come_out_as_they_were(words: list[str]) -> None:
    import shlex

    command = shlex.join(["python", *words])
    if "\n" in command or "$(" in command:
        return
    assert argv(command) == ("/env/bin/python", *words)


def test_a_missing_program_may_be_a_dependency() -> None:
    with pytest.raises(Problems, match="uv add celery"):
        argv("celery worker")
    with pytest.raises(Problems, match=r"Node\.js"):
        job_argv("yarn build", {"PATH": "/bin"}, where="site.page", find=find)


@pytest.mark.parametrize("command", ["", "   ", "python 'x"])
def test_a_command_that_says_nothing_or_never_ends_is_a_problem(command: str) -> None:
    with pytest.raises(Problems, match=r"job\.x"):
        argv(command)


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (Service(name="a", asgi="m:app"), ("m:app", "asgi")),
        (Service(name="a", wsgi="m:app"), ("m:app", "wsgi")),
        (Service(name="a", script="app.py"), ("app.py", "script")),
        (Service(name="a", asgi="m:make", factory=True), ("m:make", "asgi", "--factory")),
    ],
)
def test_the_runtime_serves_apps_and_scripts(service: Service, words: tuple[str, ...]) -> None:
    target, kind, *more = words
    made = replica_argv(
        service, python="/env/bin/python", boot=BOOT, port=8001, environment={}, find=find
    )
    head = ("/env/bin/python", "-P", BOOT, "run", target)
    assert made == (*head, "--host", "127.0.0.1", "--port", "8001", "--kind", kind, *more)


def test_a_command_finds_its_port() -> None:
    service = Service(name="a", command="python serve.py --bind $HOST:${PORT}")
    made = replica_argv(
        service,
        python="/env/bin/python",
        boot=BOOT,
        port=8001,
        environment={"PATH": "/env/bin:/bin", "PORT": "1"},
        find=find,
    )
    assert made == ("/env/bin/python", "serve.py", "--bind", "127.0.0.1:8001")


# -- Variables --------------------------------------------------------------------------------


@pytest.mark.requirement("R57")
def test_nothing_of_the_shell_reaches_the_app_but_what_is_listed() -> None:
    caller = {
        "PATH": "/usr/bin",
        "HOME": "/home/me",
        "LC_TIME": "de_DE.UTF-8",
        "TZ": "UTC",
        "SSL_CERT_FILE": "/ca.pem",
        "AWS_SECRET_ACCESS_KEY": "mine",
        "DATABASE_URL": "postgresql://mine",
        "PYTHONPATH": "/mine",
        "PYTHONSTARTUP": "/mine",
        "VIRTUAL_ENV": "/mine",
        "LD_PRELOAD": "/mine",
        "DJANGO_SETTINGS_MODULE": "mine",
    }
    assert environment(caller, {"DEBUG": "false"}) == {
        "DEBUG": "false",
        "HOME": "/home/me",
        "LC_TIME": "de_DE.UTF-8",
        "PATH": "/env/bin:/usr/bin",
        "PYTHONPATH": "/r/app:/r/src",
        "PYTHONUNBUFFERED": "1",
        "SSL_CERT_FILE": "/ca.pem",
        "TZ": "UTC",
        "VIRTUAL_ENV": "/env",
    }


def test_the_apps_own_variables_win_but_its_code_comes_first() -> None:
    made = environment({"TZ": "UTC"}, {"TZ": "Europe/Berlin", "PYTHONPATH": "lib:/r/app"})
    assert (made["TZ"], made["PYTHONPATH"]) == ("Europe/Berlin", "/r/app:/r/src:lib")


def test_a_proxy_is_not_asked_for_what_runs_here() -> None:
    made = environment({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".corp"})
    assert made["NO_PROXY"] == made["no_proxy"] == ".corp,localhost,127.0.0.1"
    assert "NO_PROXY" not in environment({})


def test_a_node_without_python_keeps_the_path() -> None:
    made = app_environment({"PATH": "/usr/bin"}, {}, environment=None, code=[])
    assert made == {"PATH": "/usr/bin", "PYTHONUNBUFFERED": "1"}


def test_a_shell_reads_the_same_words(tmp_path: Path) -> None:
    command = "printf %s. 'a b' \"c $X\" d\\ e $X"
    told = subprocess.run(
        ["/bin/sh", "-c", command], env={"X": "x"}, capture_output=True, check=True, text=True
    )
    words = job_argv(
        command, {"X": "x", "PATH": "/bin"}, where="", find=lambda program, path: program
    )
    assert "".join(f"{word}." for word in words[2:]) == told.stdout
