"""Projects that take no more events, while their last builds end. Those of before stay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """One more column, false for every project."""
    op.add_column("projects", sa.Column("leaving", sa.Boolean(), nullable=False, server_default=sa.false()))
