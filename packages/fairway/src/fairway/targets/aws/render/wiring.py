"""The variables of a task: those of `core/spec/variables.py`, with addresses of AWS.

What holds a password is a secret that ECS reads when the task starts (R72); nothing secret stands
in a template. Pure.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fairway.core import names
from fairway.core.masked import Masked
from fairway.core.spec.model import App, Job, Service
from fairway.core.spec.renewal import is_renewed
from fairway.core.spec.variables import Addresses, variables
from fairway.core.spec.wiring import wires
from fairway.targets.aws.render import addresses
from fairway.targets.aws.render.hosts import host, url
from fairway.targets.aws.render.parts import ENDPOINT, KNOWN_CACHE, PASSWORD, USER, known
from fairway.targets.aws.render.template import Draft, Value, join, sub
from fairway_runtime import contract

__all__ = ["INSIDE_PORT", "PORT", "TEXTS", "Read", "Wired", "port_of", "wired"]

PORT = 8000
INSIDE_PORT = 80  # http://api
TEXTS = "text"  # below it each stack hands its texts over, by its name; so their ids begin
MARK = "\0"  # around what stands for a value that only the stack knows
HIDDEN = "*"  # before one that is inside a secret; behind `#` is the key of its JSON


@dataclass(frozen=True, slots=True)
class Read:
    """Where a secret value is read from: a secret, and the key of its JSON where it is one."""

    secret: Value
    key: str = ""

    @property
    def place(self) -> Value:
        """As ECS writes it, and the runtime reads it."""
        return join("", [self.secret, f":{self.key}::"]) if self.key else self.secret


@dataclass(frozen=True, slots=True)
class Wired:
    """A task's variables by name: those in the open, and the secrets that they are read from."""

    plain: Mapping[str, Value]
    secret: Mapping[str, Read]

    @property
    def secrets(self) -> list[Value]:
        """The secrets that are read, each once."""
        found: list[Value] = []
        for read in self.secret.values():
            if read.secret not in found:
                found.append(read.secret)
        return found


def port_of(service: Service) -> int:
    """The port that a service listens on."""
    return service.port or PORT


def wired(app: App, node: Service | Job, draft: Draft, image: Value) -> Wired:
    """What `node`'s containers find in their environment."""
    marks = Marks(app, node, draft)
    plain: dict[str, Value] = {}
    secret: dict[str, Read] = {}
    for name, text in variables(app, node, _addresses(app, node)).items():
        if isinstance(text, Masked):
            secret[name] = marks.read(name, text.reveal())
        else:
            plain[name] = marks.value(text)
    plain[contract.REVISION] = image
    if isinstance(node, Service) and node.answers:
        plain[contract.HOST] = "0.0.0.0"
        plain[contract.PORT] = str(port_of(node))
        plain[contract.TRUSTED_PROXIES] = addresses.public_block(app.addresses)
    return Wired(dict(sorted(plain.items())), dict(sorted(secret.items())))


@dataclass(frozen=True, slots=True)
class Marks:
    """Texts that stand for values of other stacks, which are taken where they are used only."""

    app: App
    node: Service | Job
    draft: Draft

    def value(self, text: str) -> Value:
        """A text in the open, with what its marks stand for."""
        pieces = [self._taken(piece) if is_mark else piece for is_mark, piece in _pieces(text)]
        return pieces[0] if len(pieces) == 1 else join("", pieces) if pieces else ""

    def read(self, variable: str, text: str) -> Read:
        """Where a secret text is read from; one that holds more than a secret becomes one."""
        pieces = list(_pieces(text))
        if len(pieces) != 1:
            return Read(self._together(variable, pieces), "text")
        key, field = _key(pieces[0][1])
        return Read(self.draft.take(key), field)

    def _together(self, variable: str, pieces: Sequence[tuple[bool, str]]) -> Value:
        """Add a secret with a text that CloudFormation puts together; another text is another one.

        It stands in the stack that a release changes, so that a rollback brings it back. Beside the
        text is its form, by which a renewal puts it together anew (`renewal/texts.py`).
        """
        text, form, values = "", list[str](), dict[str, Value]()
        for is_mark, piece in pieces:
            if not is_mark:
                text += _escaped(piece)
                form.append(f'"{_escaped(piece)}"')
                continue
            name = f"Part{len(values) + 1}"
            values[name] = self._taken(piece)
            text += _inside(piece, name)
            form.append(self._formed(piece, name))
        whole = sub(f'{{"text": "{text}", "form": [{", ".join(form)}]}}', **values)
        digest = names.short_digest(json.dumps(whole))
        id_ = names.logical_id(TEXTS, self.node.name, variable, digest)
        made = self.draft.add(
            id_,
            "AWS::SecretsManager::Secret",
            {
                "Description": f"{variable} of {self.node.name}.",
                "KmsKeyId": self.draft.take("key"),
                "SecretString": whole,
            },
        )
        self.draft.give(f"{TEXTS}/{self.draft.name}/{id_}", made)
        return made

    def _formed(self, place: str, name: str) -> str:
        """How the form of a text says a mark: by its secret, where that is renewed."""
        key, field = _key(place)
        if place.startswith(HIDDEN) and is_renewed(self.app, key.split("/")[1]):
            return f'["${{{name}}}", "{field}"]'
        return f'"{_inside(place, name)}"'

    def _taken(self, place: str) -> Value:
        kind, _, name = place.partition("/")
        if kind == "endpoint":
            return sub(ENDPOINT)
        if kind in {"url", "host"}:
            self.draft.take("domain")
            return (url if kind == "url" else host)(self.app, name, "${TakeDomain}")
        return self.draft.take(_key(place)[0])


def _key(place: str) -> tuple[str, str]:
    """Under which key a mark's value is handed over, and the key of its JSON."""
    key, _, field = place.removeprefix(HIDDEN).partition("#")
    return key, field


def _inside(place: str, name: str) -> str:
    """How a text that CloudFormation puts together says a mark: a secret's by what it holds."""
    if not place.startswith(HIDDEN):
        return f"${{{name}}}"
    field = _key(place)[1]
    within = f":{field}" if field else ""
    return f"{{{{resolve:secretsmanager:${{{name}}}:SecretString{within}}}}}"


def _escaped(text: str) -> str:
    """A text inside JSON, in which CloudFormation finds nothing to put in."""
    return json.dumps(text)[1:-1].replace("{", "\\u007b").replace("}", "\\u007d")


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The pieces of a text that are not empty, and whether each is a mark."""
    yield from ((bool(index % 2), piece) for index, piece in enumerate(text.split(MARK)) if piece)


def _mark(place: str) -> str:
    return f"{MARK}{place}{MARK}"


def _hidden(place: str) -> Masked:
    return Masked(_mark(f"{HIDDEN}{place}"))


def _addresses(app: App, node: Service | Job) -> Addresses:
    """Marks for what the data's stack hands over; texts for what is known here."""
    databases: dict[str, str | Masked] = {}
    caches: dict[str, str | Masked] = {}
    buckets: dict[str, str] = {}
    services: dict[str, str] = {}
    secrets: dict[str, Masked] = {}
    parts: dict[str, Mapping[str, str | Masked]] = {}
    for wire in wires(app, node):
        name = wire.node
        match wire.kind:
            case "database" if app.databases[name].engine == "sqlite":
                databases[name] = f"sqlite:////tmp/{name}.db"
            case "database":
                databases[name] = _hidden(f"database/{name}/url")
                login = f"database/{name}/login"
                parts[name] = {
                    **known(app, name),
                    "host": _mark(f"database/{name}/host"),
                    "user": _hidden(f"{login}#{USER}"),
                    PASSWORD: _hidden(f"{login}#{PASSWORD}"),
                }
            case "cache":
                caches[name] = _hidden(f"cache/{name}/url")
                parts[name] = {
                    **KNOWN_CACHE,
                    "host": _mark(f"cache/{name}/host"),
                    PASSWORD: _hidden(f"cache/{name}/{PASSWORD}#{PASSWORD}"),
                }
            case "bucket":
                buckets[name] = _mark(f"bucket/{name}")
                parts[name] = {"endpoint": _mark("endpoint")}
            case "secret":
                secrets[name] = _hidden(f"secret/{name}")
            case "service":
                place = _service(app, node, name)
                parts[name], services[name] = place, place["url"]
    return Addresses(
        databases=databases,
        caches=caches,
        buckets=buckets,
        services=services,
        secrets=secrets,
        parts=parts,
    )


def _service(app: App, node: Service | Job, used: str) -> dict[str, str]:
    """Inside the app by the mesh; from or to what is no member of it, by the public name."""
    is_outside = isinstance(node, Job) or "function" in {node.kind, app.services[used].kind}
    if is_outside and app.services[used].public:
        return {"url": _mark(f"url/{used}"), "host": _mark(f"host/{used}"), "port": "443"}
    return {"url": f"http://{used}", "host": used, "port": str(INSIDE_PORT)}
