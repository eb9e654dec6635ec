"""What a command line starts."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.detect.launch import SEPARATORS, Launch, launches
from fairway.core.detect.sayable import as_command, as_schedule


@pytest.mark.parametrize(
    ("line", "kind", "target"),
    [
        ("uvicorn main:app --reload", "asgi", "main:app"),
        ("exec /venv/bin/uvicorn a.b:c --port 80", "asgi", "a.b:c"),
        ("python -m uvicorn --host 0.0.0.0 main:app", "asgi", "main:app"),
        ("uv run --no-dev uvicorn main:app", "asgi", "main:app"),
        ("poetry run hypercorn -b :80 main:app", "asgi", "main:app"),
        ("granian --interface asgi main:app", "asgi", "main:app"),
        ("granian --interface wsgi main:app", "wsgi", "main:app"),
        ("gunicorn mysite.wsgi", "wsgi", "mysite.wsgi"),
        ("gunicorn -k uvicorn.workers.UvicornWorker -w 4 main:app", "asgi", "main:app"),
        ("waitress-serve --listen=*:80 --call shop:create_app", "wsgi", "shop:create_app"),
        ("flask --app shop run --port 5000", "wsgi", "shop"),
        ("fastapi run app/main.py", "asgi", "app/main.py"),
        ("fastapi dev", "asgi", ""),
        ("streamlit run --server.port 80 page.py", "script", "page.py"),
        ("python -u main.py", "python", "main.py"),
        ("python manage.py runserver 0:80", "python", "manage.py"),
        ("celery -A shop.tasks worker -l info", "worker", "shop.tasks"),
        ("celery -A shop.tasks beat", "beat", "shop.tasks"),
        ("alembic -c x.ini upgrade head", "migration", "alembic -c x.ini upgrade head"),
        ("python manage.py migrate --noinput", "migration", "python manage.py migrate"),
        ("flask --app shop translate compile", "step", "translate"),
        ("python manage.py compilemessages", "step", "compilemessages"),
        ("sh -c 'FOO=1 uvicorn main:app'", "asgi", "main:app"),
        ("./entrypoint.sh", "shell", "./entrypoint.sh"),
    ],
)
def test_a_line_starts_a_server_worker_or_tool(line: str, kind: str, target: str) -> None:
    (launch,) = launches(line)
    assert (launch.kind, launch.target) == (kind, target)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "pip install uvicorn",
        "echo 'x",
        "python -c 'import a'",
        "ls | wc",
        "# uvicorn",
        "flask routes",
        "fastapi --version",
        "streamlit hello",
        "python manage.py wait_for_db",
    ],
)
def test_a_line_that_serves_nothing_starts_nothing(line: str) -> None:
    assert list(launches(line)) == []


def test_a_line_of_several_commands_starts_each() -> None:
    line = "cd backend && alembic upgrade head; exec gunicorn 'app:make(1)' -b 0.0.0.0:9000"
    migration, server = launches(line)
    assert migration.folder == server.folder == "backend"
    assert server == Launch("wsgi", "app:make", True, 9000, "backend", server.command)


def test_a_command_that_needs_a_shell_gets_one() -> None:
    assert as_command("python a.py") == "python a.py"
    assert as_command("cd a &&\n python b.py") == "sh -c 'cd a && python b.py'"
    assert as_command("A=1 python b.py") == "sh -c 'A=1 python b.py'"
    assert as_command("python 'b.py") == ""


def test_a_schedule_that_cannot_come_is_none() -> None:
    assert as_schedule("0  6 * * *") == "0 6 * * *"
    assert as_schedule("@daily") == "@daily"
    assert as_schedule("61 6 * * *") == as_schedule("@every 1h") == ""


def test_a_program_is_called_by_its_name_wherever_an_image_has_it() -> None:
    commands = [one.command for one in launches("/venv/bin/celery -A a worker; ./bin/run.sh")]
    assert commands == ["celery -A a worker", "./bin/run.sh"]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("rq worker --name 'a b' high", "rq worker --name 'a b' high"),
        ('rq worker --name "a b"', "rq worker --name 'a b'"),
        ('rq worker --name ""', "rq worker --name ''"),
        ('rq worker --url "$REDIS_URL" --name "$A b"', 'rq worker --url $REDIS_URL --name "$A b"'),
        ("gunicorn 'shop:make(1)'", "gunicorn 'shop:make(1)'"),
        ("gunicorn main:app -w $(nproc --all)", "gunicorn main:app -w $(nproc --all)"),
    ],
)
def test_what_was_one_word_stays_one(line: str, command: str) -> None:
    (launch,) = launches(line)
    assert launch.command == command


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="$`"), max_size=9)))
def test_words_are_read_again_as_they_were(words: list[str]) -> None:
    """Whatever quotes, spaces and signs of a shell are in them."""
    told = [word for word in words if word not in SEPARATORS]
    (launch,) = launches(["rq", "worker", *told])
    assert shlex.split(launch.command) == ["rq", "worker", *told]
