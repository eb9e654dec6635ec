"""The command line without an engine: help, bad input, exit codes, streams."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from fairway.cli.main import VERBS, cli, main

FILE = """
app = "small"

[service.web]
asgi = "main:app"
public = true
"""
COMMAND = (sys.executable, "-m", "fairway.cli.main")


class Fairway:
    """Runs verbs in this process."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self.captured = captured

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of one verb."""
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = self.captured.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err


@pytest.fixture
def fairway(capsys: pytest.CaptureFixture[str]) -> Fairway:
    return Fairway(capsys)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that nothing runs of."""
    (tmp_path / "fairway.toml").write_text(FILE)
    (tmp_path / "main.py").write_text("app = None\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- Help ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_and_each_of_its_options(fairway: Fairway, verb: str) -> None:
    code, out, err = fairway(verb, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: fairway {verb} ")
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    assert command.help, verb
    for each in command.params:
        assert not isinstance(each, click.Option) or each.help, f"{verb} {each.opts}"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_verb(fairway: Fairway, flag: str) -> None:
    code, out, _ = fairway(flag)
    assert code == 0
    for verb, line in VERBS.items():
        assert f"  {verb} " in out
        assert line in out


def test_the_version_is_said(fairway: Fairway) -> None:
    code, out, _ = fairway("--version")
    assert code == 0
    assert out.startswith("fairway ")


# -- Bad input: exit code 2, what is wrong and how to mend it, on stderr ---------------------------


def test_a_misspelt_verb_is_answered_with_the_likely_one(fairway: Fairway) -> None:
    code, out, err = fairway("stats")
    assert (code, out) == (2, "")
    assert "There is no verb `stats`. Did you mean `status`?" in err


def test_a_word_like_no_verb_gets_no_guess(fairway: Fairway) -> None:
    code, _, err = fairway("xyzzy")
    assert code == 2
    assert "There is no verb `xyzzy`." in err
    assert "Did you mean" not in err


@pytest.mark.parametrize("size", ["api", "api=", "api=x", "api=-1", "api=101", "=", "api=1.5"])
def test_a_size_that_cannot_be_read_is_refused(fairway: Fairway, project: Path, size: str) -> None:
    code, out, err = fairway("scale", "web=1", size) if size == "=" else fairway("scale", size)
    assert (code, out) == (2, "")
    assert f"fairway scale {size}: this is not SERVICE=N with N from 0 to 100" in err
    assert "fairway scale api=3" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("up", "--bogus"),
        ("run",),
        ("exec", "web"),
        ("scale",),
        ("logs", "-n", "-1"),
        ("completion", "tcsh"),
        ("status", "--json=1"),
    ],
    ids=" ".join,
)
def test_a_line_that_cannot_be_read_is_bad_input(
    fairway: Fairway, project: Path, arguments: tuple[str, ...]
) -> None:
    code, out, err = fairway(*arguments)
    assert (code, out) == (2, "")
    assert "Error: " in err


@pytest.mark.parametrize(
    "verb",
    ["status", "logs", "run", "exec", "scale", "rollback", "promote", "pause", "resume", "down"],
)
def test_a_folder_without_a_project_is_told_how_to_begin(
    fairway: Fairway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    words = {"run": ["job"], "scale": ["api=1"], "exec": ["api", "ls"]}.get(verb, [])
    code, out, err = fairway(verb, *words)
    assert (code, out) == (2, "")
    assert f"{tmp_path}: there is no fairway.toml here or above" in err
    assert "fairway init" in err


def test_the_folders_below_that_have_a_file_are_named(
    fairway: Fairway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("shop", "apps/bot", ".venv/lib", "a/b/c"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "fairway.toml").touch()
    code, _, err = fairway("status", "shop")
    assert code == 2
    assert "Name its folder: `-C apps/bot` or `-C shop`." in " ".join(err.split())


def test_a_folder_that_is_not_there_is_named(fairway: Fairway) -> None:
    code, _, err = fairway("status", "--project", "/nowhere")
    assert code == 2
    assert "/nowhere: there is no such folder" in err


def test_a_file_that_is_not_utf8_is_refused(fairway: Fairway, project: Path) -> None:
    (project / "fairway.toml").write_bytes(b'app = "caf\xe9"')
    code, _, err = fairway("up")
    assert code == 2
    assert "it is not UTF-8 text (byte 10)" in err


def test_bad_files_are_told_in_full_and_change_nothing(fairway: Fairway, project: Path) -> None:
    (project / "fairway.toml").write_text(FILE.replace("asgi", "agsi") + "replicas = 'many'\n")
    for verb in ("up", "plan", "deploy"):
        code, out, err = fairway(verb)
        assert (code, out) == (1 if verb == "plan" else 2, "")  # a plan's 2 means changes
        assert err.count("error:") >= 2
    assert not (project / ".fairway").exists()


def test_an_existing_file_is_not_replaced_without_force(fairway: Fairway, project: Path) -> None:
    code, _, err = fairway("init")
    assert code == 2
    assert "it is there already" in err
    assert "--force" in err
    assert (project / "fairway.toml").read_text() == FILE


# -- Nothing runs: exit code 1 ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("status", "--json"),
        ("deploy",),
        ("rollback",),
        ("run", "nightly"),
        ("scale", "web=3"),
        ("exec", "web", "--", "ls"),
        ("promote",),
        ("abort",),
        ("pause",),
        ("resume",),
    ],
    ids=" ".join,
)
def test_a_verb_that_needs_the_engine_says_that_it_does_not_run(
    fairway: Fairway, project: Path, arguments: tuple[str, ...]
) -> None:
    code, out, err = fairway(*arguments)
    assert (code, out) == (1, "")
    assert "the app is not running here" in err
    assert "Start it with `fairway up`." in err


def test_a_project_is_found_from_a_folder_below_it(
    fairway: Fairway, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = project / "src" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert fairway("status")[0] == 1
    assert fairway("logs", "web")[2].startswith("error: fairway logs web: nothing of that name")


def test_deleting_data_names_it_and_asks_first(fairway: Fairway, project: Path) -> None:
    store = project / ".fairway" / "data" / "postgres"
    store.mkdir(parents=True)
    (store / "PG_VERSION").write_bytes(b"x" * 2048)
    code, _, err = fairway("down", "--delete-data")
    assert code == 2
    assert ".fairway/data/postgres  2.0 KiB" in err
    assert "Add --yes to delete without asking." in err
    assert store.exists()


# -- What is printed -------------------------------------------------------------------------------


def test_a_plan_of_what_never_ran_exits_with_2_and_says_what_would_be_made(
    fairway: Fairway, project: Path
) -> None:
    code, out, _ = fairway("plan")
    assert code == 2
    assert out.startswith("small · local · 1 change\n")
    assert "+ service web" in out
    code, out, _ = fairway("plan", "--json")
    assert code == 2
    assert json.loads(out)["changes"][0]["node"] == "web"


def test_schema_prints_the_schema(fairway: Fairway) -> None:
    from fairway.core.spec.schema import schema

    code, out, err = fairway("schema")
    assert (code, err) == (0, "")
    assert json.loads(out) == schema()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(fairway: Fairway, shell: str) -> None:
    code, out, err = fairway("completion", shell)
    assert (code, err) == (0, "")
    assert "_FAIRWAY_COMPLETE" in out


def test_the_completion_of_a_shell_knows_verbs_and_options() -> None:
    def complete(line: str, position: int) -> list[str]:
        environment = {
            **os.environ,
            "_FAIRWAY_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(position),
        }
        program = "from fairway.cli.main import main; main()"
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout.split()

    assert "plain,deploy" in complete("fairway de", 1)
    assert "plain,--detach" in complete("fairway up --de", 2)


def test_nothing_is_printed_twice_or_lost_when_the_reader_goes_away(project: Path) -> None:
    logs = project / ".fairway" / "logs"
    logs.mkdir(parents=True)
    (logs / "web.1.log").write_text("a line\n" * 20_000)
    for arguments in (("logs", "-n", "20000"), ("schema",)):
        verb = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert verb.stdout is not None
        assert verb.stderr is not None
        verb.stdout.readline()
        verb.stdout.close()
        assert verb.stderr.read() == b""
        verb.stderr.close()
        assert verb.wait(10) == 0


def on_a_terminal(*arguments: str, **variables: str) -> str:
    """What a verb prints where its streams are a terminal."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **variables},
    )
    os.close(theirs)
    read = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other side has gone
            break
        if not chunk:
            break
        read += chunk
    os.close(ours)
    child.wait(10)
    return read.decode()


def test_colours_are_for_terminals_without_no_color(project: Path) -> None:
    logs = project / ".fairway" / "logs"
    logs.mkdir(parents=True)
    (logs / "web.1.log").write_text("a line\n")
    assert "\x1b[" in on_a_terminal("logs")
    assert "\x1b[" in on_a_terminal("status")
    assert on_a_terminal("logs", NO_COLOR="1") == "web.1 | a line\r\n"
    assert "\x1b[" not in on_a_terminal("status", NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal("doctor", NO_COLOR="1")


def printed(program: str) -> str:
    """What a program prints, in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_only_what_a_verb_needs_is_imported() -> None:
    program = (
        "import sys\n"
        "from fairway.cli.main import main\n"
        "try: main(['status', '--project', '/'])\n"
        "except SystemExit: pass\n"
        "heavy = {'rich', 'fairway.targets.local.driver', 'fairway.engine.engine'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert printed(program) == "[]\n"


def test_what_up_starts_with_reads_no_project_and_asks_for_no_version() -> None:
    program = (
        "import sys, fairway.cli.up_verb, fairway.cli.live, fairway.targets.local.driver\n"
        "late = ('rich', 'fairway.core.detect', 'fairway.core.build', 'importlib.metadata')\n"
        "print([each for each in late if each in sys.modules])"
    )
    assert printed(program) == "[]\n"


def test_the_hidden_engine_verb_is_not_in_the_list(
    fairway: Fairway, golden: Callable[[str, str], None]
) -> None:
    code, out, _ = fairway("--help")
    assert code == 0
    golden("help.txt", out)
    assert "engine" not in out
