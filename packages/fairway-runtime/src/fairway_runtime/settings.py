"""What the environment says about this process, read once and checked at once.

Everything comes from environment variables (R57); `contract` names them. Nothing here reads the
process: the mapping arrives as an argument.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from fairway_runtime import contract
from fairway_runtime.bucket import Rate
from fairway_runtime.redact import secrets_in

__all__ = ["Dependency", "Settings", "SettingsError"]

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_OFF = ("false", "0", "no", "off")


class SettingsError(ValueError):
    """Every variable that can't be used, one line each: name, value, what was expected."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something the app uses and readiness asks after: the variable's name, and its URL."""

    name: str
    url: str = field(repr=False)  # carries a password


@dataclass(frozen=True, slots=True)
class Settings:
    """How the runtime behaves in this process; seconds and bytes; 0 means "no limit" for both.

    `drain_seconds` and `lame_duck_seconds` of 0 mean "at once".
    """

    environment: str = "dev"
    service: str = ""
    revision: str = ""
    replica: str = ""
    log_level: str = "INFO"
    is_logging: bool = True
    host: str = "127.0.0.1"
    port: int = 8000
    dependencies: tuple[Dependency, ...] = ()
    check_seconds: float = contract.DEFAULT_CHECK_SECONDS
    drain_seconds: float = contract.DEFAULT_DRAIN_SECONDS
    lame_duck_seconds: float = contract.DEFAULT_LAME_DUCK_SECONDS
    request_seconds: float = contract.DEFAULT_REQUEST_SECONDS
    body_bytes: int = contract.DEFAULT_BODY_BYTES
    rate_limit: Rate | None = None
    redis_url: str = field(default="", repr=False)  # carries a password
    trusted_proxies: tuple[str, ...] = contract.DEFAULT_TRUSTED_PROXIES
    user_header: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "Settings":
        """The settings that `env` asks for; what it leaves out has the contract's defaults.

        Raises `SettingsError` with every fault, not only the first.
        """
        reader = _Reader(env)
        settings = cls(
            environment=reader.text(contract.ENVIRONMENT, "dev"),
            service=reader.text(contract.SERVICE, ""),
            revision=reader.text(contract.REVISION, ""),
            replica=reader.text(contract.REPLICA, ""),
            log_level=reader.choice(contract.LOG_LEVEL, _LEVELS, "INFO"),
            is_logging=reader.choice(contract.LOGS, ("JSON", "OFF"), "JSON") == "JSON",
            host=reader.text(contract.HOST, "127.0.0.1"),
            port=reader.whole(contract.PORT, 8000, highest=65535),
            dependencies=reader.dependencies(),
            check_seconds=reader.seconds(
                contract.CHECK_SECONDS, contract.DEFAULT_CHECK_SECONDS, allows_zero=False
            ),
            drain_seconds=reader.seconds(contract.DRAIN_SECONDS, contract.DEFAULT_DRAIN_SECONDS),
            lame_duck_seconds=reader.seconds(
                contract.LAME_DUCK_SECONDS, contract.DEFAULT_LAME_DUCK_SECONDS
            ),
            request_seconds=reader.seconds(
                contract.REQUEST_SECONDS, contract.DEFAULT_REQUEST_SECONDS
            ),
            body_bytes=reader.whole(contract.BODY_BYTES, contract.DEFAULT_BODY_BYTES),
            rate_limit=reader.rate(),
            redis_url=reader.redis_url(),
            trusted_proxies=reader.networks(),
            user_header=reader.text(contract.USER_HEADER, ""),
            secrets=secrets_in(env),
        )
        if reader.faults:
            raise SettingsError(reader.faults)
        return settings


class _Reader:
    """Reads variables one by one and remembers what was wrong with each."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.faults: list[str] = []

    def text(self, name: str, default: str) -> str:
        value = self.env.get(name, "").strip() or default
        if value.isprintable():
            return value
        self._fault(name, value, "must be printable text")
        return default

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(name, default).upper()
        if value in choices:
            return value
        self._fault(name, value, f"must be one of {', '.join(choices)}")
        return default

    def whole(self, name: str, default: int, *, highest: int = 2**63) -> int:
        value = self.text(name, str(default))
        if value.isascii() and value.isdigit() and len(value) < 20 and int(value) <= highest:
            return int(value)
        bound = "" if highest == 2**63 else f" up to {highest}"
        self._fault(name, value, f"must be a whole number from 0{bound}")
        return default

    def seconds(self, name: str, default: float, *, allows_zero: bool = True) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isfinite(number) and (number > 0 or (allows_zero and number == 0)):
            return number
        least = "0 or more" if allows_zero else "more than 0"
        self._fault(name, value, f"must be a number of seconds, {least}")
        return default

    def dependencies(self) -> tuple[Dependency, ...]:
        """The URLs behind the variables that `FAIRWAY_READY_CHECKS` names, in its order."""
        found: list[Dependency] = []
        for name in dict.fromkeys(self.env.get(contract.READY_CHECKS, "").split()):
            url = self.env.get(name, "")
            if url:
                found.append(Dependency(name, url))
            else:
                self.faults.append(
                    f"{contract.READY_CHECKS} names {name}, which is not set: set it to a URL,"
                    " or leave its name out"
                )
        return tuple(found)

    def rate(self) -> Rate | None:
        """`60/min`; nothing, `none` or `off` is no limit (R63)."""
        value = self.text(contract.RATE_LIMIT, "none")
        if value.lower() in {"none", "off"}:
            return None
        try:
            return Rate.parse(value)
        except ValueError as error:
            self._fault(contract.RATE_LIMIT, value, str(error))
            return None

    def redis_url(self) -> str:
        """Where Redis is, unless the environment does without it (R66)."""
        is_off = self.env.get(contract.REDIS_ENABLED, "").strip().lower() in _OFF
        url = "" if is_off else self.env.get(contract.REDIS_URL, "").strip()
        is_used = bool(url and self.env.get(contract.RATE_LIMIT))
        if is_used and not url.startswith(("redis://", "rediss://", "unix://")):
            self.faults.append(f"{contract.REDIS_URL}: must begin with redis:// or rediss://")
        return url

    def networks(self) -> tuple[str, ...]:
        value = self.env.get(contract.TRUSTED_PROXIES)
        if value is None:
            return contract.DEFAULT_TRUSTED_PROXIES
        from ipaddress import ip_network

        found = tuple(value.replace(",", " ").split())
        for one in found:
            try:
                ip_network(one, strict=False)
            except ValueError:
                self._fault(contract.TRUSTED_PROXIES, one, "must be an address or a network")
        return found

    def _fault(self, name: str, value: str, expected: str) -> None:
        self.faults.append(f"{name}={value!r}: {expected}")
