"""Makes the tables of a SQLite file that has none, so that the app runs without a further step.

PostgreSQL's tables are made by `alembic upgrade head`, before the first request.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from weather.settings import Settings

__all__ = ["make_sqlite_schema"]

HOME = Path(__file__).parent.parent


def make_sqlite_schema(settings: Settings) -> None:
    """Run the migrations on a SQLite file that was never migrated; on any other do nothing."""
    if _is_migrated(settings.sqlite_path):
        return
    from alembic import command
    from alembic.config import Config

    config = Config(HOME / "alembic.ini")
    config.attributes["settings"] = settings
    command.upgrade(config, "head")


def _is_migrated(path: str) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("select 1 from sqlite_master where name = 'alembic_version'")
        return found.fetchone() is not None
