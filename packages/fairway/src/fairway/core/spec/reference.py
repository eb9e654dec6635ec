"""The reference of the file and of the variables, as Markdown made from the model.

docs/reference/file.md and docs/reference/variables.md hold these texts, and a test holds them
equal, so that the documentation cannot say anything that the parser does not do. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import MISSING
from typing import Any, cast

from fairway.core.spec.entry import show
from fairway.core.spec.mentions import PARTS, Mention
from fairway.core.spec.model import (
    Alarm,
    App,
    Blue,
    Bucket,
    Cache,
    Canary,
    Database,
    Job,
    Limits,
    Model,
    Network,
    OffHours,
    Operation,
    Patch,
    Pipeline,
    Recovery,
    Rolling,
    Scale,
    ScaleDown,
    Secret,
    Service,
    Site,
    Stream,
    Table,
    Timeouts,
    Worker,
    WorkerScale,
    WorkerTimeouts,
    Workflow,
)
from fairway.core.spec.profiles import BUILT_IN
from fairway.core.spec.readers.alternatives import OffOr, OneOf
from fairway.core.spec.readers.table import CITED, KeyOf, Nodes, keys, sentence_of
from fairway.core.spec.readers.table import Table as Readable

__all__ = ["file_reference", "toml"]

INTRODUCTION = """\
# `fairway.toml`

<!-- Made from the model (core/spec/model.py): `make golden` writes it anew. -->

One file says what an app is. The smallest one already gives a good production:

```toml
app = "hello"

[service.web]
asgi = "main:app"
public = true
```

A table is a kind and a name: `[service.web]`, `[database.db]`. Names are unique in the file, have
at most 40 small letters, digits and hyphens, and start with a letter; secrets are named as their
variable, `[secret.SESSION_KEY]`.

`uses` draws the edges between nodes, and an edge decides three things at once: what is wired,
what may connect, and which [variables](variables.md) arrive.

| write | for |
|---|---|
| `"30s"`, `"15m"`, `"1h30m"`, `"7d"`, `"1y"`, `"100ms"` | a duration: ms, s, m, h, d, w, y |
| `"10 MB"`, `"512 MiB"` | a size: kB, MB, GB count in 1000, KiB, MiB, GiB in 1024 |
| `"70%"` | a share |
| `"60/min"` | a rate: /s, /min, /h, /d |
| `3`, `"2..10"` | a number of replicas, or a range |
| `"22:00"`, `"0 6 * * *"`, `"@daily"` | a time of day, a schedule; always UTC |
| `"files/incoming/"` | a place in the bucket `files` |
| `"env:NAME"` | a URL that is read from the variable `NAME` in `.env` |

Commands are words, read by no shell: put `&&` and pipes into a script.
"""

NAMES = """\
## Names of your own

An app that reads other names than the [usual ones](variables.md) keeps them: `variables` says what
each of them holds.

```toml
[service.api]
uses = ["db", "cache"]
variables = {{ POSTGRES_SERVER = "${{db.host}}", CELERY_BROKER_URL = "${{cache.url}}" }}
```

{table}

- A reference may stand inside a longer text, such as
  `"postgresql+asyncpg://${{db.user}}:${{db.password}}@${{db.host}}/${{db.name}}"`. In a URL user,
  password and name are percent-encoded.
- A text with a password or a secret in it is never shown, as a secret is not.
- A node names only what it `uses`. In the app's own `variables`, a reference counts for the nodes
  that use all that it names; the others have no such variable.
- What an environment switches off falls away, as its edge does: a cache is off in `dev`, so there
  `CELERY_BROKER_URL` is not set. A note says so.
- A SQLite file has only `url`. `$${{` writes `${{` itself.
"""

ENVIRONMENTS = """\
## Environments

`local`, `dev`, `staging` and `production` are there without a word. Each brings values that lie
under the file: what the file says wins.

{table}

What differs stands in one place, and is laid over the rest: tables merge, anything else replaces.

```toml
[environment.production]
service.web.release = "blue_green"
database.db = {{ zones = 2, read_replicas = 1 }}

[environment.dev]
cache.sessions = false         # switched off: edges to it fall away
service.web.limits = false     # no limits

[environment.preview]
like = "staging"               # its values and its changes; unsaid, the values of production
```

`false` in place of a node switches it off there, and every `uses`, `then`, `steps` and `calls`
that names it does without it. Where the base says one of several (`asgi` or `command`, a way to
release) and the environment another, the environment's holds.
"""

EXAMPLES = {
    "database": "db", "cache": "cache", "bucket": "files", "service": "api", "secret": "API_KEY",
}  # fmt: skip

# Each section: its heading, its table, and the header or key that it is written under.
SECTIONS: tuple[tuple[str, type[Any], str], ...] = (
    ("The app", App, ""),
    ("Service", Service, "[service.web]"),
    ("Timeouts", Timeouts, "[service.web.timeouts]"),
    ("Limits", Limits, "[service.web.limits]"),
    ("Scale", Scale, "[service.web.scale]"),
    ("Scale down", ScaleDown, "[service.web.scale.down]"),
    ("Off hours", OffHours, "[service.web.off_hours]"),
    ("Release: rolling", Rolling, "[service.web.release.rolling]"),
    ("Release: blue/green", Blue, "[service.web.release.blue_green]"),
    ("Release: canary", Canary, "[service.web.release.canary]"),
    ("Worker", Worker, "[worker.emails]"),
    ("Worker timeouts", WorkerTimeouts, "[worker.emails.timeouts]"),
    ("Worker scale", WorkerScale, "[worker.emails.scale]"),
    ("Job", Job, "[job.nightly]"),
    ("Workflow", Workflow, "[workflow.daily]"),
    ("Site", Site, "[site.page]"),
    ("Database", Database, "[database.db]"),
    ("Cache", Cache, "[cache.cache]"),
    ("Bucket", Bucket, "[bucket.files]"),
    ("Key-value table", Table, "[table.state]"),
    ("Stream", Stream, "[stream.events]"),
    ("Model", Model, "[model.churn]"),
    ("Secret", Secret, "[secret.SESSION_KEY]"),
    ("Network", Network, "[network.office]"),
    ("Alarm", Alarm, "[alarm]"),
    ("Recovery", Recovery, "[recovery]"),
    ("Pipeline", Pipeline, "[pipeline]"),
    ("Patches", Patch, "[patch]"),
    ("Patch operation", Operation, '[[patch.aws."service-web.json"]]'),
)


def file_reference() -> str:
    """docs/reference/file.md."""
    parts = [INTRODUCTION]
    for heading, cls, header in SECTIONS:
        parts.append("\n".join(_section(heading, cls, header)))
        if cls is App:
            parts.append(ENVIRONMENTS.format(table=_profiles()))
            parts.append(NAMES.format(table=_parts()))
    return "\n".join(parts)


def _section(heading: str, cls: type[Any], header: str) -> Iterator[str]:
    yield f"## {heading}\n"
    if header:
        yield f"`{header}`\n"
    sentence = CITED.sub("", (cls.__doc__ or "").strip())
    if cls is not App:
        yield f"{sentence}\n"
    yield "| key | what it takes | default | what it says |"
    yield "|---|---|---|---|"
    for key in keys(cls).values():
        cells = (f"`{key.name}`", _value(key), _default(key), sentence_of(key.key))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _value(key: KeyOf) -> str:
    """What it takes: an example of it, or the section that says more."""
    reader = key.key.reader
    is_off_or = isinstance(reader, OffOr)
    inner = cast("OffOr[Any, Any]", reader).reader if is_off_or else reader
    if isinstance(inner, Nodes):
        return f"[tables](#{_anchor(cast('Nodes[Any]', inner).cls)}), each with a name"
    if isinstance(inner, Readable) and key.key.example is None:
        off = ", or `false`" if is_off_or else ""
        return f"[a table](#{_anchor(cast('Readable[Any]', inner).cls)}){off}"
    if isinstance(inner, OneOf):
        return f"{inner.noun}, or a table (below)"
    noun = reader.noun.partition(" such as ")[0]
    example = key.key.example or reader.example
    return f"{noun}: `{example}`" if example else noun


def _anchor(cls: type[Any]) -> str:
    heading = next(heading for heading, section, _ in SECTIONS if section is cls)
    return re.sub(r"[^a-z -]", "", heading.lower()).replace(" ", "-")


def _default(key: KeyOf) -> str:
    if key.key.required:
        return "required"
    if key.key.default is not None:
        return key.key.default
    default = key.key.reader.write(key.default) if key.default is not MISSING else None
    return f"`{toml(default)}`" if default not in (None, ()) else ""


def _profiles() -> str:
    rows = ["| | " + " | ".join(BUILT_IN) + " |", "|---|" + "---|" * len(BUILT_IN)]
    profiles = [preset.profile for preset in BUILT_IN.values()]
    lines: list[tuple[str, list[object]]] = [
        ("`DEBUG`", [profile.debug for profile in profiles]),
        ("`LOG_LEVEL`", [profile.log_level for profile in profiles]),
        ("`CACHE_TTL`", [profile.cache_ttl_seconds for profile in profiles]),
        ("`DB_POOL_SIZE`", [profile.db_pool_size for profile in profiles]),
        ("`replicas` of a service", [preset.replicas for preset in BUILT_IN.values()]),
        ("`per_ip`, `per_user`", [preset.rate_limit or False for preset in BUILT_IN.values()]),
        ("`enabled` of a cache", [preset.redis for preset in BUILT_IN.values()]),
    ]
    for name, values in lines:
        rows.append(f"| {name} | " + " | ".join(f"`{toml(value)}`" for value in values) + " |")
    return "\n".join(rows)


def _parts() -> str:
    """What can be named of each kind of node."""
    rows = ["| of a | write |", "|---|---|"]
    for kind, parts in PARTS.items():
        node = EXAMPLES[kind]
        said = [str(Mention(node, part)) for part in parts] or [str(Mention(node))]
        rows.append(f"| {kind} | {', '.join(f'`{each}`' for each in said)} |")
    return "\n".join(rows)


def toml(value: object) -> str:
    """A value as the file writes it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(item) for item in cast('list[object]', value))}]"
    return show(value) if isinstance(value, str | bool) else str(value)
