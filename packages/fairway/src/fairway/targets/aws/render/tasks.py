"""Task definitions: one hardened container each (R41, R46, R47).

User 1000, read-only root with a writable /tmp, no capabilities, an init that reaps, an end that
leaves time to drain. The image comes as a parameter; what runs in it is said here, so one image
serves every service, job and migration. Pure.
"""

import math

from fairway.core import names
from fairway.core.command_line import exec_words
from fairway.core.spec.model import App, Job, Service
from fairway.targets.aws.render.access import add_roles
from fairway.targets.aws.render.ground import Ground
from fairway.targets.aws.render.logs import add_log_group
from fairway.targets.aws.render.sizes import Size, fitting
from fairway.targets.aws.render.template import REGION, Draft, Value, ref, sub
from fairway.targets.aws.render.traces import collector, is_traced, traced
from fairway.targets.aws.render.wiring import port_of, wired
from fairway_runtime import contract

__all__ = [
    "LONGEST_CHECK_SECONDS",
    "LONGEST_STOP_SECONDS",
    "add_task",
    "ask_image",
    "command_of",
    "probe_path",
    "stop_seconds",
    "working_folder",
]

USER = "1000:1000"
SCRATCH = "/tmp"  # noqa: S108 - the container's own; nobody else is in it
LONGEST_STOP_SECONDS = 120  # Fargate's own limit
MARGIN_SECONDS = 5
LEAST_CHECK_SECONDS, LONGEST_CHECK_SECONDS = 5, 300  # between two checks of a container
BIGGEST = Size(16384, 122880)
PROBE = (
    "import urllib.request as r;"
    "r.build_opener(r.ProxyHandler({{}})).open('http://127.0.0.1:{port}{path}', timeout=1)"
)


def ask_image(draft: Draft, name: str = "") -> Value:
    """Ask whoever deploys for the image; `name` says which of several."""
    return draft.ask(
        f"Image{names.logical_id(name)}" if name else "Image",
        "The app's image, by its digest or by a tag that never moves.",
        AllowedPattern=r"\S+[:@]\S+",
    )


def add_task(
    app: App, node: Service | Job, ground: Ground, id_: str, *, command: str | None = None
) -> Value:
    """Add a definition with its log and its roles; its ARN.

    `command` runs in place of the node's own: migrations are a service's image and variables
    with another command.
    """
    draft = ground.draft
    image = ask_image(draft, ground.choices.image_of(node.name))
    name = node.name if command is None else f"{node.name}-before"
    log = draft.path(node.name) if command is None else draft.path(node.name, "before")
    draft_wired = wired(app, node, draft, image)
    add_log_group(draft, f"{id_}Logs", log, ground.key, ground.choices.log_days)
    is_once = command is not None
    start, own = add_roles(app, node, ground, id_, draft_wired, is_once=is_once)
    plain = draft_wired.plain
    is_seen = command is None and is_traced(node, ground.choices)
    if is_seen:
        plain = traced(plain)
    container: dict[str, Value] = {
        "Command": list[Value](exec_words(command)) if command is not None else command_of(node),
        "Environment": [{"Name": key, "Value": value} for key, value in plain.items()],
        "Essential": True,
        "Image": image,
        "LinuxParameters": {"Capabilities": {"Drop": ["ALL"]}, "InitProcessEnabled": True},
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": ref(f"{id_}Logs"),
                "awslogs-region": sub(REGION),
                "awslogs-stream-prefix": name,
                # Lines that nobody takes are dropped; the app never waits for its log.
                "max-buffer-size": "4m",
                "mode": "non-blocking",
            },
        },
        "MountPoints": [{"ContainerPath": SCRATCH, "ReadOnly": False, "SourceVolume": "tmp"}],
        "Name": name,
        "ReadonlyRootFilesystem": True,
        "StopTimeout": stop_seconds(node),
        "User": USER,
        "WorkingDirectory": working_folder(node),
    }
    if draft_wired.secret:
        container["Secrets"] = [
            {"Name": key, "ValueFrom": read.place} for key, read in draft_wired.secret.items()
        ]
    if isinstance(node, Service) and command is None:
        container.update(_listening(node) if node.answers else _living(node))
    size = fitting(node.cpu, node.memory_mib) or BIGGEST
    return draft.add(
        f"{id_}Task",
        "AWS::ECS::TaskDefinition",
        {
            "ContainerDefinitions": [container, *([collector(f"{id_}Logs")] if is_seen else [])],
            "Cpu": str(size.cpu),
            "ExecutionRoleArn": start,
            "Family": draft.called(name),
            "Memory": str(size.memory_mib),
            "NetworkMode": "awsvpc",
            "RequiresCompatibilities": ["FARGATE"],
            "RuntimePlatform": {
                "CpuArchitecture": ground.choices.processor,
                "OperatingSystemFamily": "LINUX",
            },
            "TaskRoleArn": own,
            "Volumes": [{"Name": "tmp"}],
        },
    )


def stop_seconds(node: Service | Job) -> int:
    """How long a container may take to end: the drain and a margin (R221-R226)."""
    drain = node.timeouts.drain_seconds if isinstance(node, Service) else 30.0
    return min(LONGEST_STOP_SECONDS, math.ceil(drain) + MARGIN_SECONDS)


def probe_path(service: Service) -> str:
    """The path that answers 200 when the service can take traffic (R156)."""
    if service.command is not None:
        return service.probe or "/"
    return contract.READY_PATH


def working_folder(node: Service | Job) -> str:
    """Where its code is inside the image."""
    return "/app" if node.folder == "." else f"/app/{node.folder}"


def command_of(node: Service | Job) -> list[Value]:
    """The words that start it."""
    if isinstance(node, Job) or node.command is not None:
        return list(exec_words(node.command or ""))
    kinds = (("asgi", node.asgi), ("wsgi", node.wsgi), ("script", node.script))
    kind, target = next((kind, target) for kind, target in kinds if target is not None)
    factory: list[Value] = ["--factory"] if node.factory else []
    return ["fairway-runtime", "run", target, "--kind", kind, *factory]


def _living(worker: Service) -> dict[str, Value]:
    """Whom nobody can ask is well once it has lived for its time.

    Without a health check ECS counts a task as started as soon as it runs, and a release that
    ends at once as done: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/
    deployment-circuit-breaker.html (2026-11).
    """
    longer = max(LEAST_CHECK_SECONDS, math.ceil(worker.steady_seconds))
    return {
        "HealthCheck": {
            "Command": ["CMD", "true"],
            "Interval": min(LONGEST_CHECK_SECONDS, longer),
            "Retries": 3,
            "Timeout": LEAST_CHECK_SECONDS,
        }
    }


def _listening(service: Service) -> dict[str, Value]:
    """The port, and the probe from inside, which needs no curl (R43)."""
    port = port_of(service)
    said: dict[str, Value] = {
        "PortMappings": [
            {"AppProtocol": "http", "ContainerPort": port, "Name": "http", "Protocol": "tcp"}
        ]
    }
    if service.command is None:
        asked = PROBE.format(port=port, path=contract.HEALTH_PATH)
        said["HealthCheck"] = {
            "Command": ["CMD", "python", "-c", asked],
            "Interval": 15,
            "Retries": 3,
            "StartPeriod": min(300, math.ceil(service.timeouts.startup_seconds)),
            "Timeout": 3,
        }
    return said
