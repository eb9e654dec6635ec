"""What was put in service, and how it is taken back: image and configuration, by its templates.

Place in the flow: a deploy that ECS or CloudFormation took back restores what it had changed;
`fairway rollback` restores a release. Network, data and migrations stay as they are.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from fairway.core import names
from fairway.core.problem import Problem, Problems
from fairway.targets.aws.course import Course, Result, stepping
from fairway.targets.aws.decide import order, releases
from fairway.targets.aws.decide.order import Apply, Step
from fairway.targets.aws.decide.progress import Outcome, Told
from fairway.targets.aws.decide.releases import Release
from fairway.targets.aws.environment import Environment, named_stack
from fairway.targets.aws.functions import in_service
from fairway.targets.aws.render.template import Stack, text
from fairway.targets.aws.running import Watch

__all__ = ["release", "roll_back", "taken_back"]


def release(environment: Environment, course: Course, plan: Sequence[Step]) -> Release:
    """What this deploy has put in service."""
    templates = {
        step.stack.name: text(step.stack)
        for step in plan
        if isinstance(step, Apply) and order.is_released(step.stack.name)
    }
    return Release(
        revision=releases.made(templates, course.values),
        at=environment.clock.now(),
        by=environment.account.who,
        image=course.image,
        outcome="promoted",
        templates=templates,
        values=dict(course.values),
        secrets=dict(course.secrets),
    )


def taken_back(
    environment: Environment, course: Course, before: Release | None, problems: Problems
) -> Result:
    """Bring every stack that the release changed back to the release before, and say so."""
    failed = tuple(problems)
    tried = release(environment, course, order.steps(environment.app, environment.stacks))
    reason = "; ".join(f"{each.where}: {each.what}" for each in failed)
    is_back = before is not None and bring_back(environment, course, before)
    outcome: Literal["rolled_back", "failed"] = "rolled_back" if is_back else "failed"
    course.store.add(
        replace(tried, outcome=outcome, reason=reason, templates={}),
        keep=environment.app.keep_revisions,
    )
    return Result(
        outcome=outcome,
        tried=tried.revision,
        before="" if before is None else before.revision,
        image=tried.image,
        reason=reason,
        failed=failed,
    )


def bring_back(environment: Environment, course: Course, before: Release) -> bool:
    """Apply the release before to what changed, the last first; whether all of it is back."""
    is_whole = True
    for stack in reversed(course.released):
        template = before.templates.get(stack.name)
        if template is None:
            environment.tell(Told(stack.name, "it is new, and stays as it is", "bad"))
            continue
        step = f"back: {Apply(stack)}"
        try:
            with stepping(environment, step) as end:
                old = stack_from(stack, template)
                # What failed was taken back by CloudFormation already, by the template as it is.
                is_failed = stack is course.released[-1]
                end(restore(environment, course, old, before, step, is_held=is_failed))
        except Problems:
            is_whole = False
    return is_whole


def restore(
    environment: Environment,
    course: Course,
    stack: Stack,
    to: Release,
    step: str,
    *,
    is_held: bool = False,
) -> Outcome:
    """Bring one stack to what it was in a release, image and configuration.

    `is_held`: by the steps of the release, and not at once.
    """
    template = to.templates[stack.name]
    template = template if is_held else releases.at_once(template)
    applied = course.formation.apply(stack, to.values, step=step, template=template)
    service = order.service_of(stack)
    if service is not None:
        watch = Watch(since=environment.clock.now())
        verdict = in_service(environment, service, applied, step, watch)
        if verdict.state == "failed":
            raise Problems([Problem(str(Apply(stack)), verdict.words)], exit_code=1)
    return applied.outcome


def roll_back(environment: Environment, revision: str | None) -> Result:
    """Bring services, jobs and workflows back to a release: its image and its configuration.

    Network, data and migrations stay as they are. Raises `Problems` where there is no such release.
    """
    store = environment.opened()
    where = environment.app.environment
    with store.held(f"rollback {where}", where):
        known = store.releases()
        to, now = releases.before(known, revision), releases.current(known)
        course = Course(store, environment.formation(store), dict(to.values))
        is_changed = False
        for name in order.released_first(to.templates):
            stack = stack_from(plain(environment, name), to.templates[name])
            with stepping(environment, str(Apply(stack))) as end:
                outcome = restore(environment, course, stack, to, str(Apply(stack)))
                is_changed = is_changed or outcome != "unchanged"
                end(outcome)
        before = "" if now is None else now.revision
        if is_changed or before != to.revision:
            back = replace(to, at=environment.clock.now(), by=environment.account.who)
            store.add(back, keep=environment.app.keep_revisions)
        return Result(
            outcome="promoted" if is_changed else "unchanged",
            tried=to.revision,
            before=before,
            image=to.image,
        )


def plain(environment: Environment, name: str) -> Stack:
    """The stack of that name, or what stands for one that the file does not name any more."""
    found = environment.stack(name)
    if found is not None:
        return found
    app = environment.app
    whole = names.cloud_name(app.name, app.environment, name, limit=128)
    return named_stack(app, name, whole)


def stack_from(stack: Stack, template: str) -> Stack:
    """A stack with the parameters of another template of it."""
    said = cast("Mapping[str, Any]", json.loads(template))
    return replace(stack, parameters=said.get("Parameters", {}))
