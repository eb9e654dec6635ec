"""Which Python an image has: 3.12, or the nearest that the project allows (R40). Pure."""

import re

__all__ = ["DEFAULT", "KNOWN", "allows", "python_for"]

DEFAULT = "3.12"
KNOWN = (DEFAULT, "3.13", "3.11")  # what the runtime is tested with, the wanted one first


def python_for(asked: str) -> str | None:
    """The minor version for what a project pins (`3.11.4`) or allows (`>=3.11,<3.13`).

    None where it allows none that the runtime knows.
    """
    pinned = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)?", asked.strip())
    if pinned:
        minor = f"{pinned[1]}.{pinned[2]}"
        return minor if minor in KNOWN else None
    return next((minor for minor in KNOWN if allows(asked, minor)), None)


def allows(asked: str, minor: str) -> bool:
    """Whether some release of a minor version is allowed; what is not understood allows it."""
    clauses = re.findall(r"(~=|===?|!=|<=|>=|<|>|\^)\s*([0-9.]+)", asked)
    return all(_fits(sign, wanted, minor) for sign, wanted in clauses)


def _fits(sign: str, wanted: str, minor: str) -> bool:
    numbers = [int(part) for part in wanted.strip(".").split(".")]
    bound, patch = (*numbers, 0)[:2], len(numbers) > 2 and numbers[2] > 0
    have = tuple(int(part) for part in minor.split("."))
    match sign:
        case ">=" | ">":
            return have >= bound
        case "<":
            return have < bound or (have == bound and patch)
        case "<=":
            return have <= bound
        case "==" | "===":
            return have[: len(numbers)] == tuple(numbers)[:2]
        case "~=":
            return have >= bound and (have == bound if len(numbers) > 2 else have[0] == bound[0])
        case "^":
            return have >= bound and have[0] == bound[0]
        case _:
            return have != bound or len(numbers) > 2
