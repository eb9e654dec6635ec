"""People who sign in, whose the rows are, and which records the audit log has.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make both tables; `recorded` is for what is no simulation. What was there before belongs to nobody, so compliance alone sees it."""
    op.create_table(
        "person",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("is_development", sa.Integer, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("disabled_at", sa.Text),
    )
    op.create_table("recorded", sa.Column("id", sa.Text, primary_key=True))
    # With defaults: while a release rolls, the revision before writes rows too.
    op.add_column("scenario", sa.Column("owner", sa.Text, nullable=False, server_default=""))
    op.add_column("scenario", sa.Column("shared", sa.Integer, nullable=False, server_default="0"))
    op.add_column("simulation", sa.Column("owner", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Forget people and owners; the audit log stays."""
    op.drop_column("simulation", "owner")
    op.drop_column("scenario", "shared")
    op.drop_column("scenario", "owner")
    op.drop_table("recorded")
    op.drop_table("person")
