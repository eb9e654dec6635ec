"""In which order an environment comes up on AWS, and goes. Pure.

The stacks come as they were rendered. Between them: what people must have done (the values of
their secrets), what runs once before traffic (migrations), a site's files.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fairway.core.spec.model import App, Service
from fairway.targets.aws.render.accounts import away, home
from fairway.targets.aws.render.template import Stack
from fairway_runtime import contract

__all__ = [
    "IMAGE",
    "KEPT",
    "Apply",
    "Build",
    "Files",
    "Once",
    "Step",
    "Values",
    "asked",
    "going",
    "images_asked",
    "is_released",
    "may_go",
    "released_first",
    "secrets_read",
    "service_of",
    "steps",
]

# What `down` keeps: data, and the network that it stands in.
KEPT = ("network", "data")
IMAGE = "Image"  # what a task's stack asks for; `ImageApi` where an app has several
# The registry, and what builds an image where there is no Docker.
BEFORE_IMAGE = ("data", "build")
RELEASED = ("service-", "worker-", "job-", "workflow-")


@dataclass(frozen=True, slots=True)
class Apply:
    """Bring one stack to what was rendered; a service's is done when ECS says so too."""

    stack: Stack

    def __str__(self) -> str:
        kind, _, name = self.stack.name.partition("-")
        return f"{kind} {name}".rstrip()


@dataclass(frozen=True, slots=True)
class Build:
    """Have the image in the registry, which the data's stack made."""

    def __str__(self) -> str:
        return "image"


@dataclass(frozen=True, slots=True)
class Values:
    """See that these secrets have a value, which only people can give: tasks need them."""

    secrets: tuple[str, ...]

    def __str__(self) -> str:
        return "secrets"


@dataclass(frozen=True, slots=True)
class Once:
    """Run what a service runs once before a release, with the new image."""

    service: str

    def __str__(self) -> str:
        return f"before {self.service}"


@dataclass(frozen=True, slots=True)
class Files:
    """Send a site's files."""

    site: str

    def __str__(self) -> str:
        return f"site {self.site}"


Step = Apply | Build | Values | Once | Files


def steps(app: App, stacks: Sequence[Stack]) -> tuple[Step, ...]:
    """Every step of a deploy."""
    return tuple(_steps(app, stacks))


def _steps(app: App, stacks: Sequence[Stack]) -> Iterator[Step]:
    last = next((each.name for each in reversed(stacks) if each.name in BEFORE_IMAGE), "")
    for stack in stacks:
        yield Apply(stack)
        if stack.name == "data" and (empty := _empty_secrets(stack)):
            yield Values(empty)
        if stack.name == last and images_asked(stacks):
            yield Build()
        if stack.name == "before":
            yield from (Once(each.name) for each in _migrating(app))
        if stack.name == "edge" or stack.account is not None:
            there = home(app) if stack.account is None else away(app)[stack.account]
            yield from (Files(name) for name in there.sites)


def _migrating(app: App) -> Iterator[Service]:
    return (each for each in app.programs.values() if each.before is not None)


def _empty_secrets(stack: Stack) -> tuple[str, ...]:
    """The names of secrets that are made without a value."""
    return tuple(
        str(resource.properties["Name"])
        for _, resource in sorted(stack.resources.items())
        if resource.type == "AWS::SecretsManager::Secret"
        and not {"GenerateSecretString", "SecretString"} & resource.properties.keys()
    )


def secrets_read(stack: Stack) -> tuple[str, ...]:
    """The paths in SSM at which the addresses of those secrets stand that its tasks read."""
    read: set[str] = set()
    for resource in stack.resources.values():
        if resource.type == "AWS::Lambda::Function":
            read |= set(_by_function(stack, resource.properties))
        if resource.type == "AWS::ECS::TaskDefinition":
            containers = cast(
                "Sequence[Mapping[str, Any]]", resource.properties["ContainerDefinitions"]
            )
            read |= {
                path
                for container in containers
                for each in container.get("Secrets", ())
                if (path := _path(stack, each["ValueFrom"]))
            }
    return tuple(sorted(read))


def _by_function(stack: Stack, properties: Mapping[str, Any]) -> Iterator[str]:
    """The same of a function: `NAME=address`, joined by spaces in one variable."""
    variables = properties.get("Environment", {}).get("Variables", {})
    said = variables.get(contract.SECRETS, {"Fn::Join": ["", []]})
    for pair in said["Fn::Join"][1]:
        if path := _path(stack, pair["Fn::Join"][1][1]):
            yield path


def _path(stack: Stack, address: Mapping[str, Any]) -> str:
    """The path of a secret's address; of one key in it, that of the whole; none of its own one."""
    whole = address["Fn::Join"][1][0] if "Fn::Join" in address else address
    taken = stack.parameters.get(whole["Ref"])
    return str(taken["Default"]) if taken is not None else ""


def asked(stack: Stack) -> tuple[str, ...]:
    """The parameters that whoever deploys gives: the image, the domain."""
    return tuple(name for name, said in stack.parameters.items() if "Default" not in said)


def offered(stack: Stack) -> tuple[str, ...]:
    """The parameters that whoever deploys may give: without a word they are as rendered."""
    return tuple(name for name, said in stack.parameters.items() if "AllowedValues" in said)


def images_asked(stacks: Sequence[Stack]) -> tuple[str, ...]:
    """The parameters that are addresses of images, each once."""
    found = {name for stack in stacks for name in asked(stack) if name.startswith(IMAGE)}
    return tuple(sorted(found))


def is_released(stack_name: str) -> bool:
    """Whether a release changes the stack of this name, and a rollback takes it back."""
    return stack_name.startswith(RELEASED)


def may_go(stack_name: str) -> bool:
    """Whether a deploy deletes a stack of this name where the file asks for it no more.

    Never what holds data, the ground of others, or what people made by hand beside it.
    """
    return is_released(stack_name) or stack_name in {"before", "build", "edge", "renewal"}


def released_first(names: Iterable[str]) -> tuple[str, ...]:
    """The names of stacks that a rollback restores: services, workers, then jobs and workflows."""
    ranks = {"service": 0, "worker": 1}
    return tuple(sorted(names, key=lambda name: (ranks.get(name.partition("-")[0], 2), name)))


def service_of(stack: Stack) -> str | None:
    """The service or worker whose stack this is: an ECS service of that name, or a function."""
    kind, _, name = stack.name.partition("-")
    return name if kind in {"service", "worker"} else None


def going(stacks: Sequence[Stack], *, with_data: bool) -> tuple[Stack, ...]:
    """What goes, in its order: the last comes first; data only where it is said."""
    return tuple(stack for stack in reversed(stacks) if with_data or stack.name not in KEPT)
