"""Runs the migrations against DATABASE_URL.

Stands between the image and its first request, so it imports nothing of the app but its
settings. A lock lets one of several runs do the work; the others wait and find nothing left. Then
the runtime makes the audit log's table, which no migration ever changes.
"""

import os

from alembic import context
from longrun.settings import Settings
from sqlalchemy import NullPool, create_engine, text

from fairway_runtime.audit_postgres import PostgresLedger

MIGRATION_LOCK = 7_361_002
AUDIT_INDEX = (
    "create index if not exists audit_log_by_target"
    " on audit_log (((line::jsonb) ->> 'target'), sequence)"
)


def migrate(settings: Settings) -> None:
    """Bring the database to the revision that alembic was asked for."""
    url, lock = settings.database_url, "begin immediate"
    if settings.is_postgres:
        url = "postgresql+psycopg://" + url.partition("://")[2]
        lock = f"select pg_advisory_xact_lock({MIGRATION_LOCK})"
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, render_as_batch=True, transactional_ddl=True)
        with context.begin_transaction():
            connection.execute(text(lock))
            context.run_migrations()


def prepare_audit_log(settings: Settings) -> None:
    """The table that refuses changes, and an index on the expression that `Trail.recent` asks."""
    PostgresLedger(settings.database_url).prepare()
    engine = create_engine(
        "postgresql+psycopg://" + settings.database_url.partition("://")[2], poolclass=NullPool
    )
    with engine.begin() as connection:
        connection.execute(text(f"select pg_advisory_xact_lock({MIGRATION_LOCK})"))
        connection.execute(text(AUDIT_INDEX))


def print_sql(settings: Settings) -> None:
    """Write the statements instead of running them: `alembic upgrade head --sql`."""
    dialect = "postgresql" if settings.is_postgres else "sqlite"
    context.configure(dialect_name=dialect, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


told = context.config.attributes.get("settings") or Settings.from_environment(os.environ)
if context.is_offline_mode():
    print_sql(told)
else:
    migrate(told)
    if told.is_postgres:
        prepare_audit_log(told)
