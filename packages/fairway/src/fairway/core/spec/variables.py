"""The environment variables of a service, worker or job: the one place where they are made.

An app reads these on any host (R57): addresses of what it `uses`, what its environment sets, its
secrets, and its own `variables`, which win. Those that start with `FAIRWAY_` are for the runtime.
The target gives the addresses and adds what differs from replica to replica (`HOST`, `PORT`, the
replica's name and revision). Documented in docs/reference/variables.md. Pure; must not: read the
process's own environment.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fairway.core.masked import Masked
from fairway.core.spec.address_parts import part_of_url
from fairway.core.spec.mentions import Mention, pieces, said_alone
from fairway.core.spec.model import App, Job, Service
from fairway.core.spec.wiring import Wire, wires
from fairway_runtime import contract

__all__ = ["Addresses", "Text", "Variables", "build_variables", "variables"]

Text: TypeAlias = str | Masked
Variables: TypeAlias = Mapping[str, Text]

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the nodes of an app are, given by the target; mappings are by the node's name.

    `databases` and `caches` hold URLs (with their passwords: give them as `Masked`), `buckets`
    the names of the buckets, `services` base URLs without a final slash, `secrets` values.
    `s3_endpoint` is None where the SDK's own is right (on AWS), the keys None where a role gives
    them. `parts` are by the node's name and the part's, where an address cannot be taken apart.
    """

    databases: Mapping[str, Text] = field(default_factory=dict[str, Text])
    caches: Mapping[str, Text] = field(default_factory=dict[str, Text])
    buckets: Mapping[str, str] = field(default_factory=dict[str, str])
    services: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, Masked] = field(default_factory=dict[str, Masked])
    parts: Mapping[str, Mapping[str, Text]] = field(default_factory=dict[str, Mapping[str, Text]])
    s3_endpoint: str | None = None
    s3_region: str | None = None
    s3_access_key: Text | None = None
    s3_secret_key: Masked | None = None


def variables(app: App, node: Service | Job, addresses: Addresses) -> Variables:
    """Everything that `node`'s processes find in their environment, sorted by name.

    Raises KeyError where the target left out the address of something that `node` uses: that is
    the target's bug. Values of `Masked` stay masked: `masked.revealed` is for the process itself.
    """
    brought = wires(app, node)
    found: dict[str, Text] = {**_environment(app, node)}
    for wire in brought:
        found[wire.variable] = _address(wire, addresses)
    if any(wire.kind == "bucket" for wire in brought):
        found.update(_s3(addresses))
    found.update({name: _filled(app, text, addresses) for name, text in node.variables.items()})
    found.update(_runtime(app, node, brought, addresses))
    return dict(sorted(found.items()))


def build_variables(app: App, node: Service) -> dict[str, str]:
    """What a node's `build` finds, sorted by name: the same here as in an image.

    Its own variables but those that name a part of what it uses: nothing of that runs yet. And
    which environment it is for: what is gathered for production is not what developers see.
    """
    found = _environment(app, node)
    own = {name: found[name] for name in (contract.DEBUG, contract.ENVIRONMENT)}
    return dict(sorted({**own, **said_alone(node.variables)}.items()))


def _environment(app: App, node: Service | Job) -> dict[str, str]:
    """What the environment sets for every app (R59-R66)."""
    profile = app.profile
    is_redis_on = any(name in app.caches and app.caches[name].enabled for name in node.uses)
    found = {
        contract.ENVIRONMENT: app.environment,
        contract.DEBUG: _flag(profile.debug),
        contract.LOG_LEVEL: profile.log_level,
        contract.CACHE_TTL: str(profile.cache_ttl_seconds),
        contract.DB_POOL_SIZE: str(profile.db_pool_size),
        contract.REDIS_ENABLED: _flag(is_redis_on),
    }
    if isinstance(node, Service) and node.limits.per_ip is not None:
        found[contract.RATE_LIMIT] = str(node.limits.per_ip)
        if node.limits.per_user is not None:
            found[contract.USER_RATE_LIMIT] = str(node.limits.per_user)
    return found


def _address(wire: Wire, addresses: Addresses) -> Text:
    match wire.kind:
        case "database":
            return addresses.databases[wire.node]
        case "cache":
            return addresses.caches[wire.node]
        case "bucket":
            return addresses.buckets[wire.node]
        case "service":
            return addresses.services[wire.node]
        case "secret":
            return addresses.secrets[wire.node]


def _filled(app: App, text: str, addresses: Addresses) -> Text:
    """A variable's text with what it mentions; masked as a whole where a part of it is."""
    is_url = URL.match(text) is not None
    said = [
        piece if isinstance(piece, str) else _part(app, piece, addresses, is_url=is_url)
        for piece in pieces(text)
    ]
    whole = "".join(piece.reveal() if isinstance(piece, Masked) else piece for piece in said)
    return Masked(whole) if any(isinstance(piece, Masked) for piece in said) else whole


def _part(app: App, mention: Mention, addresses: Addresses, *, is_url: bool) -> Text:
    """A part's value, percent-encoded where it becomes a part of a URL."""
    node, part = mention.node, mention.part
    if part in (said := addresses.parts.get(node, {})):
        return said[part]
    if node in app.secrets:
        return addresses.secrets[node]
    if node in app.buckets:
        return addresses.buckets[node] if part == "name" else addresses.s3_endpoint or ""
    places = (addresses.databases, addresses.caches, addresses.services)
    url = next(place[node] for place in places if node in place)
    return url if part == "url" else part_of_url(node, url, part, is_quoted=is_url)


def _s3(addresses: Addresses) -> dict[str, Text]:
    """What every AWS SDK reads by itself, as far as the target says it."""
    said = {
        contract.AWS_ENDPOINT_URL_S3: addresses.s3_endpoint,
        contract.AWS_REGION: addresses.s3_region,
        contract.AWS_ACCESS_KEY_ID: addresses.s3_access_key,
        contract.AWS_SECRET_ACCESS_KEY: addresses.s3_secret_key,
    }
    return {name: value for name, value in said.items() if value is not None}


def _runtime(
    app: App, node: Service | Job, brought: tuple[Wire, ...], addresses: Addresses
) -> dict[str, str]:
    """What `fairway-runtime` reads."""
    found = {contract.APP: app.name, contract.SERVICE: node.name}
    if not isinstance(node, Service) or not node.answers:
        return found
    checks = [wire.variable for wire in brought if wire.kind in {"database", "cache"}]
    if addresses.s3_endpoint is not None and any(wire.kind == "bucket" for wire in brought):
        checks.append(contract.AWS_ENDPOINT_URL_S3)
    found[contract.READY_CHECKS] = " ".join(checks)
    found[contract.DRAIN_SECONDS] = _number(node.timeouts.drain_seconds)
    found[contract.REQUEST_SECONDS] = _number(node.timeouts.request_seconds)
    found[contract.BODY_BYTES] = str(node.limits.body_bytes)
    kinds = {wire.kind for wire in brought}
    if "database" in kinds:
        found[contract.DATABASE_SECONDS] = _number(node.timeouts.database_seconds)
    if "cache" in kinds:
        found[contract.CACHE_SECONDS] = _number(node.timeouts.cache_seconds)
    if node.warmup:
        found[contract.WARMUP] = " ".join(node.warmup)
    found[contract.CHECK_SECONDS] = _number(contract.DEFAULT_CHECK_SECONDS)
    return found


def _flag(value: bool) -> str:  # noqa: FBT001 - the value itself
    return "true" if value else "false"


def _number(value: float) -> str:
    """`30`, `0.1`: all digits, none that say nothing."""
    return str(int(value)) if value.is_integer() else repr(value)
