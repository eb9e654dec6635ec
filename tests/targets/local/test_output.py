"""The last words of a process."""

from pathlib import Path

from fairway.targets.local.output import last_lines


def test_the_apps_own_files_are_named_from_the_projects_folder(tmp_path: Path) -> None:
    log = tmp_path / "web.1.log"
    log.write_text(
        '  File "/home/me/shop/.fairway/revisions/be3eaf4e99/source/shop/views.py", line 3\n'
        '  File "/home/me/shop/.venv/lib/python3.12/site-packages/flask/app.py", line 9\n'
    )
    assert last_lines(log, 2) == (
        '  File "shop/views.py", line 3',
        '  File "/home/me/shop/.venv/lib/python3.12/site-packages/flask/app.py", line 9',
    )


def test_empty_lines_are_no_words_and_no_log_has_none(tmp_path: Path) -> None:
    log = tmp_path / "web.1.log"
    assert last_lines(log, 3) == ()
    log.write_text("one\n\n \ntwo\n")
    assert last_lines(log, 3) == ("one", "two")
    assert last_lines(log, 1) == ("two",)
