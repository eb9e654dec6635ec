"""The `fairway` command: one file a verb, each imported only when it is called."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from fairway import __version__
from fairway.core.problem import Problems, nearest

__all__ = ["VERBS", "cli", "main"]

# Verb -> its line in `fairway --help`. Its command is `fairway.cli.<verb>:command`.
VERBS = {
    "init": "Read the project here and write its fairway.toml.",
    "up": "Run the app in its production shape on this machine.",
    "plan": "Say what would change.",
    "deploy": "Release what the folder holds now.",
    "status": "Show what runs.",
    "logs": "Show what it prints.",
    "run": "Run a job now.",
    "exec": "Run a command with a service's environment.",
    "scale": "Set how many replicas run.",
    "rollback": "Go back to an earlier revision.",
    "promote": "End the hold of the release in progress.",
    "abort": "Take the release in progress back.",
    "cancel": "Take back what is in progress, on this machine or at AWS.",
    "pause": "Hold the release in progress where it is.",
    "resume": "Let a paused release go on.",
    "down": "Stop everything; data stays.",
    "schema": "Print the JSON Schema of fairway.toml.",
    "render": "Write an environment as CloudFormation.",
    "doctor": "Say what this machine has.",
    "completion": "Print the shell's completion script.",
}


class Verbs(click.Group):
    """Finds a verb's command without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in VERBS and cmd_name != "engine":
            return None
        module = importlib.import_module(f"fairway.cli.{cmd_name}_verb")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = nearest(args[0], VERBS)
            hint = f" Did you mean `{near}`?" if near else ""
            ctx.fail(f"There is no verb `{args[0]}`.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", message="fairway %(version)s")
def cli() -> None:
    """From one file, fairway.toml, a Python web app in its production shape."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. Exit codes: 0 done, 1 failed or rolled back, 2 bad input."""
    from fairway.cli import view

    try:
        code: Any = cli.main(args=arguments, prog_name="fairway", standalone_mode=False)
    except Problems as problems:
        view.problems(problems.problems)
        sys.exit(problems.exit_code)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except OSError as error:
        from fairway.targets.local import disk

        path = Path(error.filename if isinstance(error.filename, str) else ".")
        view.problems(disk.refused("fairway", error, path).problems)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
