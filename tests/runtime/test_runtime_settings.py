"""Settings come from the environment, and every fault is told at once."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime import contract
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
