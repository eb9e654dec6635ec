"""What runs the app's code costs: tasks of services, workers and jobs, functions, images. Pure."""

from collections.abc import Iterator

from fairway.core.cost.assumptions import Assumptions
from fairway.core.cost.layout import Layout, fargate_size
from fairway.core.cost.line import HOURS, Line
from fairway.core.cost.load import Running, average_replicas, runs_per_month
from fairway.core.cost.prices import Prices
from fairway.core.spec.model import App, Job, Service

__all__ = ["compute", "flat", "of_service", "past_the_edge", "runs"]

LAMBDA_FREE_REQUESTS = 1e6
SCHEDULER_FREE = 14e6
STEP_TRANSITIONS = 1  # of a workflow, each of its steps
RUN_TRANSITIONS = 4  # is it running already, alone, run, done
LOOK_TRANSITIONS = 5  # and where it looks for new objects first


def compute(app: App, prices: Prices, assumed: Assumptions, layout: Layout) -> Iterator[Line]:
    """The lines of every service, worker, job and workflow."""
    for service in app.programs.values():
        if service.kind == "function":
            yield from of_function(service, prices, assumed, layout)
        else:
            running = average_replicas(service, assumed)
            yield from of_service(service, running, prices, layout)
    for job in app.jobs.values():
        yield from of_job(app, job, prices, assumed, layout)
    for workflow in app.workflows.values():
        times = runs_per_month(workflow.schedule)
        count = times * (len(workflow.steps) * STEP_TRANSITIONS + RUN_TRANSITIONS - 1)
        node = f"workflow {workflow.name}"
        yield flat(node, "steps between its jobs", prices, "states.transition", count)
    if app.programs or app.jobs:
        size = assumed.image_gb * app.keep_revisions
        what = f"images of {app.keep_revisions} revisions"
        yield flat("images", what, prices, "ecr.storage", size)
    if layout.has_builds:
        minutes = assumed.builds * assumed.build_minutes
        builder = "codebuild.arm" if layout.is_arm else "codebuild.x86"
        yield flat("images", "minutes of builds by CodeBuild", prices, builder, minutes)


def of_service(
    service: Service, running: Running, prices: Prices, layout: Layout
) -> Iterator[Line]:
    """Processor and memory hours, at the fewest, expected and most replicas."""
    size = fargate_size(service.cpu, service.memory_mib)
    if size is None:
        return
    hours = Running(*(each * HOURS for each in (running.lowest, running.expected, running.highest)))
    count = f"{running.expected:.3g} {'task' if running.expected == 1 else 'tasks'}"
    count += "" if float(running.expected).is_integer() else " on average,"
    what = f"{count} of {size[0]:g} vCPU"
    node = f"{service.node_kind} {service.name}"
    share = spot_share(prices) if service.interruptible else 1.0
    yield from task_lines(node, what, size, hours, prices, is_arm=layout.is_arm, share=share)


def spot_share(prices: Prices) -> float:
    """What Spot costs of the full price, at the least of its discounts."""
    return 1 - prices.discounts["fargate.spot"].lowest


def of_job(
    app: App, job: Job, prices: Prices, assumed: Assumptions, layout: Layout
) -> Iterator[Line]:
    """What its runs take of tasks, on Spot where it may be interrupted."""
    size = fargate_size(job.cpu, job.memory_mib)
    times = runs(app, job)
    if size is None or not times:
        return
    hours = times * min(assumed.job_minutes * 60, job.timeout_seconds) / 3600
    node = f"job {job.name}"
    share = spot_share(prices) if job.interruptible else 1.0
    what = f"{times:.3g} runs of {size[0]:g} vCPU"
    always = Running(hours, hours, hours)
    yield from task_lines(node, what, size, always, prices, is_arm=layout.is_arm, share=share)
    if job.schedule is not None:
        asked = max(times - SCHEDULER_FREE, 0.0)
        yield flat(node, "its schedule", prices, "scheduler.invocation", asked)
    looks = job.only_if_new is not None or job.on_new is not None
    moves = RUN_TRANSITIONS + (LOOK_TRANSITIONS if looks else 0)
    yield flat(node, "steps around its runs", prices, "states.transition", times * moves)


def task_lines(
    node: str,
    what: str,
    size: tuple[float, float],
    hours: Running,
    prices: Prices,
    *,
    is_arm: bool,
    share: float = 1.0,
) -> Iterator[Line]:
    """Two lines: processor and memory hours of tasks."""
    chip, named = ("arm", "Graviton") if is_arm else ("x86", "x86")
    spot = "" if share == 1.0 else ", Spot"
    note = "" if share == 1.0 else f"Spot at {1 - share:.0%} off, the least of its band"
    for number, words, key in (
        (size[0], f"{what}, {named}{spot}", f"fargate.{chip}.vcpu"),
        (size[1], f"{size[1]:g} GB of memory each", f"fargate.{chip}.gb"),
    ):
        yield Line(
            node=node,
            what=words,
            price=prices[key],
            quantity=number * hours.expected,
            lowest=number * hours.lowest,
            highest=number * hours.highest,
            share=share,
            note=note,
        )


def of_function(
    service: Service, prices: Prices, assumed: Assumptions, layout: Layout
) -> Iterator[Line]:
    """Requests, and memory by the second that they take; the gateway in front if it is public."""
    node = f"service {service.name}"
    count = past_the_edge(service, assumed)
    seconds = count * assumed.function_ms / 1000
    chip = "arm" if layout.is_arm else "x86"
    used = seconds * service.memory_mib / 1024
    yield flat(node, f"{service.memory_mib} MiB while it works", prices, f"lambda.{chip}", used)
    billed = max(count - LAMBDA_FREE_REQUESTS, 0.0)
    yield flat(node, "calls beyond the free million", prices, "lambda.requests", billed)
    if service.public:
        yield flat(node, "requests through the gateway", prices, "apigateway.requests", count)


def past_the_edge(service: Service, assumed: Assumptions) -> float:
    """The requests to a service that the CDN does not answer itself."""
    hits = assumed.edge_hits / 100 if service.public and service.cache else 0.0
    return assumed.requests_per_month * (1 - hits)


def runs(app: App, job: Job) -> float:
    """How often a job runs a month: its own schedule, and those that it follows."""
    return _runs(app, job.name, frozenset())


def _runs(app: App, name: str, seen: frozenset[str]) -> float:
    if name in seen:
        return 0.0
    times = runs_per_month(app.jobs[name].schedule)
    before = [each.name for each in app.jobs.values() if name in each.then]
    times += sum(_runs(app, each, seen | {name}) for each in before)
    flows = [each for each in app.workflows.values() if name in each.steps]
    return times + sum(runs_per_month(each.schedule) for each in flows)


def flat(node: str, what: str, prices: Prices, key: str, quantity: float) -> Line:
    """A line that does not depend on how many replicas run."""
    return Line(
        node=node,
        what=what,
        price=prices[key],
        quantity=quantity,
        lowest=quantity,
        highest=quantity,
    )
