"""Sets how many tasks of a service run, or lets its scaling decide again.

A number stays, whatever the load and the hour: while it is set, the service's own scaling is
suspended and not changed, so that `auto` finds it as the file says it.
"""

from typing import Any

from fairway.core.problem import Problem, Problems
from fairway.core.scale import refusal
from fairway.targets.aws.account import Refused
from fairway.targets.aws.decide import asked
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.functions import refuse_function
from fairway.targets.aws.render.scaling import DIMENSION, scales

__all__ = ["scale"]

SWITCHES = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)


def scale(environment: Environment, name: str, replicas: int | None) -> str:
    """Set it; None is automatic. What is true now, as a sentence. Raises `Problems`."""
    app = environment.app
    where = f"fairway scale {app.environment} {name}"
    asked.programs(app, [name], "scale")
    what = ("Lambda starts as many copies as are asked", "Its `replicas` say how many at most.")
    refuse_function(environment, name, where, what)
    service = app.programs[name]
    if replicas is not None and (refused := refusal(service, replicas, where)) is not None:
        raise Problems([refused])
    if environment.running.service(name) is None:
        mend = f"`fairway deploy {app.environment}` makes it."
        raise Problems([Problem(where, "it is not deployed", mend)], exit_code=1)
    if scales(service):
        suspend(environment, name, is_suspended=replicas is not None)
    if replicas is None and scales(service):
        return f"{name}: automatic, {service.replicas}"
    count = service.replicas.minimum if replicas is None else replicas
    environment.account.client("ecs").update_service(
        cluster=environment.cluster, service=name, desiredCount=count
    )
    until = f"`fairway scale {app.environment} {name}=auto`"
    kept = until if scales(service) else "the next deploy that changes the service"
    return f"{name}: {count} wanted, until {kept}"


def suspend(environment: Environment, name: str, *, is_suspended: bool) -> None:
    """Hold the service's scaling, or let it go on."""
    target: dict[str, Any] = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{environment.cluster}/{name}",
        "ScalableDimension": DIMENSION,
    }
    try:
        environment.account.client("application-autoscaling").register_scalable_target(
            **target, SuspendedState=dict.fromkeys(SWITCHES, is_suspended)
        )
    except Refused as refused:
        if refused.code != "ValidationException":
            raise
        what = "its scaling is not there: the service's stack was not applied whole"
        mend = f"`fairway deploy {environment.app.environment}` applies it."
        raise Problems([Problem(f"service {name}", what, mend)], exit_code=1) from refused
