"""A clock that moves only when a test says so."""

from dataclasses import dataclass, field

__all__ = ["Ticking"]


@dataclass
class Ticking:
    """`clock()` is the time; `sleep` moves it on and notes how far."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)
