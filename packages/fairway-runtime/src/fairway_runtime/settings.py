"""What the environment says about this process, read once and checked at once.

Everything comes from environment variables (R57); `contract` names them. Nothing here reads the
process: the mapping arrives as an argument.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairway_runtime import contract
from fairway_runtime.bucket import Rate
from fairway_runtime.reader import Reader
from fairway_runtime.redact import secrets_in

__all__ = ["Dependency", "Settings", "SettingsError"]

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_OFF = ("false", "0", "no", "off")
_PROTOCOLS = ("HTTP/JSON", "HTTP/PROTOBUF")


class SettingsError(ValueError):
    """Every variable that can't be used, one line each: name, value, what was expected."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something the app uses and readiness asks after: the variable's name, and its URL.

    An optional one is what the app goes on without: it must be there when the process starts, and
    its loss afterwards is told by `/ready` but takes no replica out of service.
    """

    name: str
    url: str = field(repr=False)  # carries a password
    is_optional: bool = False


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
    warmup: tuple[str, ...] = ()  # paths, each with a `/` before it
    body_bytes: int = contract.DEFAULT_BODY_BYTES
    rate_limit: Rate | None = None
    processes: int = 1  # that may run at once, of all replicas
    user_rate_limit: Rate | None = None  # of a known user; None: as `rate_limit`
    redis_url: str = field(default="", repr=False)  # carries a password
    cache_seconds: float = contract.DEFAULT_CACHE_SECONDS  # that an answer of Redis may take
    trusted_proxies: tuple[str, ...] = contract.DEFAULT_TRUSTED_PROXIES
    user_header: str = ""
    traces_url: str = field(default="", repr=False)  # where spans go; "": nowhere
    traces_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    trace_ratio: float = 1.0  # of the requests that bring no decision with them
    sentry_dsn: str = field(default="", repr=False)
    has_security_headers: bool = True
    hsts_seconds: int | None = None  # None: a year in staging and production, else none
    content_security_policy: str = ""
    cors_origins: tuple[str, ...] = ()
    allows_cors_credentials: bool = False
    probe_port: int = 0  # a second port for the probes; 0: none
    metrics_folder: str = ""  # where several workers of one server meet; "": found out
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "Settings":
        """The settings that `env` asks for; what it leaves out has the contract's defaults.

        Raises `SettingsError` with every fault, not only the first.
        """
        reader = Reader(env)
        traces_headers = reader.pairs(contract.OTLP_HEADERS)
        settings = cls(
            environment=reader.text(contract.ENVIRONMENT, "dev"),
            service=reader.text(contract.SERVICE, ""),
            revision=reader.text(contract.REVISION, ""),
            replica=reader.text(contract.REPLICA, ""),
            log_level=reader.choice(contract.LOG_LEVEL, _LEVELS, "INFO"),
            is_logging=reader.choice(contract.LOGS, ("JSON", "OFF"), "JSON") == "JSON",
            host=reader.text(contract.HOST, "127.0.0.1"),
            port=reader.whole(contract.PORT, 8000, highest=65535),
            dependencies=_dependencies(reader),
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
            warmup=_warmup(reader),
            body_bytes=reader.whole(contract.BODY_BYTES, contract.DEFAULT_BODY_BYTES),
            rate_limit=reader.rate(contract.RATE_LIMIT),
            processes=max(1, reader.whole(contract.REPLICAS, 1))
            * max(1, reader.whole(contract.WEB_CONCURRENCY, 1)),
            user_rate_limit=_user_rate(reader),
            redis_url=_redis_url(reader),
            cache_seconds=reader.seconds(
                contract.CACHE_SECONDS, contract.DEFAULT_CACHE_SECONDS, allows_zero=False
            ),
            trusted_proxies=reader.networks(
                contract.TRUSTED_PROXIES, contract.DEFAULT_TRUSTED_PROXIES
            ),
            user_header=reader.text(contract.USER_HEADER, ""),
            traces_url=_traces_url(reader),
            traces_headers=traces_headers,
            trace_ratio=_trace_ratio(reader),
            sentry_dsn=reader.url(contract.SENTRY_DSN, ("https", "http")),
            has_security_headers=reader.switch(contract.SECURITY_HEADERS, default=True),
            hsts_seconds=(
                reader.whole(contract.HSTS_SECONDS, 0, highest=10**9)
                if env.get(contract.HSTS_SECONDS)
                else None
            ),
            content_security_policy=reader.text(contract.CONTENT_SECURITY_POLICY, ""),
            cors_origins=_origins(reader),
            allows_cors_credentials=reader.switch(contract.CORS_CREDENTIALS, default=False),
            probe_port=reader.whole(contract.PROBE_PORT, 0, highest=65535),
            metrics_folder=reader.text(contract.METRICS_FOLDER, ""),
            secrets=secrets_in(
                {**env, **{f"{name} secret": value for name, value in traces_headers}}
            ),
        )
        if reader.faults:
            raise SettingsError(reader.faults)
        return settings


def _dependencies(reader: Reader) -> tuple[Dependency, ...]:
    """The URLs behind the variables that `FAIRWAY_READY_CHECKS` names, in its order."""
    found: list[Dependency] = []
    for name in dict.fromkeys(reader.env.get(contract.READY_CHECKS, "").split()):
        url = reader.env.get(name, "")
        if url:
            found.append(Dependency(name, url))
        else:
            reader.faults.append(
                f"{contract.READY_CHECKS} names {name}, which is not set: set it to a URL,"
                " or leave its name out"
            )
    return tuple(found)


def _warmup(reader: Reader) -> tuple[str, ...]:
    """The paths that `FAIRWAY_WARMUP` names, in its order."""
    paths = tuple(dict.fromkeys(reader.text(contract.WARMUP, "").split()))
    for path in paths:
        if not path.startswith("/"):
            reader.fault(contract.WARMUP, path, "must be paths such as /api/items?size=1")
    return paths


def _redis_url(reader: Reader) -> str:
    """Where Redis is, unless the environment does without it (R66)."""
    is_off = reader.env.get(contract.REDIS_ENABLED, "").strip().lower() in _OFF
    url = "" if is_off else reader.env.get(contract.REDIS_URL, "").strip()
    is_used = bool(url and reader.env.get(contract.RATE_LIMIT))
    if is_used and not url.startswith(("redis://", "rediss://", "unix://")):
        reader.faults.append(f"{contract.REDIS_URL}: must begin with redis:// or rediss://")
    return url


def _user_rate(reader: Reader) -> Rate | None:
    rate = reader.rate(contract.USER_RATE_LIMIT)
    if rate is not None and not reader.env.get(contract.RATE_LIMIT):
        name = contract.RATE_LIMIT
        reader.faults.append(f"{contract.USER_RATE_LIMIT}: needs {name}, for who is no known user")
    return rate


def _traces_url(reader: Reader) -> str:
    """Where OpenTelemetry's own variables send spans; "" when they send them nowhere."""
    whole = reader.url(contract.OTLP_TRACES_ENDPOINT, ("http", "https"))
    base = reader.url(contract.OTLP_ENDPOINT, ("http", "https"))
    exporters = reader.text(contract.TRACES_EXPORTER, "otlp").lower()
    is_off = reader.text(contract.OTEL_DISABLED, "false").lower() == "true"
    if is_off or exporters == "none" or not (whole or base):
        return ""
    reader.choice(contract.OTLP_PROTOCOL, _PROTOCOLS, _PROTOCOLS[0])
    return whole or f"{base.rstrip('/')}/v1/traces"


def _trace_ratio(reader: Reader) -> float:
    """By OpenTelemetry's samplers; each follows the caller's decision where there is one."""
    sampler = reader.text(contract.TRACES_SAMPLER, "parentbased_always_on").lower()
    match sampler.removeprefix("parentbased_"):
        case "always_on":
            return 1.0
        case "always_off":
            return 0.0
        case "traceidratio":
            return reader.share(contract.TRACES_SAMPLER_ARG, 1.0)
        case _:
            expected = "must be always_on, always_off or traceidratio, with parentbased_ or without"
            reader.fault(contract.TRACES_SAMPLER, sampler, expected)
            return 1.0


def _origins(reader: Reader) -> tuple[str, ...]:
    """`https://a.example`, `https://*.b.example`, or `*` alone."""
    found = reader.words(contract.CORS_ORIGINS)
    for one in found:
        scheme, is_url, host = one.partition("://")
        is_origin = bool(is_url and host) and scheme.isalnum() and "/" not in host
        if one != "*" and not (is_origin and "*" not in host.removeprefix("*.")):
            reader.fault(contract.CORS_ORIGINS, one, "must be an origin such as https://a.example")
    if "*" in found and reader.switch(contract.CORS_CREDENTIALS, default=False):
        reader.fault(contract.CORS_ORIGINS, "*", "can't be every origin where credentials go along")
    return tuple(one.lower() for one in found)
