"""SIGKILL of a replica under load, again and again: what fails, and how soon it is whole again.

Two replicas of the weather app under a steady third of their capacity. One of them is killed
every few seconds: the younger, so that the older shows the revision to be sound and the engine
replaces at once (a revision whose replicas all die young is a crash loop, started less and less
often). The clock runs from the signal until the balancer sends traffic to two living replicas.
Reads are what the goal is about: the balancer may send them again. Writes that a killed replica
had begun are lost, as they must be; they are counted and told, not hidden.
"""

import asyncio
import os
import signal
import time

from bench.project import Project, copied, is_short, median, say
from bench.result import Result
from bench.traffic import capacity, fill, flowing
from fairway.targets.local.balancer.admin import AdminError, ask
from fairway.targets.local.balancer.config import ADMIN_SOCKET
from fairway.targets.local.balancer.stats import endpoint_states

REQUIREMENTS = ("R15", "R32", "R158")

KILLS = 10
SHORT_KILLS = 3
READS = 20_000
SHORT_READS = 3_000
REPLICAS = 2
SHARE_OF_CAPACITY = 1 / 3
STEADY_SECONDS = 62.0  # when a replica counts as proven
WHOLE_SECONDS = 60.0
LOOK_SECONDS = 0.02
GOALS = {
    "failed_reads_per_10000": "<= 1",
    "whole_seconds_worst": "<= 3",
    "reads": f">= {READS}",
    "kills": f">= {KILLS}",
}


def run() -> Result:
    """Kill after kill under the steady load."""
    kills = SHORT_KILLS if is_short() else KILLS
    with copied() as project:
        project.up_to_first_200()
        ready_at = time.monotonic()
        project.settle()
        fill(project)
        answered = capacity(project.port)
        rate = SHARE_OF_CAPACITY * answered
        pause = max(3.0, (SHORT_READS if is_short() else READS) / rate / (kills + 1))
        time.sleep(max(0.0, ready_at + STEADY_SECONDS - time.monotonic()))
        with flowing(project.port, rate) as streams:
            time.sleep(pause)
            seconds: list[float] = []
            for number in range(1, kills + 1):
                streams.mark("killed")
                seconds.append(killed(project))
                streams.mark("before")
                say(f"kill {number}: whole again after {seconds[-1]:.2f} s")
                time.sleep(pause)
            told = streams.finish()
    if told.failed:
        say(told.failures)
    reads, writes = told.reads.total, told.writes.total
    return Result(
        {
            "kills": kills,
            "reads": reads.sent,
            "failed_reads": reads.failed,
            "failed_reads_per_10000": 10_000 * reads.failed / max(1, reads.sent),
            "writes": writes.sent,
            "failed_writes": writes.failed,
            "whole_seconds": median(seconds),
            "whole_seconds_worst": max(seconds),
            "capacity_per_second": answered,
            "rate_per_second": rate,
            "before_p99_ms": told.reads.phase("before").p99_ms,
            "killed_p99_ms": told.reads.phase("killed").p99_ms,
            "killed_max_ms": told.reads.phase("killed").max_ms,
        },
        GOALS,
    )


def killed(project: Project) -> float:
    """Kill the younger replica; seconds until the balancer has two others that are healthy."""
    replicas = project.status().services[0].replicas
    victim = min(replicas, key=lambda each: each.uptime_seconds)
    pid = project.pid(victim.name)
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    while time.monotonic() - began < WHOLE_SECONDS:
        ports = healthy_ports(project)
        if len(ports - {victim.port}) >= REPLICAS:
            return time.monotonic() - began
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"not whole {WHOLE_SECONDS:g} s after {victim.name} was killed")


def healthy_ports(project: Project) -> set[int]:
    """The replicas that the balancer sends traffic to now."""
    asked = ask(project.layout.balancer, ADMIN_SOCKET, "/clusters?format=json", seconds=2.0)
    try:
        states = endpoint_states(asyncio.run(asked))
    except AdminError:
        return set()
    return {each.port for each in states.get("api", ()) if not each.why}
