"""The JSON Schema of the file, from which editors complete and check while one types.

Made of the same `Key`s as the parser, so that neither can know a key that the other does not.
What no single key can tell (names that must exist, circles) is the parser's alone. Pure: the CLI
prints it, docs/reference/fairway.schema.json holds it.
"""

from typing import Any, cast

from fairway.core.spec.model import App
from fairway.core.spec.profiles import BUILT_IN
from fairway.core.spec.readers.reader import Definitions, Schema
from fairway.core.spec.readers.table import describe

__all__ = ["schema"]

REFERENCE = "#/$defs/"
CHANGE = "Change"
ENVIRONMENT = "What an environment lays over the rest; false switches a table off."


def schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a whole file, as JSON values."""
    made: dict[str, Schema] = {}
    app = describe(App, Definitions(made))
    change = describe(App, Definitions(made, partial=True))
    change["description"] = ENVIRONMENT
    del change["properties"]["app"]
    change["properties"]["like"] = {
        "type": "string",
        "description": "The environment whose values and changes this one starts from.",
    }
    environment = {"$ref": f"{REFERENCE}Environment"}
    app["properties"]["environment"] = {
        "type": "object",
        "description": "What differs between environments, each under its name.",
        "properties": dict.fromkeys(BUILT_IN, environment),
        "additionalProperties": environment,
    }
    definitions = _merged({**made, "Environment": change})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fairway.toml",
        **app,
        "$defs": dict(sorted(definitions.items())),
    }


def _merged(definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Without the changes that are no different from the table itself."""
    while True:
        same = {
            f"{REFERENCE}{name}{CHANGE}": f"{REFERENCE}{name}"
            for name, definition in definitions.items()
            if _plain(definitions.get(f"{name}{CHANGE}")) == _plain(definition)
        }
        if not same:
            return definitions
        definitions = {
            name: cast("Schema", _replaced(definition, same))
            for name, definition in definitions.items()
            if f"{REFERENCE}{name}" not in same
        }


def _plain(definition: Schema | None) -> object:
    """A definition without the defaults, which a change does not have."""
    if definition is None:
        return None
    properties: dict[str, Schema] = definition["properties"]
    return {
        **definition,
        "properties": {
            name: {key: value for key, value in schema.items() if key != "default"}
            for name, schema in properties.items()
        },
    }


def _replaced(value: object, references: dict[str, str]) -> object:
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {key: _replaced(below, references) for key, below in items}
    if isinstance(value, list):
        return [_replaced(below, references) for below in cast("list[object]", value)]
    return references.get(value, value) if isinstance(value, str) else value
