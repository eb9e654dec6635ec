"""How other commands talk to the running engine: JSON lines over a socket in `.fairway/`.

A request is one line `{"verb": ..., ...}`; the answer is any number of `{"event": {...}}` and
then one `{"result": {...}}` or `{"problems": [...], "exit_code": n}`. Only the file's owner can
connect. A path too long for a socket is reached through its folder's descriptor.
"""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fairway.core.problem import Problem, Problems, unknown
from fairway.core.release import machine
from fairway.core.scale import refusal
from fairway.core.schedule import Record
from fairway.core.spec.model import Service
from fairway.core.status import EventLine, to_json
from fairway.core.workflow import BY_HAND, FROM_START
from fairway.engine.client import LINE_BYTES
from fairway.engine.engine import Engine

__all__ = ["listen"]

LAST_WORDS_SECONDS = 2.0


@asynccontextmanager
async def listen(engine: Engine, path: Path) -> AsyncGenerator[None]:
    """Answer requests while the block runs. The caller holds the project's lock."""
    forget_socket(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    asking: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(engine, reader, writer))
        asking.add(task)
        task.add_done_callback(asking.discard)

    try:
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(
                accept, path=f"/proc/self/fd/{folder}/{path.name}", limit=LINE_BYTES
            )
        finally:
            os.umask(before)
        async with server:
            try:
                yield
            finally:
                if asking:  # who waits for the end is told of it
                    await asyncio.wait(asking, timeout=LAST_WORDS_SECONDS)
    finally:
        os.close(folder)
        forget_socket(path)


def forget_socket(path: Path) -> None:
    path.unlink(missing_ok=True)


async def serve(engine: Engine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request."""

    def send(message: Mapping[str, Any]) -> None:
        writer.write(json.dumps(message).encode() + b"\n")

    def on_event(event: EventLine) -> None:
        send({"event": asdict(event)})

    try:
        line = await reader.readline()
        if not line:
            return
        message = json.loads(line)
        if message.get("verb") == "wait":  # who waits for the start is told it from its beginning
            for event in engine.world.journal.events:
                if event.at >= engine.started_at:
                    on_event(event)
        engine.world.listeners.append(on_event)
        try:
            send({"result": await answer(engine, message)})
        except Problems as problems:
            send(
                {
                    "problems": [asdict(problem) for problem in problems],
                    "exit_code": problems.exit_code,
                }
            )
        finally:
            engine.world.listeners.remove(on_event)
        await writer.drain()
    except (ConnectionError, ValueError):
        return  # Whoever asked has gone, or did not speak JSON: nobody to tell.
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def answer(engine: Engine, message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do what one request asks."""
    match message["verb"]:
        case "status":
            return to_json(engine.status())
        case "wait":
            return await wait_until_up(engine)
        case "deploy":
            return await deploy(engine, None)
        case "rollback":
            return await deploy(engine, earlier(engine, message.get("revision")))
        case "promote" | "abort" | "pause" | "resume" as verb:
            steer(engine, verb)
        case "scale":
            check_scale(engine, message["service"], message["replicas"])
            engine.scale(message["service"], message["replicas"])
        case "run":
            job, from_start = message["job"], bool(message.get("from_start"))
            return await run(engine, job, wait=message.get("wait", True), from_start=from_start)
        case "down":
            engine.stop(quick=bool(message.get("quick")))
            async with engine.changed:
                await engine.changed.wait_for(lambda: engine.phase in ("stopped", "failed"))
        case verb:
            raise Problems([Problem("", f"the engine does not know `{verb}`", "Restart it.")])
    return {}


async def wait_until_up(engine: Engine) -> Mapping[str, Any]:
    """Answer when the first start has ended; raises as the engine failed."""
    async with engine.changed:
        await engine.changed.wait_for(lambda: engine.phase != "starting")
    if engine.problems:
        raise Problems(engine.problems, exit_code=1)
    return to_json(engine.status())


def steer(engine: Engine, verb: str) -> None:
    """Give an order to the release in progress."""
    now = engine.world.clock.now()
    orders: Mapping[str, machine.Event] = {
        "promote": machine.Promote(now),
        "abort": machine.Abort(now),
        "pause": machine.Pause(),
        "resume": machine.Resume(now),
    }
    engine.deployments.order(orders[verb])


async def deploy(engine: Engine, revision: str | None) -> Mapping[str, Any]:
    """Release what the folder holds, or an earlier revision; answers when that has ended."""
    begun = await engine.deploy(revision)
    before = engine.world.ledger.stable  # until the release has ended
    if not begun:
        return {"outcome": "unchanged", "before": before, "revision": before, "reason": ""}
    outcome = await engine.settled()
    state = engine.world.ledger.deployment
    return {
        "outcome": outcome,
        "reason": "" if state is None else state.reason,
        "before": before,
        "revision": engine.world.ledger.stable,
        "tried": None if state is None else state.new,
    }


async def run(engine: Engine, job: str, *, wait: bool, from_start: bool) -> Mapping[str, Any]:
    """Ask for a run of a job or a workflow; with `wait`, until one that this began has ended.

    Of a workflow the answer has `stopped_at`, the step that failed; empty: none did.
    """
    app = engine.world.wanted_app
    is_workflow = app is not None and job in app.workflows
    if from_start and app is not None and job in app.jobs:
        what = f"`{job}` is a job: each run begins at its start"
        raise Problems([Problem("--from-start", what, "Leave it out.")])
    ended = workflow_ended(engine, job) if is_workflow else job_ended(engine, job)
    engine.jobs.ask(job, FROM_START if from_start else BY_HAND)
    if not wait:
        return {"job": job}
    async with engine.changed:
        await engine.changed.wait_for(lambda: ended() is not None or engine.phase == "stopped")
    found = ended()
    if found is None:
        return {}
    if not is_workflow:
        return asdict(found)
    state = engine.world.ledger.workflows[job]
    return {**asdict(found), "stopped_at": state.steps[state.at] if state.stopped else ""}


def job_ended(engine: Engine, job: str) -> Callable[[], Record | None]:
    """What tells how a run after this moment ended, once no further try follows it."""
    state = engine.world.ledger.jobs.get(job)
    before = 0 if state is None else state.runs

    def ended() -> Record | None:
        now = engine.world.ledger.jobs.get(job)
        if now is None or now.running or now.retry_at is not None or now.runs <= before:
            return None
        done = [record for record in now.history if record.exit_code is not None]
        return done[-1] if done else None

    return ended


def workflow_ended(engine: Engine, name: str) -> Callable[[], Record | None]:
    """What tells how a run after this moment ended."""
    state = engine.world.ledger.workflows.get(name)
    last = () if state is None else state.history[-1:]

    def ended() -> Record | None:
        now = engine.world.ledger.workflows.get(name)
        if now is None or now.running or now.pending or now.history[-1:] == last:
            return None
        return now.history[-1]

    return ended


def earlier(engine: Engine, wanted: str | None) -> str:
    """The revision to go back to: the one named, or the last good one before this."""
    ledger = engine.world.ledger
    good = [each.revision for each in ledger.revisions if each.outcome == "promoted"]
    if wanted is None:
        before = [revision for revision in good if revision != ledger.stable]
        if not before:
            raise Problems(
                [
                    Problem(
                        "", "there is no earlier revision to go back to", "See `fairway status`."
                    )
                ],
                exit_code=1,
            )
        return before[-1]
    found = [each.revision for each in ledger.revisions if each.revision.startswith(wanted)]
    if len(found) != 1:
        known = ", ".join(each.revision for each in ledger.revisions)
        raise Problems(
            [Problem("", f"no single revision is called `{wanted}`", f"Known are: {known}.")]
        )
    return found[0]


def check_scale(engine: Engine, service: str, replicas: int | None) -> None:
    """Refuse to scale what is not there, or what must run alone."""
    app = engine.world.wanted_app
    programs: Mapping[str, Service] = {} if app is None else app.programs
    if service not in programs:
        raise Problems([unknown("fairway.toml", "service or worker", service, programs)])
    refused = None if replicas is None else refusal(programs[service], replicas, "fairway scale")
    if refused is not None:
        raise Problems([refused])
