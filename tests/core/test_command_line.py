"""A command is the same everywhere: what a shell reads on one target, it reads on the others."""

import subprocess

import pytest

from fairway.core.command_line import exec_words, needs_shell


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("alembic upgrade head", ["alembic", "upgrade", "head"]),
        ("python -c 'print(1) | x > y'", ["python", "-c", "print(1) | x > y"]),
        ("load 'a b'/*.csv", ["/bin/sh", "-c", "exec load 'a b'/*.csv"]),
        ("load 'a*' \"b?\" c\\*", ["load", "a*", "b?", "c*"]),
        ('serve --port "$PORT"', ["/bin/sh", "-c", 'exec serve --port "$PORT"']),
        ("send `date`", ["/bin/sh", "-c", "exec send `date`"]),
        ('send "$(date)"', ["/bin/sh", "-c", 'exec send "$(date)"']),
        ("/bin/sh -c 'a $X && b'", ["/bin/sh", "-c", "a $X && b"]),
        ("sh run.sh ${X}", ["/bin/sh", "-c", "exec sh run.sh ${X}"]),
        ("sh -c \"a '$X'\"", ["/bin/sh", "-c", "exec sh -c \"a '$X'\""]),
        (r"cost \$X $ 5", ["cost", "$X", "$", "5"]),
    ],
)
def test_a_shell_reads_it_where_only_a_shell_understands_it(command: str, words: list[str]) -> None:
    assert exec_words(command) == words


@pytest.mark.parametrize("command", ["a && b", "a | b", "a > b", "a; b", "A=1 b", "(a)", "a &"])
def test_what_joins_commands_is_a_shell_s(command: str) -> None:
    assert needs_shell(command)


def test_a_pattern_means_files_in_a_container_too() -> None:
    done = subprocess.run(exec_words("echo /etc/host*name"), capture_output=True, check=True)
    assert done.stdout == b"/etc/hostname\n"


def test_a_quote_without_an_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="quotation"):
        exec_words("a 'b")
