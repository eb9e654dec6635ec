"""Versions of what an app brings itself, which comes before what the runtime brings."""

__all__ = ["is_older"]


def is_older(version: str, than: str) -> bool:
    """Whether a version is older; of one that says no numbers, nobody knows.

    >>> is_older("0.9.1", "0.22")
    True
    """
    numbers = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    return bool(numbers) and numbers < [int(part) for part in than.split(".")]
