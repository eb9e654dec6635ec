"""What the parts of the engine share: the driver, the ledger, the crew, the clock, the events."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fairway.core.ledger import Ledger
from fairway.core.problem import Problems
from fairway.core.spec.model import App
from fairway.core.status import EventLine
from fairway.core.target import Driver, Observed
from fairway.engine.clock import Clock
from fairway.engine.crew import Crew
from fairway.engine.journal import Journal

__all__ = ["World"]


class World:
    """One engine's shared state. Parts change `ledger` and nothing durable besides."""

    def __init__(self, driver: Driver, journal: Journal, clock: Clock) -> None:
        self.driver = driver
        self.journal = journal
        self.clock = clock
        self.ledger: Ledger = journal.ledger
        self.seen = Observed()
        self.wake = asyncio.Event()
        self.listeners: list[Callable[[EventLine], None]] = []
        self.crew = Crew(driver, clock, wake=self.wake.set, failed=self.on_failure)
        self.apps: dict[str, App] = {}

    def app(self, revision: str) -> App:
        """The app as a revision says it."""
        if revision not in self.apps:
            self.apps[revision] = self.driver.app(revision)
        return self.apps[revision]

    @property
    def wanted_app(self) -> App | None:
        """The app whose nodes and jobs are wanted: of the deployment in progress, else stable."""
        deployment = self.ledger.deployment
        if deployment is not None and not deployment.over and not deployment.undoing:
            return self.app(deployment.new)
        return None if self.ledger.stable is None else self.app(self.ledger.stable)

    def change(self, **fields: Any) -> None:
        """A new ledger; it is written before anything is done about it."""
        self.ledger = replace(self.ledger, **fields)

    def keep(self) -> None:
        """Write the ledger if it changed. Raises `Problems`: then nothing may be acted on."""
        self.journal.write(self.ledger, self.clock.now())

    def tell(self, node: str, text: str, level: str = "info") -> None:
        """Say that something happened."""
        event = EventLine(at=self.clock.now(), node=node, text=text, level=level)
        self.journal.tell(event)
        for listener in list(self.listeners):
            listener(event)

    def on_failure(self, what: str, problems: Problems) -> None:
        for problem in problems:
            self.tell(problem.where, f"could not {what}: {problem.what}", "bad")
