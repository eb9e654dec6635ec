"""Token buckets in memory: how often each key may do something (R216).

A bucket holds `most` tokens and gains one every `seconds / most`; a call takes one. Only one
number a key is kept, the moment at which its bucket will be full again: tokens = most - (that
moment - now) / step. A key that is not there has a full bucket. No I/O; the clock is an argument.
"""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

__all__ = ["Buckets", "Rate", "Taken"]

_PERIODS = {"s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RATE = re.compile(r"([1-9][0-9]{0,8})\s*/\s*([0-9]+(?:\.[0-9]+)?)?\s*([a-z]+)\Z")
_NEAR = 1e-6  # seconds that a sum of floats may be off


@dataclass(frozen=True, slots=True)
class Rate:
    """`most` at once, and as many in every `seconds` after that."""

    most: int
    seconds: float

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """`60/min`, `5/s`, `1000/h`, `10/30s`; raises `ValueError`."""
        match = _RATE.match(text.strip().lower())
        if match and match[3] in _PERIODS:
            seconds = float(match[2] or 1) * _PERIODS[match[3]]
            if seconds > 0 and isfinite(seconds):
                return cls(int(match[1]), seconds)
        raise ValueError("must be a rate such as 60/min, 5/s or 1000/h")

    @property
    def step_seconds(self) -> float:
        """How long one token takes."""
        return self.seconds / self.most

    def taken(self, debt_seconds: float, *, is_allowed: bool) -> "Taken":
        """What a caller is told when its bucket will be full in `debt_seconds`."""
        left = self.left(debt_seconds)
        wait = 0.0 if left else max(0.0, debt_seconds + self.step_seconds - self.seconds)
        return Taken(is_allowed, left, debt_seconds, wait, self)

    def left(self, debt_seconds: float) -> int:
        """How many tokens a bucket holds that will be full in `debt_seconds`."""
        left = int((self.seconds - debt_seconds) * self.most / self.seconds + _NEAR)
        return max(0, left)


class Taken(NamedTuple):
    """Whether a token was there; how many are left; seconds until full, and until the next.

    And the rate of the bucket that it was asked of.
    """

    is_allowed: bool
    remaining: int
    full_seconds: float
    wait_seconds: float
    rate: Rate


class Buckets:
    """A bucket for each key, the `most_keys` used last (about 200 bytes each); thread-safe.

    A bucket that is forgotten is full when its key comes back: the bound on memory is worth more
    than the count of a key that 20,000 others came after.
    """

    def __init__(
        self, rate: Rate, *, most_keys: int = 20_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self.step_seconds = rate.step_seconds
        self._span = rate.seconds + _NEAR
        self._most_keys = most_keys
        self._clock = clock
        self._lock = threading.Lock()
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, tokens: int = 1) -> Taken:
        """Take one token of `key`, if one is there; or `tokens` at once, at most all."""
        if tokens == 1:
            is_allowed, debt = self.spend(key, self.step_seconds)
            return self.rate.taken(debt, is_allowed=is_allowed)
        cost = min(tokens, self.rate.most) * self.step_seconds
        is_allowed, debt = self.spend(key, cost)
        wait = max(0.0, debt + cost - self.rate.seconds)
        return self.rate.taken(debt, is_allowed=is_allowed)._replace(wait_seconds=wait)

    def spend(self, key: str, cost: float) -> tuple[bool, float]:
        """Take what gathers in `cost` seconds; whether it was there, and seconds until full."""
        now = self._clock()
        full_at = self._full_at
        debt = cost
        with self._lock:
            known = full_at.get(key)
            if known is None:
                if len(full_at) >= self._most_keys:
                    full_at.popitem(last=False)
            else:
                full_at.move_to_end(key)
                if known > now:
                    debt += known - now
            if debt > self._span:
                return False, debt - cost
            full_at[key] = now + debt
        return True, debt

    def debt_seconds(self, key: str) -> float:
        """How long until the bucket of `key` is full."""
        now = self._clock()
        return max(0.0, self._full_at.get(key, now) - now)

    def owe(self, key: str, full_at: float) -> None:
        """Learn from elsewhere that the bucket is not full before `full_at` on this clock."""
        with self._lock:
            self._full_at[key] = max(full_at, self._full_at.get(key, full_at))
            self._full_at.move_to_end(key)
            if len(self._full_at) > self._most_keys:
                self._full_at.popitem(last=False)
