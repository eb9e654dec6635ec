"""How a kernel is compiled: once, kept on disk where that can be written, without Python's lock."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["compiled"]

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile `function` with numba when it is first called.

    Of fast-math only contraction (a * b + c in one step): a sum keeps its order, so that a seed
    gives the same numbers again on the same machine.
    """
    made: object = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})(
        function
    )
    return cast("Kernel", made)
