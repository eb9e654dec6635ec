"""docs/reference/cli.md: every verb and its options, from the commands themselves. Pure."""

import inspect
from collections.abc import Iterator

import click

from fairway.cli.main import VERBS, cli

__all__ = ["page"]

INTRODUCTION = """\
# Commands

<!-- Made from the commands by tools/reference_cli.py: `make docs` writes it anew. -->

`fairway VERB --help`, or `-h`, says the same. A verb is about the project in the folder of `-C`,
else about the nearest folder, from here upwards, with a `fairway.toml`.

| exit code | what it says |
|---|---|
| 0 | done |
| 1 | it failed, or was rolled back; from `plan`: it could not be told |
| 2 | bad input: the file, or the line that was typed; from `plan`: there are changes |
| 130 | ended by Ctrl-C |

Data goes to stdout, talk to stderr. Problems are told all at once, each with where it is, what is
wrong and, after an arrow, how to mend it:

```
error: fairway.toml:5 service.web.prot: There is no key `prot` here.
  → Did you mean `port`? Known: …
```

Colours are for terminals, and off where the variable `NO_COLOR` is set; marks say the same without
them. Times are UTC.
"""
ENDINGS = {
    "exec": "Ends with the exit code of the command.",
    "status": "The fields of `--json` are in [status.md](status.md).",
    "schema": "The same as [fairway.schema.json](fairway.schema.json); what the keys mean is in "
    "[file.md](file.md).",
    "down": "What lies in `.fairway/`, and what is lost with it, is in [files.md](files.md).",
    "up": "What runs here and what does not yet is in [local.md](local.md).",
}


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, "| verb | |\n|---|---|"]
    parts[1] += "".join(f"\n| [`{verb}`](#fairway-{verb}) | {VERBS[verb]} |" for verb in VERBS)
    return "\n".join([*parts, "", *(section(verb) for verb in VERBS)])


def section(verb: str) -> str:
    """One verb."""
    context = click.Context(cli, info_name="fairway")
    command = cli.get_command(context, verb)
    assert command is not None
    inner = click.Context(command, info_name=verb, parent=context)
    usage = " ".join(["fairway", verb, *command.collect_usage_pieces(inner)])
    lines = [
        f"## fairway {verb}",
        "",
        "```",
        usage,
        "```",
        "",
        inspect.cleandoc(command.help or ""),
    ]
    options = list(rows(command, inner))
    if options:
        lines += ["", "| option | |", "|---|---|", *options]
    if verb in ENDINGS:
        lines += ["", ENDINGS[verb]]
    return "\n".join([*lines, ""])


def rows(command: click.Command, context: click.Context) -> Iterator[str]:
    for each in command.get_params(context):
        record = each.get_help_record(context)
        # The same for every verb, and said once above.
        if isinstance(each, click.Option) and record is not None and "--help" not in each.opts:
            names, explained = (part.strip().replace("|", "\\|") for part in record)
            yield f"| `{names}` | {explained} |"
