"""What jobs left and were made of, and notebooks that a rerun was given.

Jobs of before have no digest, so nothing of theirs is remembered; builds of before ran their commit's own notebook.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """From the first tables. SQLite adds columns in place: no table is copied, however long it is."""
    op.add_column("jobs", sa.Column("digest", sa.String(64)))
    op.add_column("jobs", sa.Column("outputs", sa.Text()))
    op.add_column("builds", sa.Column("given", sa.String(64)))
    op.create_table(
        "notebooks",
        sa.Column("build_id", sa.String(26), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("build_id", name="pk_notebooks"),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name="fk_notebooks_build_id", ondelete="CASCADE"),
    )
