"""What the resilience modules agree on: which functions they wrap, and how they say no.

Nothing here keeps state or time.
"""

import inspect
from collections.abc import Callable

__all__ = ["Rejected", "is_async"]


class Rejected(Exception):
    """A call that was not made: the breaker is open, or the bulkhead full.

    `retry` never tries such a call again: the point of the refusal is to spare what it protects.
    """


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling `function` gives a coroutine; raises `TypeError` for generators.

    A generator's work happens after its call returned, where a wrapper no longer sees it.
    """
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        name = getattr(function, "__qualname__", repr(function))
        raise TypeError(f"{name} is a generator: wrap the function that does each step's work")
    return inspect.iscoroutinefunction(function)
