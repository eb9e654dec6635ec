"""How long the properties look for a counterexample."""

from typing import Any

from hypothesis import settings

__all__ = ["examples"]

# `make check` looks a tenth as long as `make test`: it is run at every save.
QUICK = 10


def examples(number: int, **others: Any) -> settings:  # whatever hypothesis takes
    """Settings that try `number` examples under the profile `thorough`, fewer under `quick`."""
    quick = settings.default is not None and settings.default.max_examples < 100
    return settings(max_examples=number // QUICK if quick else number, deadline=None, **others)
