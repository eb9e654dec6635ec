"""A benchmark's result: figures, goals, and whether the ones meet the others.

Pure. A goal is a comparison with a number, as in `{"p99_ms": "<= 20", "failed": "== 0"}`.
"""

import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["Result", "is_met", "line", "missed"]

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
GOAL = re.compile(r"(<=|>=|==|<|>)\s*(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Result:
    """Figures by name, each name with its unit (`first_200_seconds`), and goals for some of them.

    A figure that could not be measured is left out or NaN: its goal is then missed. A goal that
    is not a comparison with a number raises ValueError here, before anything is judged.
    """

    figures: Mapping[str, float]
    goals: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        for goal in self.goals.values():
            _parsed(goal)

    @property
    def is_ok(self) -> bool:
        return not missed(self)


def is_met(figure: float | None, goal: str) -> bool:
    """Whether `figure` meets `goal`; one that was not measured (None, NaN) meets none."""
    compare, bound = _parsed(goal)
    return figure is not None and not math.isnan(figure) and compare(figure, bound)


def missed(result: Result) -> tuple[str, ...]:
    """The names of the figures whose goals are not met, sorted."""
    return tuple(
        name
        for name, goal in sorted(result.goals.items())
        if not is_met(result.figures.get(name), goal)
    )


def line(name: str, result: Result) -> str:
    """The one line of JSON that ends a benchmark's output. NaN and infinity become null."""
    figures = {
        figure: value if math.isfinite(value) else None for figure, value in result.figures.items()
    }
    document = {
        "name": name,
        "figures": figures,
        "goals": dict(result.goals),
        "ok": result.is_ok,
    }
    return json.dumps(document, allow_nan=False)


def _parsed(goal: str) -> tuple[Callable[[float, float], bool], float]:
    match = GOAL.fullmatch(goal.strip())
    if match is None:
        raise ValueError(f"a goal is a comparison with a number, as '<= 3.0'; not {goal!r}")
    return COMPARISONS[match[1]], float(match[2])
