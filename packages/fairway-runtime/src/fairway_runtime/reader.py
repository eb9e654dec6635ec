"""Reads environment variables one by one, and remembers what is wrong with each.

`settings` says which variables there are; this knows how texts become values. Nothing here raises:
a value that can't be used leaves a sentence in `faults`, and its default is taken.
"""

import math
from collections.abc import Mapping
from urllib.parse import unquote

from fairway_runtime.bucket import Rate

__all__ = ["Reader"]

_OFF = ("false", "0", "no", "off")
_ON = ("true", "1", "yes", "on")


class Reader:
    """The variables `env`, and the faults that were found so far."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.faults: list[str] = []

    def text(self, name: str, default: str) -> str:
        value = self.env.get(name, "").strip() or default
        if value.isprintable():
            return value
        self.fault(name, value, "must be printable text")
        return default

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(name, default).upper()
        if value in choices:
            return value
        self.fault(name, value, f"must be one of {', '.join(choices)}")
        return default

    def switch(self, name: str, *, default: bool) -> bool:
        value = self.text(name, "on" if default else "off").lower()
        if value in _ON or value in _OFF:
            return value in _ON
        self.fault(name, value, "must be on or off")
        return default

    def whole(self, name: str, default: int, *, highest: int = 2**63) -> int:
        value = self.text(name, str(default))
        if value.isascii() and value.isdigit() and len(value) < 20 and int(value) <= highest:
            return int(value)
        bound = "" if highest == 2**63 else f" up to {highest}"
        self.fault(name, value, f"must be a whole number from 0{bound}")
        return default

    def seconds(self, name: str, default: float, *, allows_zero: bool = True) -> float:
        number = self._number(self.text(name, str(default)))
        if math.isfinite(number) and (number > 0 or (allows_zero and number == 0)):
            return number
        least = "0 or more" if allows_zero else "more than 0"
        self.fault(name, self.text(name, ""), f"must be a number of seconds, {least}")
        return default

    def share(self, name: str, default: float) -> float:
        """A number from 0 to 1."""
        number = self._number(self.text(name, str(default)))
        if 0 <= number <= 1:
            return number
        self.fault(name, self.text(name, ""), "must be a number from 0 to 1")
        return default

    def rate(self, name: str) -> Rate | None:
        """`60/min`; nothing, `none` or `off` is no limit (R63)."""
        value = self.text(name, "none")
        if value.lower() in {"none", "off"}:
            return None
        try:
            return Rate.parse(value)
        except ValueError as error:
            self.fault(name, value, str(error))
            return None

    def networks(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        if self.env.get(name) is None:
            return default
        from ipaddress import ip_network

        found = self.words(name)
        for one in found:
            try:
                ip_network(one, strict=False)
            except ValueError:
                self.fault(name, one, "must be an address or a network")
        return found

    def words(self, name: str) -> tuple[str, ...]:
        """What commas and spaces separate."""
        return tuple(self.text(name, "").replace(",", " ").split())

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """`name=value,other=value`, with %20 and the like decoded, as OpenTelemetry writes them."""
        found: list[tuple[str, str]] = []
        for part in filter(None, (one.strip() for one in self.text(name, "").split(","))):
            key, is_pair, value = part.partition("=")
            key, value = key.strip(), unquote(value.strip())
            if is_pair and key.replace("-", "").replace("_", "").isalnum() and value.isprintable():
                found.append((key, value))
            else:  # the value may be a key: it is not repeated here
                self.faults.append(f"{name}: must be name=value pairs with commas between them")
        return tuple(found)

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        value = self.text(name, "")
        if not value or value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            return value
        allowed = " or ".join(f"{scheme}://" for scheme in schemes)
        self.faults.append(f"{name}: must begin with {allowed}")  # it may carry a password
        return ""

    def fault(self, name: str, value: str, expected: str) -> None:
        self.faults.append(f"{name}={value!r}: {expected}")

    @staticmethod
    def _number(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            return math.nan
