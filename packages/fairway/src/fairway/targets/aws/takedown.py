"""Takes an environment down, or a deploy in progress back.

Data, its network and what Fairway keeps stay (`erasing.py` deletes them too); a balancer that is
protected against deletion is released from it here and nowhere else.
"""

from collections.abc import Callable, Sequence

from fairway.core.problem import Problems
from fairway.targets.aws import kept, steering
from fairway.targets.aws.course import stepping
from fairway.targets.aws.decide import order
from fairway.targets.aws.decide.order import KEPT, Apply
from fairway.targets.aws.decide.progress import Told
from fairway.targets.aws.decide.stack_status import way
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.render.template import Stack
from fairway.targets.aws.store import Store

__all__ = ["cancel", "standing_stacks", "take_down", "take_stacks"]


def standing_stacks(environment: Environment) -> tuple[tuple[Stack, ...], tuple[Stack, ...]]:
    """The stacks that are there: those that `down` deletes, in its order, and those that stay."""
    formation = environment.formation()
    there = [each for each in environment.stacks if formation.described(each) is not None]
    going = (*environment.orphans(), *order.going(there, with_data=False))
    return going, tuple(each for each in there if each.name in KEPT)


def take_down(environment: Environment) -> tuple[str, ...]:
    """Delete all but data, the last first; the names of what went. Raises `Problems`."""
    store = environment.opened()
    where = environment.app.environment
    with store.held(f"down {where}", where):
        return take_stacks(environment, store, standing_stacks(environment)[0])


def take_stacks(environment: Environment, store: Store, stacks: Sequence[Stack]) -> tuple[str, ...]:
    """Delete these, under the lock; what stays of each is written down first."""
    formation = environment.formation(store)
    gone: list[str] = []
    for stack in stacks:
        step = str(Apply(stack))
        with stepping(environment, step) as end:
            kept.note(environment, store, stack)
            if stack.name == "balancer":
                unprotect_balancer(environment, stack)
            if formation.delete(stack, step):
                gone.append(stack.name)
            end("done")
    return tuple(gone)


def unprotect_balancer(environment: Environment, stack: Stack) -> None:
    """Switch the balancer's own protection off: its stack could not be deleted."""
    arn = environment.formation().resources(stack).get("Balancer")
    if arn:
        environment.account.client("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=arn,
            Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
        )


def cancel(environment: Environment, *, say: Callable[[str], None]) -> bool:
    """Stop what goes on and have it taken back, then let go of the lock; whether anything did.

    CloudFormation takes back an update; a stack that is being created for the first time can
    only go on to its end. ECS takes back a release that it is in the middle of.
    """
    store = environment.opened()
    formation = environment.formation()
    has_acted = False
    for service in environment.app.programs:
        has_acted = stop_release(environment, service, say) or has_acted
    for stack in environment.stacks:
        status = formation.status(stack)
        if status == "UPDATE_IN_PROGRESS":
            with stepping(environment, str(Apply(stack))) as end:
                formation.formation(stack).cancel_update_stack(StackName=stack.stack_name)
                say(f"{stack.stack_name}: its update is taken back")
                formation.settle(stack, str(Apply(stack)))
                end("done")
            has_acted = True
        elif way(status) == "wait":
            words = (status or "").lower().replace("_", " ")
            environment.tell(Told(str(Apply(stack)), f"{words}: this goes on to its end"))
    holder = store.holder()
    if holder is not None:
        say(f"the lock of {holder.owner} is taken away")
        store.let_go(holder)
    return has_acted or holder is not None


def stop_release(environment: Environment, service: str, say: Callable[[str], None]) -> bool:
    """Have ECS take back the release of a service that is in progress; whether one was."""
    found = steering.in_progress(environment, service)
    for each in found:
        try:
            steering.end(environment, each)
        except Problems as problems:
            say(f"{service}: {problems}")
            return False
        say(f"{service}: ECS takes its release back")
    return bool(found)
