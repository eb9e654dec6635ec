"""The variables of a task: those of `core/spec/variables.py`, with addresses of AWS.

What holds a password is a secret that ECS reads when the task starts (R72); nothing secret stands
in a template. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fairway.core.masked import Masked
from fairway.core.spec.model import App, Job, Service
from fairway.core.spec.variables import Addresses, variables
from fairway.core.spec.wiring import wires
from fairway.targets.aws.render import addresses
from fairway.targets.aws.render.hosts import url
from fairway.targets.aws.render.template import Draft, Value
from fairway_runtime import contract

__all__ = ["INSIDE_PORT", "PORT", "Wired", "port_of", "wired"]

PORT = 8000
INSIDE_PORT = 80  # http://api
MARK = "\0"  # before what stands for a value that only the stack knows


@dataclass(frozen=True, slots=True)
class Wired:
    """A task's variables by name: those in the open, and the secrets that they are read from."""

    plain: Mapping[str, Value]
    secret: Mapping[str, Value]


def port_of(service: Service) -> int:
    """The port that a service listens on."""
    return service.port or PORT


def wired(app: App, node: Service | Job, draft: Draft, image: Value) -> Wired:
    """What `node`'s containers find in their environment."""
    marked: dict[str, Value] = {}
    found = variables(app, node, _addresses(app, node, draft, marked))
    plain: dict[str, Value] = {}
    secret: dict[str, Value] = {}
    for name, text in found.items():
        if isinstance(text, Masked):
            secret[name] = marked[text.reveal()]
        else:
            plain[name] = marked.get(text, text)
    plain[contract.REVISION] = image
    if isinstance(node, Service) and node.answers:
        plain[contract.HOST] = "0.0.0.0"
        plain[contract.PORT] = str(port_of(node))
        plain[contract.TRUSTED_PROXIES] = addresses.public_block(app.addresses)
    return Wired(dict(sorted(plain.items())), dict(sorted(secret.items())))


def _addresses(app: App, node: Service | Job, draft: Draft, marked: dict[str, Value]) -> Addresses:
    """Marks for what the data's stack hands over; texts for what is known here."""
    databases: dict[str, str | Masked] = {}
    caches: dict[str, str | Masked] = {}
    buckets: dict[str, str] = {}
    services: dict[str, str] = {}
    secrets: dict[str, Masked] = {}

    def mark(key: str) -> str:
        marked[MARK + key] = draft.take(key)
        return MARK + key

    for wire in wires(app, node):
        match wire.kind:
            case "database" if app.databases[wire.node].engine == "sqlite":
                databases[wire.node] = f"sqlite:////tmp/{wire.node}.db"
            case "database":
                databases[wire.node] = Masked(mark(f"database/{wire.node}/url"))
            case "cache":
                caches[wire.node] = Masked(mark(f"cache/{wire.node}/url"))
            case "bucket":
                buckets[wire.node] = mark(f"bucket/{wire.node}")
            case "secret":
                secrets[wire.node] = Masked(mark(f"secret/{wire.node}"))
            case "service":
                services[wire.node] = _service_address(app, node, wire.node, draft, marked)
    return Addresses(
        databases=databases, caches=caches, buckets=buckets, services=services, secrets=secrets
    )


def _service_address(
    app: App, node: Service | Job, used: str, draft: Draft, marked: dict[str, Value]
) -> str:
    """Inside the app by the mesh; from or to what is no member of it, by the public name."""
    is_outside = isinstance(node, Job) or "function" in {node.kind, app.services[used].kind}
    if is_outside and app.services[used].public:
        draft.take("domain")
        key = f"{MARK}service/{used}"
        marked[key] = url(app, used, "${TakeDomain}")
        return key
    return f"http://{used}"
