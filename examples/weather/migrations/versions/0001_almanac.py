"""The tables of the almanac.

Revision: 0001
Follows: nothing

Values are whole tenths, as the files have them: sums are exact, and a row takes 40 bytes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "station",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("station_id", sa.Text, nullable=False, unique=True),
        sa.Column("state", sa.Text),
        # Kept by each load in its own transaction, so that nobody has to count millions of rows.
        sa.Column("row_count", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("flagged_count", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("first_day", sa.Date),
        sa.Column("last_day", sa.Date),
    )
    # No foreign key to `station`: checking it for each row would double the time of a load, and
    # only the loader writes here, after it has locked the station's row.
    op.create_table(
        "observation",
        sa.Column("station", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("prcp", sa.Integer),
        sa.Column("tmax", sa.SmallInteger),
        sa.Column("tmin", sa.SmallInteger),
        sa.Column(
            "flagged",
            sa.Boolean,
            sa.Computed("coalesce(tmin > tmax, false)", persisted=True),
            nullable=False,
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "observation_flagged",
        "observation",
        ["station"],
        postgresql_where=sa.text("flagged"),
        sqlite_where=sa.text("flagged"),
    )
    # How many rows a station has in a year: what pages are counted with.
    op.create_table(
        "coverage",
        sa.Column("station", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("year", sa.Integer, primary_key=True),
        sa.Column("row_count", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "station_year",
        sa.Column("station", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("year", sa.Integer, primary_key=True),
        sa.Column("mean_tmax_celsius", sa.Double),
        sa.Column("mean_tmin_celsius", sa.Double),
        sa.Column("total_prcp_cm", sa.Double),
        sa.Column("tmax_count", sa.Integer, nullable=False),
        sa.Column("tmin_count", sa.Integer, nullable=False),
        sa.Column("prcp_count", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "loaded_file",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("etag", sa.Text, primary_key=True),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("loaded_at", moment, nullable=False),
        sa.Column("rows_added", sa.BigInteger, nullable=False),
        sa.Column("rows_known", sa.BigInteger, nullable=False),
        sa.Column("lines_rejected", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quarantine",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("etag", sa.Text, primary_key=True),
        sa.Column("line", sa.BigInteger, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("heartbeat_at", moment, nullable=False),
        sa.Column("started_at", moment),
        sa.Column("finished_at", moment),
        sa.Column("files_found", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("files_unchanged", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("files_loaded", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("rows_added", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("rows_known", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("lines_rejected", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("error", sa.Text),
    )
    # However many ask at once, on however many replicas: one load waits to begin.
    op.create_index(
        "job_queued_once",
        "job",
        ["status"],
        unique=True,
        postgresql_where=sa.text("status = 'queued'"),
        sqlite_where=sa.text("status = 'queued'"),
    )


def downgrade() -> None:
    """Drop all tables, and all rows with them."""
    for table in (
        "job",
        "quarantine",
        "loaded_file",
        "station_year",
        "coverage",
        "observation",
        "station",
    ):
        op.drop_table(table)
