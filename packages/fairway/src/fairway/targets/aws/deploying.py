"""Deploys an environment step by step, and takes a release back that ECS does not take.

Place in the flow: `decide/order.py` says what comes after what; each step is done here, under the
environment's lock. CloudFormation's word does not suffice: a service's step ends when ECS itself
says that the wanted task definition is in service.
"""

import hashlib
from collections.abc import Mapping, Sequence

from fairway.core import names, pages
from fairway.core.problem import Problem, Problems
from fairway.targets.aws import kept, sites, steering
from fairway.targets.aws.course import Course, Given, Result, stepping
from fairway.targets.aws.decide import order, releases
from fairway.targets.aws.decide.differences import stack_of
from fairway.targets.aws.decide.order import Apply, Build, Files, Once, Step, Values
from fairway.targets.aws.decide.others import DOMAIN, values_of
from fairway.targets.aws.decide.progress import Outcome, Told
from fairway.targets.aws.decide.releases import Release
from fairway.targets.aws.decide.strangers import strangers
from fairway.targets.aws.environment import Environment
from fairway.targets.aws.functions import in_service, is_function, room_to_renew, see_room
from fairway.targets.aws.networks import see_addresses
from fairway.targets.aws.releasing import release, taken_back
from fairway.targets.aws.render.accounts import away, home
from fairway.targets.aws.render.hosts import address
from fairway.targets.aws.render.template import Stack, text
from fairway.targets.aws.running import Watch
from fairway.targets.aws.secret_versions import see_values, versions
from fairway.targets.aws.stacks import Applied, Stacks
from fairway.targets.aws.store import Store

__all__ = ["deploy"]

MIGRATION_SECONDS = 3600.0


def deploy(environment: Environment, given: Given) -> Result:
    """Bring the environment to what was rendered.

    Raises `Problems` for what fails before a release begins; a release that fails is a `Result`.
    """
    there = {name: environment.other(name).number for name in away(environment.app)}
    if problems := strangers(environment.app, environment.account.number, there):
        raise Problems(problems)
    see_room(environment)
    see_addresses(environment)
    sites.build(environment.app, given.folder, environment.tell)
    own = environment.own
    formation = environment.formation()
    with stepping(environment, "fairway") as end:
        applied = formation.apply(own, {}, step="fairway")
        protect(environment, formation, own, applied)
        end(applied.outcome)
    store = Store(environment.account, applied.resources["Bucket"], environment.clock)
    with store.held(f"deploy {environment.app.environment}", environment.app.environment):
        values = {**given.values, **room_to_renew(environment)}
        course = Course(store, environment.formation(store), values)
        return run(environment, given, course)


def run(environment: Environment, given: Given, course: Course) -> Result:
    """Every step, in its order; what fails once a release has begun is taken back."""
    before = releases.current(course.store.releases())
    plan = order.steps(environment.app, environment.stacks)
    for step in plan:
        try:
            take(environment, given, course, step, before)
        except Problems as problems:
            if isinstance(step, Apply) and order.is_released(step.stack.name):
                return taken_back(environment, course, before, problems)
            if course.released:  # it serves, whatever failed after it
                course.store.add(
                    release(environment, course, plan), keep=environment.app.keep_revisions
                )
            raise
    orphans = environment.orphans()
    course.has_changed = course.has_changed or bool(orphans)
    new = release(environment, course, plan)
    if not course.has_changed and before is not None and before.revision == new.revision:
        return Result(
            outcome="unchanged", tried=new.revision, before=before.revision, image=new.image
        )
    course.store.add(new, keep=environment.app.keep_revisions)
    drop(environment, course, orphans)
    return Result(
        outcome="promoted",
        tried=new.revision,
        before="" if before is None else before.revision,
        image=new.image,
    )


def drop(environment: Environment, course: Course, orphans: Sequence[Stack]) -> None:
    """Delete the stacks that the file does not ask for any more; what holds data stays."""
    for stack in orphans:
        step = str(Apply(stack))
        with stepping(environment, step) as end:
            environment.tell(Told(step, "nothing names it any more"))
            kept.note(environment, course.store, stack)
            course.formation.delete(stack, step)
            end("done")


def take(
    environment: Environment, given: Given, course: Course, step: Step, before: Release | None
) -> None:
    """One step."""
    with stepping(environment, str(step)) as end:
        match step:
            case Apply(stack):
                end(apply(environment, course, stack, str(step), before))
            case Build():
                course.values |= images(environment, given, course)
                end("done")
            case Values(secrets):
                see_values(environment, secrets)
                end("done")
            case Once(service):
                end(migrate(environment, course, service, str(step)))
            case Files(site):
                end(send_files(environment, given, course, site, str(step)))


def apply(
    environment: Environment, course: Course, stack: Stack, step: str, before: Release | None
) -> Outcome:
    """Bring a stack to its template, and a service to the task definition in it."""
    watch = Watch(since=environment.clock.now())
    service = order.service_of(stack)
    running = environment.running
    may_wait = steering.HOOK in text(stack)

    def look() -> None:
        if service is not None:
            running.failures(service, None, step, watch)
        if service is not None and may_wait:
            steering.tell_waiting(environment, service, step, watch.told)

    if order.is_released(stack.name):
        course.released.append(stack)
    applied = course.formation.apply(stack, values_of(stack, course.values), step=step, beside=look)
    protect(environment, course.formation, stack, applied)
    outcome: Outcome = applied.outcome
    if applied.outcome != "unchanged":
        course.has_changed = True
    elif stack in course.released:
        course.released.remove(stack)
    if service is not None:
        course.secrets[service] = versions(environment, stack)
        if outcome == "unchanged" and is_stale(course, service, before):
            outcome = renewed(environment, course, service, applied, step)
        verdict = in_service(environment, service, applied, step, watch)
        if verdict.state == "failed":
            course.released += [] if stack in course.released else [stack]
            mend = f"Its log: `fairway logs {environment.app.environment} {service}`."
            raise Problems([Problem(str(Apply(stack)), verdict.words, mend)], exit_code=1)
    return outcome


def protect(environment: Environment, formation: Stacks, stack: Stack, applied: Applied) -> None:
    """Nobody deletes a stack by mistake, but in development."""
    if applied.outcome == "created" and environment.app.environment != "dev":
        formation.protect(stack, is_on=True)


def images(environment: Environment, given: Given, course: Course) -> Mapping[str, str]:
    """The images, in the registry that is there by now; raises `Problems` where one lacks."""
    registry = environment.needed("registry")
    asked = order.images_asked(environment.stacks)
    found: Mapping[str, str] = {}
    if given.images is not None:
        found = given.images(registry, asked)
    missing = [name for name in asked if name not in found]
    if not missing:
        return found
    now = releases.current(course.store.releases())
    serving = f"\nIn service is {now.image}." if now is not None else ""
    which = "".join(f" --image {_said(name)}{registry}:TAG" for name in missing)
    mend = (
        f"Push it to {registry} under a tag of its own (its commit), then call again with{which}. "
        f"`fairway render` writes its Dockerfile and the lines that push it.{serving}"
    )
    where = f"fairway deploy {environment.app.environment}"
    raise Problems([Problem(where, "network and data stand; no image is said", mend)], exit_code=1)


def _said(parameter: str) -> str:
    """`ImageApi` -> `ImageApi=`, where there are several."""
    return "" if parameter == order.IMAGE else f"{parameter}="


def renewed(
    environment: Environment, course: Course, service: str, applied: Applied, step: str
) -> Outcome:
    """Have tasks start that read the new value of a secret; of a function, say what holds."""
    if is_function(applied):
        words = "a secret of it has another value: copies that run keep the old one until they end"
        environment.tell(Told(step, words))
        return "unchanged"
    environment.tell(Told(step, "a secret of it has another value: its tasks start anew"))
    environment.account.client("ecs").update_service(
        cluster=environment.cluster, service=service, forceNewDeployment=True
    )
    course.has_changed = True
    return "updated"


def is_stale(course: Course, service: str, before: Release | None) -> bool:
    """Whether the service's tasks read secrets that have another value now."""
    known = None if before is None else before.secrets.get(service)
    return known is not None and known != course.secrets[service]


def migrate(environment: Environment, course: Course, service: str, step: str) -> Outcome:
    """Run what runs once before a release; one that ended well with this task is not run again."""
    stack = environment.stack("before")
    assert stack is not None, "there is a migration"
    task = course.formation.resources(stack)[f"{names.logical_id(service)}Task"]
    if course.store.done().get(step) == task:
        return "unchanged"
    ended = environment.running.once(
        task,
        subnets=environment.needed("services", "subnets").split(","),
        groups=[environment.needed("before", service, "group")],
        seconds=MIGRATION_SECONDS,
        heard=lambda line: environment.tell(Told(step, line)),
    )
    if ended.exit_code != 0:
        code = "it never began" if ended.exit_code is None else f"exit code {ended.exit_code}"
        why = f": {ended.why}" if ended.why else ""
        mend = "The services stay as they were. Mend it, then deploy again."
        raise Problems([Problem(step, f"{code}{why}", mend)], exit_code=1)
    course.has_changed = True
    course.store.has_done(step, task)
    return "done"


def send_files(
    environment: Environment, given: Given, course: Course, site: str, step: str
) -> Outcome:
    """Send a site's files, where they are others than last time."""
    app = environment.app
    folder = given.folder / app.sites[site].root
    domain = course.values.get(DOMAIN, "")  # none where nothing is called
    addresses = {name: address(home(app), name, domain) for name in app.sites[site].calls}
    told = pages.told(app.sites[site], addresses)
    digest = hashlib.sha256(told.encode())
    for file in sites.public_files(folder):
        digest.update(f"{file.relative_to(folder)}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    edge = environment.stack(stack_of(app, "site", site))
    bucket = environment.needed("site", site, "bucket", by=edge)
    whole = f"{bucket} {digest.hexdigest()}"
    if course.store.done().get(step) == whole:
        return "unchanged"
    distribution = environment.handed("site", site, "distribution", by=edge)
    region = None if edge is None else edge.region
    account = environment.account_of(edge)
    count = sites.send(account, folder, bucket, distribution, region=region, told=told)
    environment.tell(Told(step, f"{count} files"))
    course.has_changed = True
    course.store.has_done(step, whole)
    return "updated"
