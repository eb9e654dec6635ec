"""Settings come from the environment, and every fault is told at once."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime import contract
from fairway_runtime.bucket import Rate
from fairway_runtime.database_settings import DatabaseSettings
from fairway_runtime.settings import Dependency, Settings, SettingsError

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
NAMES = [value for name, value in vars(contract).items() if value == f"FAIRWAY_{name}"]


def test_an_empty_environment_gives_the_contract_s_defaults() -> None:
    settings = Settings.from_environment({})

    assert settings == Settings()
    assert settings.drain_seconds == contract.DEFAULT_DRAIN_SECONDS == 30
    assert settings.request_seconds == contract.DEFAULT_REQUEST_SECONDS == 60
    assert settings.check_seconds == contract.DEFAULT_CHECK_SECONDS == 1


def test_every_variable_arrives() -> None:
    settings = Settings.from_environment(
        {
            "ENVIRONMENT": "production",
            "LOG_LEVEL": "warning",
            "HOST": "0.0.0.0",
            "PORT": "8501",
            "DATABASE_URL": "postgresql://u:p@h/d",
            "FAIRWAY_READY_CHECKS": " DATABASE_URL  DATABASE_URL ",
            "FAIRWAY_DRAIN_SECONDS": "2.5",
            "FAIRWAY_LAME_DUCK_SECONDS": "1",
            "FAIRWAY_REQUEST_SECONDS": "0",
            "FAIRWAY_CHECK_SECONDS": "0.2",
            "FAIRWAY_BODY_BYTES": "100",
            "FAIRWAY_LOGS": "off",
            "FAIRWAY_REPLICA": "api-1",
        }
    )

    assert settings == Settings(
        environment="production",
        log_level="WARNING",
        is_logging=False,
        host="0.0.0.0",
        port=8501,
        dependencies=(Dependency("DATABASE_URL", "postgresql://u:p@h/d"),),
        drain_seconds=2.5,
        lame_duck_seconds=1,
        request_seconds=0,
        check_seconds=0.2,
        body_bytes=100,
        replica="api-1",
    )


@pytest.mark.requirement("R184", "R218", "R22")
def test_what_hardens_an_app_arrives_too() -> None:
    settings = Settings.from_environment(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=open%20sesame, x=y",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.1",
            "SENTRY_DSN": "https://key@sentry.example/1",
            "RATE_LIMIT": "60/min",
            "USER_RATE_LIMIT": "10/s",
            "FAIRWAY_SECURITY_HEADERS": "off",
            "FAIRWAY_HSTS_SECONDS": "0",
            "FAIRWAY_CORS_ORIGINS": "https://A.example, https://*.b.example",
            "FAIRWAY_CORS_CREDENTIALS": "on",
            "FAIRWAY_PROBE_PORT": "9000",
        }
    )

    assert settings == Settings(
        traces_url="http://collector:4318/v1/traces",
        traces_headers=(("api-key", "open sesame"), ("x", "y")),
        trace_ratio=0.1,
        sentry_dsn="https://key@sentry.example/1",
        rate_limit=Rate(60, 60),
        user_rate_limit=Rate(10, 1),
        has_security_headers=False,
        hsts_seconds=0,
        cors_origins=("https://a.example", "https://*.b.example"),
        allows_cors_credentials=True,
        probe_port=9000,
        secrets=("open sesame",),
    )
    assert "sesame" not in repr(settings)
    assert "sentry" not in repr(settings)


@pytest.mark.requirement("R184")
@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c/x"}, "https://c/x"),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, ""),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, ""),
    ],
)
def test_opentelemetry_s_own_variables_say_where_spans_go(env: dict[str, str], url: str) -> None:
    assert Settings.from_environment(env).traces_url == url


def test_what_can_not_be_spoken_or_allowed_is_told() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_HEADERS": "a secret",
                "OTEL_TRACES_SAMPLER": "jaeger_remote",
                "SENTRY_DSN": "key",
                "FAIRWAY_CORS_ORIGINS": "a.example *",
                "FAIRWAY_CORS_CREDENTIALS": "on",
                "FAIRWAY_SECURITY_HEADERS": "some",
                "USER_RATE_LIMIT": "1/s",
            }
        )

    assert [fault.split("=")[0].split(":")[0] for fault in caught.value.faults] == [
        "OTEL_EXPORTER_OTLP_HEADERS",
        "USER_RATE_LIMIT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_TRACES_SAMPLER",
        "SENTRY_DSN",
        "FAIRWAY_SECURITY_HEADERS",
        "FAIRWAY_CORS_ORIGINS",
        "FAIRWAY_CORS_ORIGINS",
    ]


def test_all_faults_are_told_at_once_each_with_its_variable_and_value() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(
            {
                "PORT": "80000",
                "LOG_LEVEL": "LOUD",
                "FAIRWAY_DRAIN_SECONDS": "soon",
                "FAIRWAY_CHECK_SECONDS": "0",
                "FAIRWAY_REQUEST_SECONDS": "inf",
                "FAIRWAY_BODY_BYTES": "-1",
                "FAIRWAY_READY_CHECKS": "REDIS_URL",
            }
        )

    assert str(caught.value).splitlines() == [
        "LOG_LEVEL='LOUD': must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
        "PORT='80000': must be a whole number from 0 up to 65535",
        (
            "FAIRWAY_READY_CHECKS names REDIS_URL, which is not set: set it to a URL,"
            " or leave its name out"
        ),
        "FAIRWAY_CHECK_SECONDS='0': must be a number of seconds, more than 0",
        "FAIRWAY_DRAIN_SECONDS='soon': must be a number of seconds, 0 or more",
        "FAIRWAY_REQUEST_SECONDS='inf': must be a number of seconds, 0 or more",
        "FAIRWAY_BODY_BYTES='-1': must be a whole number from 0",
    ]


def test_settings_never_show_a_secret() -> None:
    settings = Settings.from_environment(
        {
            "FAIRWAY_READY_CHECKS": "DATABASE_URL",
            "DATABASE_URL": "postgresql://shop:open-sesame@db/shop",
            "SESSION_KEY": "mellon-mellon",
        }
    )

    assert settings.secrets == ("mellon-mellon", "open-sesame")
    assert "sesame" not in repr(settings)
    assert "mellon" not in repr(settings)


@given(st.dictionaries(st.sampled_from(["PORT", "LOG_LEVEL", "ENVIRONMENT", *NAMES]), WORDS))
def test_any_environment_gives_settings_or_faults(env: dict[str, str]) -> None:
    with contextlib.suppress(SettingsError):
        Settings.from_environment(env)


@pytest.mark.requirement("R231", "R232")
def test_the_file_s_deadlines_of_database_and_cache_arrive() -> None:
    said = {"FAIRWAY_CACHE_SECONDS": "0.25", "FAIRWAY_DATABASE_SECONDS": "9"}
    bare = {"DATABASE_URL": "postgresql://h/x"}
    database = {**bare, **said}
    assert Settings.from_environment({}).cache_seconds == 0.1
    assert Settings.from_environment(said).cache_seconds == 0.25
    assert DatabaseSettings.from_environment(bare).query_seconds == 5
    assert DatabaseSettings.from_environment(database).query_seconds == 9
    with pytest.raises(ValueError, match=r"FAIRWAY_DATABASE_SECONDS.*more than 0"):
        DatabaseSettings.from_environment({**database, "FAIRWAY_DATABASE_SECONDS": "0"})
    with pytest.raises(SettingsError, match=r"FAIRWAY_CACHE_SECONDS.*more than 0"):
        Settings.from_environment({"FAIRWAY_CACHE_SECONDS": "-1"})
