"""Saved scenarios, and the history of simulations.

Revision: 0001
Follows: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "scenario",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("saved_at", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
    )
    op.create_index("scenario_by_client", "scenario", ["client_id", "saved_at"])
    op.create_table(
        "simulation",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("ran_at", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("flags", sa.Text, nullable=False),
    )
    op.create_index("simulation_by_client", "simulation", ["client_id", "ran_at"])


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("simulation")
    op.drop_table("scenario")
