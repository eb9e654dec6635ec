"""Where a verb acts: an environment of the file other than `local` is at AWS.

A verb's first word may name one: `fairway logs production api`. A node of that name comes first,
so that nothing changes for whoever works on this machine.
"""

from collections.abc import Callable
from typing import Any

import click

from fairway.cli.project import Project
from fairway.core.problem import Problems

__all__ = [
    "BUILDS",
    "EGRESS",
    "HERE",
    "PROCESSOR",
    "TRACES",
    "account_options",
    "is_there",
    "layout_options",
    "only_there",
    "split",
]

HERE = "local"
# As `fairway.targets.aws.render` has them, which takes too long to import for every verb.
EGRESS = ("nat-per-zone", "one-nat", "endpoints")
PROCESSOR = ("X86_64", "ARM64")
BUILDS = ("here", "remote")
TRACES = ("none", "xray")


def is_there(found: Project, word: str) -> bool:
    """Whether a word names an environment that is at AWS, and no node of the app.

    A file that can't be read names none: what the verb says of it comes later.
    """
    from fairway.core.spec.parse import parse

    try:
        spec = parse(found.text)
    except Problems:
        return False
    if word == HERE or word not in spec.environments:
        return False
    return spec.app(word).node(word) is None and spec.app().node(word) is None


def split(found: Project, words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The environment at AWS that the first word names, and the other words."""
    if words and is_there(found, words[0]):
        return words[0], words[1:]
    return None, words


def account_options(function: Any) -> Any:
    """`--region` and `--profile`, on verbs that act at AWS."""
    region = click.option(
        "--region",
        metavar="NAME",
        help="At AWS: the region; else AWS_REGION, or the profile's.",
    )
    profile = click.option(
        "--profile",
        metavar="NAME",
        help="At AWS: the profile of your credentials; else AWS_PROFILE, or the default.",
    )
    return region(profile(function))


def layout_options(*, is_kept: bool = False) -> Callable[[Any], Any]:
    """How an environment is laid out at AWS, on verbs that render it; None where nobody says.

    `is_kept`: what is said once holds at the next deploy.
    """
    kept = "; remembered" if is_kept else ""

    def option(name: str, choices: tuple[str, ...], about: str, into: str = "") -> Any:
        return click.option(
            name,
            *([into] if into else []),
            type=click.Choice(choices),
            metavar="|".join(choices),
            help=f"At AWS: {about}{kept}.",
        )

    options = (
        option(
            "--egress",
            EGRESS,
            "how services reach what is outside: `nat-per-zone` (as in production), `one-nat` "
            "(as before it) or `endpoints` (only AWS itself)",
        ),
        option(
            "--processor",
            PROCESSOR,
            "what tasks run on, and the image is built for: `X86_64`, the default, or `ARM64` "
            "(Graviton)",
        ),
        option(
            "--build",
            BUILDS,
            "where images are built, `here` by Docker or `remote` by CodeBuild",
            into="builds",
        ),
        option(
            "--traces",
            TRACES,
            "where spans go, `none`, the default, or `xray`, by a collector beside each service",
        ),
    )

    def add(function: Any) -> Any:
        for one in reversed(options):
            function = one(function)
        return function

    return add


def only_there(verb: str, **said: object) -> None:
    """Refuse options that say nothing on this machine."""
    from fairway.core.problem import Problem

    found = [name for name, value in said.items() if value]
    if found:
        mend = f"Leave it out, or name the environment: fairway {verb} production …"
        raise Problems([Problem(f"--{name}", "it is for AWS", mend) for name in found])
