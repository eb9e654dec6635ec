"""`fairway completion SHELL`."""

import click
from click.shell_completion import get_completion_class

from fairway.cli import view

__all__ = ["command"]


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the shell's completion script: `eval "$(fairway completion bash)"`."""
    from fairway.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    view.text(kind(cli, {}, "fairway", "_FAIRWAY_COMPLETE").source())
