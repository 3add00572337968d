"""What a CloudEvent says besides its data. Events of before have none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """One more column. The code names its columns, so their order in the table does not matter."""
    op.add_column("events", sa.Column("attributes", sa.Text()))
