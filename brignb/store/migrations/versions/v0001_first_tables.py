"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STATES = "state IN ('pending', 'running', 'succeeded', 'failed', 'canceled', 'timed_out', 'lost')"
_ENDS = "state IN ('succeeded', 'failed', 'canceled', 'timed_out', 'lost')"


def upgrade() -> None:
    """From an empty database."""
    _facts()
    _events()
    _builds()
    _jobs()
    _deliveries()


def _facts() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "projects",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("stored", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_projects"),
        sa.UniqueConstraint("id", name="uq_projects_id"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("asked_commit", sa.String(64)),
        sa.Column("ref", sa.Text()),
        sa.Column("any_commit", sa.Boolean(), nullable=False),
        sa.Column("image", sa.Text()),
        sa.Column("cause", sa.Text()),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )


def _builds() -> None:
    op.create_table(
        "builds",
        sa.Column("seq", _SEQ, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("event_id", sa.String(26), nullable=False),
        sa.Column("project", sa.String(200), nullable=False),
        sa.Column("resolved_commit", sa.String(64)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("losses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("first_cell_at", sa.BigInteger()),
        sa.Column("tier", sa.String(16)),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_builds"),
        sa.UniqueConstraint("id", name="uq_builds_id"),
        sa.UniqueConstraint("event_id", name="uq_builds_event_id"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_builds_event_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_builds_project"),
        sa.CheckConstraint(_STATES, name=op.f("ck_builds_state")),
        sa.CheckConstraint(f"({_ENDS}) = (finished_at IS NOT NULL)", name=op.f("ck_builds_finished")),
        sa.CheckConstraint("attempt > losses AND losses >= 0", name=op.f("ck_builds_attempt")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_builds_state_seq", "builds", ["state", "seq"])
    op.create_index("ix_builds_project_seq", "builds", ["project", "seq"])
    op.create_index("ix_builds_project_state_seq", "builds", ["project", "state", "seq"])


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("seq", _SEQ, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("build_id", sa.String(26), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(36), nullable=False),
        sa.Column("image", sa.Text()),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("reason", sa.Text()),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("finished_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("seq", name="pk_jobs"),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name="fk_jobs_build_id", ondelete="CASCADE"),
        sa.CheckConstraint(_STATES, name=op.f("ck_jobs_state")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_build_id_seq", "jobs", ["build_id", "seq"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("project", sa.String(200), nullable=False),
        sa.Column("event_id", sa.String(26), nullable=False),
        sa.Column("build_id", sa.String(26), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_deliveries"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_deliveries_expires_at", "deliveries", ["expires_at"])
