"""Who runs a build in a pod, and until when that one is believed to live. Builds of before ran where their controller did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Two more columns, empty for every build that a controller's own process runs."""
    op.add_column("builds", sa.Column("holder", sa.Text()))
    op.add_column("builds", sa.Column("lease_until", sa.BigInteger()))
