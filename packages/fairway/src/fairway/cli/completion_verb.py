"""`fairway completion SHELL`."""

import click
from click.shell_completion import get_completion_class

from fairway.cli import view

__all__ = ["command"]


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
def command(shell: str) -> None:
    """Print the completion script of SHELL: bash, zsh or fish.

    In bash, `eval "$(fairway completion bash)"` in ~/.bashrc completes verbs and options.
    """
    from fairway.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    view.text(kind(cli, {}, "fairway", "_FAIRWAY_COMPLETE").source())
