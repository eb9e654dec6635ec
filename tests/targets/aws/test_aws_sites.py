"""A site's build, before a deploy changes anything."""

import re
from pathlib import Path

import pytest

from fairway.core.problem import Problems
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.targets.aws import sites
from fairway.targets.aws.decide.progress import Told
from fairway.targets.aws.render import stacks
from fairway.targets.aws.render.commands import commands


def app_of(build: str) -> App:
    file = f"app = 'x'\n[site.page]\nroot = 'dist'\nbuild = '{build}'\n"
    return parse(file).app("production")


@pytest.mark.requirement("R1", "R6")
def test_it_runs_in_the_app_s_folder_and_is_told(tmp_path: Path) -> None:
    told: list[Told] = []
    build = "cp -r public dist"
    (tmp_path / "public").mkdir()
    (tmp_path / "public/index.html").write_text("hello\n")
    sites.build(app_of(build), tmp_path, told.append)
    assert (tmp_path / "dist/index.html").read_text() == "hello\n"
    assert told == [Told("site page", f"builds: {build}")]


def test_one_that_fails_says_its_last_words_and_that_nothing_changed(tmp_path: Path) -> None:
    (tmp_path / "build.sh").write_text("echo no such module\nexit 3\n")
    with pytest.raises(Problems) as caught:
        sites.build(app_of("sh build.sh"), tmp_path, lambda _: None)
    said = str(caught.value)
    assert said.startswith("site.page.build: `sh build.sh` ended with code 3\n")
    assert "    no such module\n" in said
    assert "Nothing has changed yet." in said


def test_what_only_a_shell_understands_a_shell_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an image and on a developer's machine."""
    (tmp_path / "a.html").touch()
    monkeypatch.setenv("INTO", "dist")
    (tmp_path / "dist").mkdir()
    sites.build(app_of("cp *.html $INTO"), tmp_path, lambda _: None)
    assert (tmp_path / "dist/a.html").exists()


def test_one_that_goes_on_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairway.programs.building.TELL_SECONDS", 0.1)
    waits = "until [ -e {} ]; do sleep 0.02; done\n"
    script = f"{waits.format('told')}echo bundles\n{waits.format('again')}"
    (tmp_path / "build.sh").write_text(script)
    said: list[str] = []

    def tell(told: Told) -> None:
        assert told.step == "site page"
        said.append(told.text)
        if found := re.fullmatch(r"still builds after \d+ s(: bundles)?", told.text):
            (tmp_path / ("again" if found[1] else "told")).touch()

    sites.build(app_of("sh build.sh"), tmp_path, tell)
    assert said[1].endswith(" s")
    assert said[-1].endswith(" s: bundles")


def test_one_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairway.programs.building.BUILD_SECONDS", 0.5)
    with pytest.raises(Problems, match=r"site\.page\.build: The build did not end within"):
        sites.build(app_of("sleep 60"), tmp_path, lambda _: None)


def test_a_program_that_is_not_here_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"`no-such-program x` cannot be run: No such file"):
        sites.build(app_of("no-such-program x"), tmp_path, lambda _: None)


def test_the_lines_of_render_build_it_before_its_files_are_sent() -> None:
    app = app_of("npm run build")
    lines = list(commands(app, stacks(app), "out"))
    place = next(n for n, line in enumerate(lines) if line.startswith("aws s3 sync"))
    assert lines[place - 1] == "npm run build"
