"""The apps that are rendered in these tests: the five shapes of the specification, and a small one.

Their files are those of the parser's tests, so both are held by the same text.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.targets.aws.render import Choices, choices_for, render
from fairway.targets.aws.render.continuous import continuous
from fairway.targets.aws.render.continuous_away import continuous_away
from fairway.targets.aws.render.template import text

__all__ = [
    "ACCOUNTS",
    "APPS",
    "ENVIRONMENTS",
    "PIPELINE",
    "all_resources",
    "app",
    "app_of",
    "beside",
    "resources",
    "templates",
]

FILES = Path(__file__).parents[2] / "core" / "spec" / "files"
APPS = ("bandit", "fairshare", "hello", "insights", "planner", "weather")
PIPELINE = """
[service.web]
asgi = "m:app"
public = true
before = "migrate"
[service.steps]
asgi = "s:app"
public = true
kind = "function"
release = { canary = ["10% for 15m"] }
[site.page]
root = "site"
[pipeline]
repository = "example/shop"
on_push = { main = "staging" }
promote = { production = "by hand" }
"""
# Beside it, for `PIPELINE`: a page in another account than the services.
ACCOUNTS = """
[site.away]
root = "away"
account = "frontend"
[environment.production.accounts]
frontend = "111111111111"
"""
ENVIRONMENTS = ("dev", "staging", "production")


@cache
def app(name: str, environment: str) -> App:
    return parse((FILES / f"{name}.toml").read_text()).app(environment)


def app_of(lines: str, environment: str = "production") -> App:
    """An app of these lines."""
    return parse(f'app = "shop"\n{lines}').app(environment)


def templates(of: App, choices: Choices | None = None) -> dict[str, dict[str, Any]]:
    """Path -> template as CloudFormation reads it."""
    return {path: json.loads(body) for path, body in render(of, choices).items()}


def resources(of: App, kind: str) -> dict[str, dict[str, Any]]:
    """`path/id` -> properties of every resource of this kind."""
    return {
        f"{path}/{key}": resource["Properties"]
        for path, template in templates(of).items()
        for key, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def all_resources() -> Iterator[tuple[str, dict[str, Any]]]:
    """Where it is, and the resource, over all shapes and environments."""
    yield from _all_resources()


@cache
def _all_resources() -> tuple[tuple[str, dict[str, Any]], ...]:
    return tuple(_each_resource())


def _each_resource() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in APPS:
        for environment in ENVIRONMENTS:
            for path, template in templates(app(name, environment)).items():
                for key, resource in template["Resources"].items():
                    yield f"{name}/{environment}/{path}/{key}", resource
    for path, template in beside().items():
        for key, resource in template["Resources"].items():
            yield f"shop/production/{path}/{key}", resource


def beside() -> dict[str, dict[str, Any]]:
    """What only some choose: a build on AWS, a function by steps, the role of a pipeline."""
    shop = app_of(PIPELINE)
    choices = choices_for(shop, builds="remote")
    role = continuous(shop, choices)
    assert role is not None
    (role_there,) = continuous_away(app_of(PIPELINE + ACCOUNTS))
    found = templates(shop, choices)
    return {
        "build.json": found["build.json"],
        "service-steps.json": found["service-steps.json"],
        "ci.json": json.loads(text(role)),
        "ci-frontend.json": json.loads(text(role_there)),
    }
