"""Workers that `fairway init` finds: what starts them, what they use, what is only suggested."""

import pytest

from fairway.core.detect.findings import Findings, FoundWorker
from fairway.core.detect.project import detect
from fairway.core.detect.sources import Sources
from fairway.core.detect.write import write
from fairway.core.spec.parse import parse

WEB = {
    "requirements.txt": "fastapi\nuvicorn\nredis\n",
    "main.py": (
        "import os, redis\nfrom fastapi import FastAPI\n"
        'queue = redis.from_url(os.environ["REDIS_URL"])\napp = FastAPI()\n'
    ),
    "work.py": "while True:\n    pass\n",
}


def found(**texts: str) -> Findings:
    files = {**WEB, **{name.replace("__", "/"): text for name, text in texts.items()}}
    return detect(Sources("shop", files, frozenset(files)))


def workers(procfile: str) -> tuple[FoundWorker, ...]:
    return found(Procfile=f"web: uvicorn main:app\n{procfile}\n").workers


@pytest.mark.parametrize(
    "command",
    [
        "celery -A shop worker",
        "rq worker high",
        "arq shop.Settings",
        "dramatiq shop.tasks",
        "huey_consumer shop.huey",
        "taskiq worker shop:broker",
        "procrastinate worker",
        "python manage.py qcluster",
        "python -m celery -A shop worker",
    ],
)
def test_what_takes_tasks_from_a_queue_is_a_worker_whatever_it_is_called(command: str) -> None:
    (one,) = workers(f"other: {command}")
    assert (one.name, one.command.value, one.is_sure) == ("other", command, True)
    assert not one.is_clock


@pytest.mark.parametrize(
    "command", ["rq info", "procrastinate schema --apply", "celery -A x shell"]
)
def test_other_words_of_the_same_programs_are_no_workers(command: str) -> None:
    assert workers(f"other: {command}") == ()


@pytest.mark.parametrize("command", ["celery -A shop beat", "rqscheduler", "python clock.py"])
def test_what_keeps_time_runs_once(command: str) -> None:
    files = {"clock.py": "while True:\n    pass\n"}
    texts = {**WEB, **files, "Procfile": f"web: uvicorn main:app\nclock: {command}\n"}
    made = detect(Sources("shop", texts, frozenset(texts)))
    assert parse(write(made)).app().programs["clock"].runs_alone
    assert "replicas = 1" in write(made)


def test_a_program_of_the_projects_own_is_one_by_what_it_is_called() -> None:
    (one,) = workers("mail-worker: python work.py")
    assert (one.name, one.command.value) == ("mail-worker", "python work.py")
    assert workers("report: python work.py") == ()


def test_a_worker_uses_what_the_service_does_whose_code_it_runs() -> None:
    (one,) = workers("worker: rq worker")
    assert one.uses == ("cache",)
    assert parse(write(found(Procfile="worker: rq worker\n"))).app().workers["worker"].uses


def test_a_folder_inside_an_image_is_none_of_the_projects() -> None:
    (one,) = workers("worker: cd /srv && rq worker")
    assert one.folder == ""


def test_no_two_nodes_have_one_name() -> None:
    made = found(Procfile="web: uvicorn main:app\ncache: rq worker\nweb: rq worker low\n")
    assert [one.name for one in made.workers] == ["cache-worker", "worker"]
    parse(write(made))


def test_a_bot_alone_is_an_app_and_no_question_is_asked() -> None:
    files = {
        "requirements.txt": "aiogram\nsqlalchemy\npsycopg2\n",
        "Dockerfile": 'FROM python:3.12\nCMD ["python", "bot.py"]\n',
        "bot.py": (
            "import os, aiogram, sqlalchemy\n"
            'db = sqlalchemy.create_engine(os.environ["DATABASE_URL"])\n'
        ),
    }
    made = detect(Sources("bot", files, frozenset(files)))
    app = parse(write(made)).app()
    assert list(app.services) == []
    assert app.workers["worker"].uses == ("db",)
    assert not made.is_empty
    assert not made.notes_of("untold")


def test_a_program_that_listens_on_a_port_is_a_service_though_it_uses_a_queue() -> None:
    files = {
        "requirements.txt": "pika\n",
        "Dockerfile": 'FROM python:3.12\nCMD ["python", "serve.py"]\n',
        "serve.py": "import os, pika, http.server\n"
        'http.server.HTTPServer(("", int(os.environ["PORT"])), None).serve_forever()\n',
    }
    made = detect(Sources("serve", files, frozenset(files)))
    assert [one.name for one in made.services] == ["web"]
    assert made.workers == ()


def test_a_celery_app_that_nothing_starts_is_only_suggested() -> None:
    made = found(tasks__py="")
    assert made.workers == ()
    texts = {**WEB, "tasks.py": 'from celery import Celery\napp = Celery("x")\n'}
    suggested = detect(Sources("shop", texts, frozenset(texts)))
    assert [one.is_sure for one in suggested.workers] == [False]
    assert '# command = "celery -A tasks worker"' in write(suggested)
    assert parse(write(suggested)).app().workers == {}
