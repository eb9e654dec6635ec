"""What cannot be told is asked once, and an answer settles it."""

from fairway.core.detect.explain import questions
from fairway.core.detect.project import detect
from tests.core.detect.archive import read_archive, read_project


def test_two_equal_apps_are_a_question_that_says_what_to_write() -> None:
    findings = detect(read_project("two-apps"))
    (question,) = questions(findings)
    assert [option.value for option in question.options] == [
        "admin/main.py:app",
        "public/main.py:app",
    ]
    problem = question.problem()
    assert problem.what.startswith("Which app is the main one?")
    assert problem.mend == (
        "Write one under [service.web] in fairway.toml: "
        'asgi = "admin.main:app" or asgi = "public.main:app".'
    )


def test_an_answer_settles_a_question() -> None:
    sources = read_project("two-apps")
    findings = detect(sources, {"server": "public/main.py:app"})
    assert questions(findings) == ()
    assert findings.services[0].target.value == "public.main:app"


def test_an_app_among_examples_is_taken_only_when_it_is_named() -> None:
    sources = read_project("collection")
    assert detect(sources).is_empty
    findings = detect(sources, {"server": "examples/chat/app.py:app"})
    assert findings.services[0].target.value == "app:app"
    assert findings.services[0].folder == "examples/chat"


def test_many_folders_with_an_app_each_are_a_question() -> None:
    code = "from flask import Flask\napp = Flask('x')\n"
    text = "".join(f"-- {n}/requirements.txt --\nflask\n-- {n}/app.py --\n{code}" for n in "abcde")
    findings = detect(read_archive("project", text))
    (question,) = questions(findings)
    assert question.ask == "5 folders hold an app each; which one is meant?"


def test_an_app_that_is_named_by_a_test_alone_is_never_asked_for() -> None:
    code = "from fastapi import FastAPI\napp = FastAPI()\n"
    findings = detect(read_archive("project", f"-- tests/test_a.py --\n{code}"))
    assert (findings.services, findings.questions) == ((), ())
