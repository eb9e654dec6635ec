"""What the environment may say, and what is said when it is wrong."""

from pathlib import Path

import pytest
from weather.settings import Settings


def test_without_variables_the_app_runs_on_a_file_and_a_folder() -> None:
    assert Settings.from_environment({"DATABASE_URL": "", "BUCKET_NAME": ""}) == Settings(
        database_url="sqlite:///weather.db", bucket="", files=Path("data/incoming"), pool_size=5
    )


def test_settings_survive_being_handed_to_another_process() -> None:
    settings = Settings.from_environment(
        {
            "DATABASE_URL": "postgresql://u:p@h:5432/n",
            "BUCKET_NAME": "files",
            "AWS_REGION": "eu-central-1",
            "WEATHER_FILES": "/data",
            "DB_POOL_SIZE": "20",
            "ENVIRONMENT": "production",
            "LOG_LEVEL": "warning",
        }
    )
    assert (settings.is_postgres, settings.pool_size, settings.log_level) == (True, 20, "WARNING")
    assert Settings.from_environment(settings.to_environment()) == settings


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:///weather.db", "weather.db"), ("sqlite:////var/weather.db", "/var/weather.db")],
)
def test_a_sqlite_path_is_relative_with_three_slashes(url: str, path: str) -> None:
    assert Settings(database_url=url).sqlite_path == path


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"DATABASE_URL": "mysql://u:secret@h/n"}, "DATABASE_URL starts with 'mysql'"),
        ({"DB_POOL_SIZE": "many"}, "DB_POOL_SIZE is 'many'"),
        ({"DB_POOL_SIZE": "0"}, "DB_POOL_SIZE is 0"),
    ],
)
def test_a_wrong_variable_is_named_without_its_secrets(
    variables: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        Settings.from_environment(variables)
    assert "secret" not in str(raised.value)
