"""A good canary and a bad one under a steady load: how long each takes, and who meets the bad one.

The small app on two replicas, released by canary in two steps, first a version that is as good,
then one that answers 5 % of its requests with 500. A full run draws
docs/pictures/canary-good.svg and canary-bad.svg: the share of the traffic that the new revision
gets, the errors of all answers, and what the analysis said when.
"""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Generator, Load, Request
from bench.load_report import Window
from bench.plain import PlainProject, plain
from bench.project import is_short, say
from bench.result import Result
from bench.timeline import Mark, Panel, picture
from fairway.core.status import EventLine

REQUIREMENTS = ("R151", "R152", "R153", "R189")

PICTURES = Path(__file__).parent.parent / "docs/pictures"
RATE = 150.0
CALM_SECONDS = 5.0
LOOK_SECONDS = 0.5
WEIGHTS = (0.2, 0.5)
HOLD_SECONDS = 20
FILE = """
app = "shop"

[service.web]
asgi = "main:app"
public = true
port = <port>
replicas = 2
timeouts = { drain = "5s" }
release = { canary = [STEPS] }
"""
STEPS = ", ".join(f'"{weight:.0%} for {HOLD_SECONDS}s"' for weight in WEIGHTS)
GOALS = {
    "good_promoted": "== 1",
    "good_failed": "== 0",
    "bad_promoted": "== 0",
    "bad_seconds": f"<= {HOLD_SECONDS * len(WEIGHTS) + 10}",
    "bad_share": f"<= {WEIGHTS[-1] * 0.05}",
}
TELLING = ("deploying", "traffic to the new", "analysis", "in service", "rolled back")


@dataclass(slots=True)
class Watch:
    """Looks at the release twice a second in a thread of its own."""

    project: PlainProject
    before: str
    began: float = field(default_factory=time.time)
    share: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    errors: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    events: tuple[EventLine, ...] = ()
    over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        while not self.over.wait(LOOK_SECONDS):
            status = self.project.look()
            service, at = status.services[0], time.time() - self.began
            settled = 0.0 if service.revision == self.before else 100.0
            self.share.append((at, service.release_percent if service.release else settled))
            self.errors.append((at, service.error_percent))
            self.events = status.events

    def marks(self) -> list[Mark]:
        """What was told while it looked, without what is only about replicas."""
        return [
            Mark(event.at - self.began, event.text.splitlines()[0].partition(", p ")[0])
            for event in self.events
            if event.at >= self.began and any(word in event.text for word in TELLING)
        ]


def run() -> Result:
    """One good release, one bad one."""
    with plain(FILE.replace("STEPS", STEPS)) as project:
        time.sleep(CALM_SECONDS)  # who asked before it was up is not part of it
        good, good_seconds, good_window = released(project, "1", "none")
        bad, bad_seconds, bad_window = released(project, "2", "errors")
    say(f"failed while the bad one was out: {dict(bad_window.failures)}")
    return Result(
        {
            "good_promoted": float(good),
            "good_seconds": good_seconds,
            "good_requests": good_window.sent,
            "good_failed": good_window.failed,
            "bad_promoted": float(bad),
            "bad_seconds": bad_seconds,
            "bad_requests": bad_window.sent,
            "bad_failed": bad_window.failed,
            "bad_share": bad_window.failed / bad_window.sent,
        },
        GOALS,
    )


def released(project: PlainProject, version: str, fault: str) -> tuple[bool, float, Window]:
    """Whether it was promoted, its seconds, and what the load met meanwhile."""
    project.version(version, fault)
    with Generator(Load(project.port, (Request("/"),), RATE)) as load:
        watch = Watch(project, before=project.look().services[0].revision)
        thread = threading.Thread(target=watch.look)
        thread.start()
        try:
            time.sleep(CALM_SECONDS)
            load.mark("release")
            began = time.monotonic()
            promoted, _ = project.deploy()
            seconds = time.monotonic() - began
            load.mark("after")
            time.sleep(CALM_SECONDS)
        finally:
            watch.over.set()
            thread.join()
        window = load.finish().phase("release")
    if not is_short():
        name, words = ("good", "that is as good") if fault == "none" else ("bad", "with 5 % errors")
        panels = (
            Panel("traffic to the new revision, %", watch.share),
            Panel("errors of all answers, %", watch.errors),
        )
        title = f"A canary {words}, {window.sent:,} requests"
        (PICTURES / f"canary-{name}.svg").write_text(picture(title, panels, watch.marks()))
    return promoted, seconds, window
