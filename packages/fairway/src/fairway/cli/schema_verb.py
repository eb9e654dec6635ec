"""`fairway schema`."""

import click

from fairway.cli import view

__all__ = ["command"]


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of fairway.toml, for editors."""
    from fairway.core.spec.schema import schema

    view.data(schema())
