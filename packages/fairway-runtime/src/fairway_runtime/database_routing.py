"""Where a thread's work on a database goes: to the read replica or the primary, and again.

One behaviour for psycopg's pools and for SQLAlchemy's engines, which differ in how a connection is
had. Imports no driver.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from fairway_runtime.database_parts import Parts
from fairway_runtime.database_policy import Kind, Policy, Work, kind_of

__all__ = ["Routing"]

Source = TypeVar("Source")  # of connections: a pool, an engine
Connection = TypeVar("Connection")
Result = TypeVar("Result")


@dataclass(slots=True)
class Routing(Generic[Source, Connection]):
    """`connect` gives a connection, `begin` one inside a transaction that ends with the block.

    `lost` is told when a source's server went away: its other connections are dead too.
    """

    parts: Parts
    connect: Callable[[Source], AbstractContextManager[Connection]]
    begin: Callable[[Source], AbstractContextManager[Connection]]
    lost: Callable[[Source], None]
    primary: Source | None = None
    replica: Source | None = None

    @property
    def sources(self) -> list[Source]:
        """Those that are open, the primary first."""
        return [source for source in (self.primary, self.replica) if source is not None]

    def take(self) -> list[Source]:
        """The same, to be closed: none is open any more."""
        taken = self.sources
        self.primary = self.replica = None
        return taken

    def read(self, work: Callable[[Connection], Result], *, is_fresh: bool) -> Result:
        """Work that changes nothing: by the replica, unless it must see what was just written."""
        if self.replica is not None and not is_fresh:
            try:
                return self._call(self.parts.read_policy, self.replica, self._reading(work))
            except Exception as error:
                if not self.parts.must_fall_back(error):
                    raise
        return self._call(self.parts.policy, self.open_primary(), self._reading(work))

    def transact(self, work: Callable[[Connection], Result]) -> Result:
        """Work in one transaction, tried again only where it cannot have happened."""

        def attempt(source: Source, state: Work) -> Result:
            with self.begin(source) as connection:
                result = work(connection)
                state.may_have_happened = True
            return result

        return self._call(self.parts.policy, self.open_primary(), attempt)

    def open_primary(self) -> Source:
        """The primary; RuntimeError where nobody opened it."""
        if self.primary is None:
            raise RuntimeError(f"database {self.parts.name} is not open: use `with`, or open()")
        return self.primary

    def _reading(self, work: Callable[[Connection], Result]) -> Callable[[Source, Work], Result]:
        def attempt(source: Source, _: Work) -> Result:
            with self.connect(source) as connection:
                return work(connection)

        return attempt

    def _call(
        self, policy: Policy, source: Source, attempt: Callable[[Source, Work], Result]
    ) -> Result:
        def checked(state: Work) -> Result:
            try:
                return attempt(source, state)
            except Exception as error:
                if kind_of(error) is Kind.LOST:
                    self.lost(source)
                raise

        return policy.call(checked)
