"""Parts of what a node uses (`${db.host}`) on AWS: what the data's stack hands over, and where.

A host comes in the open; a password is a key of a secret, which ECS or the runtime reads. A text
with a password in it is a secret of its own, put together when the data's stack is made, as the
address is: nothing of it stands in a template. Pure.
"""

from collections.abc import Iterator

from fairway.core import names
from fairway.core.problem import Problem
from fairway.core.spec.mentioned import is_mixed, nodes_with_variables
from fairway.core.spec.mentions import Mention, mentions, pieces
from fairway.core.spec.model import App
from fairway.targets.aws.render import caches, postgres
from fairway.targets.aws.render.buckets import bucket_id
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.template import REGION, Value, get, ref, sub

__all__ = [
    "ENDPOINT",
    "KNOWN_CACHE",
    "PASSWORD",
    "add_parts",
    "known",
    "part_gaps",
    "part_limits",
    "text_key",
]

PASSWORD = "password"  # noqa: S105 - the key in a secret's JSON
RESOLVE = "{{{{resolve:secretsmanager:${{{id}}}:SecretString{key}}}}}"
ENDPOINT = f"https://s3.{REGION}.${{AWS::URLSuffix}}"
KNOWN_CACHE = {"port": str(caches.PORT)}


def known(app: App, database: str) -> dict[str, str]:
    """The parts of a database that the file alone decides."""
    return {
        "port": str(postgres.PORT),
        "user": postgres.USER,
        "name": names.database_name(app.name, database),
    }


def text_key(node: str, variable: str) -> str:
    """Under which key a mixed text is handed over."""
    return f"text/{node}/{variable}"


def add_parts(app: App, ground: Ground) -> None:
    """Hand over the parts that nodes name, and add the texts that hold a password."""
    draft = ground.draft
    alone: set[Mention] = set()
    for kind, node in nodes_with_variables(app):
        for variable, text in node.variables.items():
            if not is_mixed(app, text):
                alone.update(mentions(text))
                continue
            id_ = draft.add(
                names.logical_id("text", node.name, variable),
                "AWS::SecretsManager::Secret",
                {
                    "Description": f"{variable} of the {kind} {node.name}.",
                    "KmsKeyId": ground.key,
                    "SecretString": _together(app, text),
                },
            )
            draft.give(text_key(node.name, variable), id_)
    for each in sorted(alone, key=str):
        if (value := _handed_over(app, each)) is not None:
            kind = "database" if each.node in app.databases else "cache"
            draft.give(f"{kind}/{each.node}/{each.part}", value)


def _handed_over(app: App, mention: Mention) -> Value | None:
    """What other stacks take of it; None where they know it, or where they take it already."""
    if mention.node in app.databases and mention.part == "host":
        return get(names.logical_id("database", mention.node), "Endpoint.Address")
    if mention.node in app.caches and mention.part == "host":
        return get(names.logical_id("cache", mention.node), "PrimaryEndPoint.Address")
    if mention.part == PASSWORD:
        return ref(_password_id(app, mention.node))
    return None


def _password_id(app: App, node: str) -> str:
    if node in app.databases:
        return names.logical_id("database", node, "password")
    return f"{names.logical_id('cache', node)}Password"


def _together(app: App, text: str) -> Value:
    """A text with passwords, as CloudFormation puts it together."""
    said, values = "", dict[str, Value]()
    for piece in pieces(text):
        if isinstance(piece, str):
            said += piece.replace("${", "${!")
            continue
        value = _here(app, piece)
        if isinstance(value, str):
            said += value
        else:
            name = f"Part{len(values) + 1}"
            values[name] = value
            said += f"${{{name}}}"
    return sub(said, **values)


def _here(app: App, mention: Mention) -> Value:
    """A part inside the data's own stack; a text may refer to what the stack holds."""
    node, part = mention.node, mention.part
    if node in app.secrets:
        return RESOLVE.format(id=names.logical_id("secret", node), key="")
    if node in app.services:
        return {"url": f"http://{node}", "host": node, "port": "80"}[part]
    if node in app.buckets:
        return ref(bucket_id(node)) if part == "name" else ENDPOINT
    if part == PASSWORD:
        return RESOLVE.format(id=_password_id(app, node), key=f":{PASSWORD}")
    if part == "url":
        url = names.logical_id("database", node, "url")
        id_ = url if node in app.databases else f"{names.logical_id('cache', node)}Url"
        return RESOLVE.format(id=id_, key="")
    if part == "host":
        value = _handed_over(app, mention)
        assert value is not None
        return value
    return (known(app, node) if node in app.databases else KNOWN_CACHE)[part]


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
    if secret is not None and secret.rotate_seconds is not None:
        what = f"{mention} is renewed, and the text around it would keep the old value"
        return what, f"Read ${{{name}}} alone, and put the text together in the code."
    if secret is not None and not secret.generate:
        return f"{mention}: its value is put by people, and no text is made around it", whole
    if (used := app.services.get(name)) is not None and used.kind == "function":
        return f"{mention}: a function has its public name, which no secret text holds", whole
    return None


def part_gaps(app: App) -> Iterator[Problem]:
    """What the app must do otherwise with the parts that it reads."""
    for kind, node in nodes_with_variables(app):
        for variable, text in node.variables.items():
            for mention in mentions(text):
                if mention.node in app.caches and mention.part == "host":
                    what = "the cache takes TLS alone, and asks for its password"
                    mend = f"Connect with TLS, or read ${{{mention.node}.url}}: it says rediss://."
                    yield Problem(f"{kind}.{node.name}.variables.{variable}", what, mend)
