"""What an environment sets for every app, before the file says anything (R58-R66, R219).

The values are those of the requirements, verbatim; `local` is the production shape rehearsed on
one machine. They lie under the file: what the file says wins. Must not: look at the file beyond
the names of its nodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from fairway.core.spec.entry import Entry
from fairway.core.spec.model import Profile
from fairway.core.spec.overlay import lay

__all__ = ["BUILT_IN", "Preset", "lay_over_preset", "preset"]


Under: TypeAlias = "Entry | str | int | bool | Mapping[str, Under]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One environment's values: those that an app reads, and those that lie under the file."""

    profile: Profile
    replicas: int | str
    rate_limit: str | None
    redis: bool


LOCAL: Final = Preset(
    profile=Profile(debug=False, log_level="INFO", cache_ttl_seconds=1800, db_pool_size=10),
    replicas="2..10",
    rate_limit=None,  # a load test comes from one address (C9)
    redis=True,
)
DEV: Final = Preset(
    profile=Profile(debug=True, log_level="DEBUG", cache_ttl_seconds=600, db_pool_size=5),
    replicas=1,
    rate_limit=None,
    redis=False,
)
STAGING: Final = Preset(
    profile=Profile(debug=False, log_level="INFO", cache_ttl_seconds=1800, db_pool_size=10),
    replicas=2,
    rate_limit="100/min",
    redis=True,
)
PRODUCTION: Final = Preset(
    profile=Profile(debug=False, log_level="WARNING", cache_ttl_seconds=3600, db_pool_size=20),
    replicas="3..10",
    rate_limit="60/min",
    redis=True,
)
BUILT_IN: Final[Mapping[str, Preset]] = MappingProxyType(
    {"local": LOCAL, "dev": DEV, "staging": STAGING, "production": PRODUCTION}
)


def preset(environment: str) -> Preset:
    """The values of an environment; one that is not built in has production's."""
    return BUILT_IN.get(environment, PRODUCTION)


def lay_over_preset(root: Entry, values: Preset) -> Entry:
    """The file's tree over what the environment sets for each service, worker, job and cache."""
    tables = dict(root.table)
    shared = tables.get("variables")
    variables: dict[str, Under] = {}
    if shared is not None and isinstance(shared.value, Mapping):
        variables["variables"] = shared
    service: dict[str, Under] = {**_service(values), **variables}
    unders = (
        ("service", service),
        ("worker", variables),
        ("job", variables),
        ("cache", _cache(values)),
    )
    for kind, under in unders:
        if kind in tables and isinstance(tables[kind].value, Mapping):
            nodes = tables[kind].table.items()
            laid = {name: _under(kind, node, under) for name, node in nodes}
            tables[kind] = tables[kind].having(laid)
    return root.having(tables)


def _under(kind: str, node: Entry, values: Mapping[str, Under]) -> Entry:
    """A node over the values that lie under it; one that is off stays off."""
    if not isinstance(node.value, Mapping):
        return node
    if kind == "service" and "script" in node.table:
        values = {**values, "sticky": True}  # a Streamlit session lives in one replica's memory
    return lay(node, _entry(values, node))


def _service(values: Preset) -> dict[str, Under]:
    limit = values.rate_limit if values.rate_limit is not None else False
    return {"replicas": values.replicas, "limits": {"per_ip": limit, "per_user": limit}}


def _cache(values: Preset) -> dict[str, Under]:
    return {"enabled": values.redis}


def _entry(value: Under, at: Entry) -> Entry:
    """A preset value as an entry at the node it lies under."""
    if isinstance(value, Entry):
        return value
    if isinstance(value, Mapping):
        return at.having({name: _entry(item, at) for name, item in value.items()})
    return at.having(value)
