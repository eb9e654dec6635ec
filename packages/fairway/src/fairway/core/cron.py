"""The words of a schedule that stand for a cron expression. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["CRON", "ONCE"]

CRON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "@hourly": "0 * * * *",
        "@daily": "0 0 * * *",
        "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *",
    }
)
ONCE: Final = "@once"
