"""How long the properties look for a counterexample."""

from typing import Any

from hypothesis import settings

__all__ = ["examples"]

# As many as Hypothesis tries where nobody says how many.
USUAL = 100


def examples(number: int, **others: Any) -> settings:  # whatever hypothesis takes
    """Settings that try `number` examples under the profile `thorough`.

    A tenth of them under `quick`, as `make check` is run at every save; ten times as many, and
    others each time, under `search`.
    """
    now = USUAL if settings.default is None else settings.default.max_examples
    return settings(max_examples=max(1, number * now // USUAL), deadline=None, **others)
