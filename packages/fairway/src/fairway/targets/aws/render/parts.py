"""Parts of what a node uses (`${db.host}`) as AWS knows them, and what it cannot give.

A host comes in the open; user and password are keys of a secret, which ECS or the runtime reads. A
text with one of them in it is a secret of the stack that needs it (`wiring.py`). Pure.
"""

from collections.abc import Iterator

from fairway.core import names
from fairway.core.problem import Problem
from fairway.core.spec.mentioned import is_mixed, nodes_with_variables
from fairway.core.spec.mentions import Mention, mentions
from fairway.core.spec.model import App
from fairway.targets.aws.render import caches, postgres
from fairway.targets.aws.render.template import REGION

__all__ = ["ENDPOINT", "KNOWN_CACHE", "PASSWORD", "USER", "known", "part_gaps", "part_limits"]

PASSWORD = "password"  # noqa: S105 - the keys in a secret's JSON
USER = "username"
ENDPOINT = f"https://s3.{REGION}.${{AWS::URLSuffix}}"
KNOWN_CACHE = {"port": str(caches.PORT)}


def known(app: App, database: str) -> dict[str, str]:
    """The parts of a database that the file alone decides."""
    return {
        "port": str(postgres.PORT),
        "name": names.database_name(app.name, database),
    }


def part_limits(app: App) -> Iterator[Problem]:
    """What names a part that AWS cannot give: the app would not start."""
    for kind, node in nodes_with_variables(app):
        for variable, text in node.variables.items():
            for mention in mentions(text):
                at = f"{kind}.{node.name}.variables.{variable}"
                if reason := _why_not(app, mention, is_mixed=is_mixed(app, text)):
                    yield Problem(at, *reason)


def _why_not(app: App, mention: Mention, *, is_mixed: bool) -> tuple[str, str] | None:
    name = mention.node
    server = app.databases.get(name) or app.caches.get(name)
    secret = app.secrets.get(name)
    whole = "Give the whole text as a secret of its own: [secret.NAME]."
    if server is not None and server.url is not None and mention.part != "url":
        what = f"{mention}: on AWS the address of a server elsewhere is one secret, not its parts"
        mend = f"Read ${{{name}.url}}, or write the parts for this environment, the password as a "
        return what, f"{mend}secret."
    if not is_mixed:
        return None
    if server is not None and server.url is not None:
        return f"{mention}: its value is put by people, and no text is made around it", whole
    if secret is not None and not secret.generate and secret.rotate_seconds is None:
        return f"{mention}: its value is put by people, and no text is made around it", whole
    return None


def part_gaps(app: App) -> Iterator[Problem]:
    """What the app must do otherwise with the parts that it reads."""
    for kind, node in nodes_with_variables(app):
        for variable, text in node.variables.items():
            for mention in mentions(text):
                cache = app.caches.get(mention.node)
                if cache is not None and cache.url is None and mention.part == "host":
                    what = "the cache takes TLS alone, and asks for its password"
                    mend = f"Connect with TLS, or read ${{{mention.node}.url}}: it says rediss://."
                    yield Problem(f"{kind}.{node.name}.variables.{variable}", what, mend)
