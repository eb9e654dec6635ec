"""`fairway init --from-copilot`: what the workspace says, written and told."""

from pathlib import Path

from fairway.cli import view
from fairway.cli.copilot_sources import read_copilot_sources
from fairway.core.copilot.importing import Imported, import_copilot

__all__ = ["read_workspace", "tell"]


def read_workspace(folder: Path) -> Imported:
    """The workspace in `folder`; raises `Problems` where there is none."""
    return import_copilot(read_copilot_sources(folder))


def tell(found: Imported) -> None:
    """Say what Fairway does by itself, and what it did not take over."""
    if found.by_itself:
        view.say("Done without a word in the file:")
        for each in found.by_itself:
            view.say(f"  {each}")
    if found.left:
        view.say("Not taken over (the file's end lists it too):")
        for each in found.left:
            view.say(f"  {each}")
