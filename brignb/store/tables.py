"""The tables, the same for every database; `migrations/` makes them, and a test holds the two together.

    projects ◀── builds ──▶ events        one event, one build; deleting the event takes its build and the build's jobs
                   ▲
                  jobs
    deliveries                            what was seen before; outlives the builds it speaks of
    meta                                  facts about the database itself

Times are milliseconds since 1970. `seq` is the order of arrival: lists and the queue go by it, since ids made in the same
millisecond have no order. The states and which of them are ends are generated from `brignb.model.builds`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
)

from brignb.model.builds import TRANSITIONS, State

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Time: Final = BigInteger
_Sequence: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only an INTEGER PRIMARY KEY


def _listed(states: list[State]) -> str:
    return ", ".join(f"'{state}'" for state in states)


_STATES: Final = f"state IN ({_listed(list(State))})"
_ENDS: Final = f"state IN ({_listed([state for state in State if not TRANSITIONS[state]])})"

meta: Final = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

projects: Final = Table(
    "projects",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("id", String(64), nullable=False, unique=True),  # Brigade v1's
    Column("stored", Text, nullable=False),  # JSON, no secret in it
    Column("sealed", LargeBinary, nullable=False),  # the secrets, encrypted
    Column("leaving", Boolean, nullable=False, server_default=false()),  # takes no more events; as in `stored`
    Column("created_at", _Time, nullable=False),
    Column("updated_at", _Time, nullable=False),
)

events: Final = Table(
    "events",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("asked_commit", String(64)),
    Column("ref", Text),
    Column("any_commit", Boolean, nullable=False),
    Column("image", Text),  # JSON
    Column("cause", Text),  # JSON
    Column("attributes", Text),  # JSON
    Column("payload", LargeBinary, nullable=False),  # last, so that a list need not read past it
)

builds: Final = Table(
    "builds",
    metadata,
    Column("seq", _Sequence, primary_key=True, autoincrement=True),
    Column("id", String(26), nullable=False, unique=True),
    Column("event_id", ForeignKey("events.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("project", ForeignKey("projects.name"), nullable=False),
    Column("resolved_commit", String(64)),  # for this attempt
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("message", Text),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("losses", Integer, nullable=False, server_default="0"),
    Column("created_at", _Time, nullable=False),
    Column("started_at", _Time),
    Column("finished_at", _Time),
    Column("first_cell_at", _Time),
    Column("tier", String(16)),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("holder", Text),  # who runs it, where that is no process of the controller's, such as `pod/NAME`
    Column("lease_until", _Time),  # until when that one is believed to live
    Column("given", String(64)),  # SHA-256 of its notebook, where that was given to a rerun; it is in `notebooks`
    CheckConstraint(_STATES, name="state"),
    CheckConstraint(f"({_ENDS}) = (finished_at IS NOT NULL)", name="finished"),
    CheckConstraint("attempt > losses AND losses >= 0", name="attempt"),
    Index(None, "state", "seq"),  # the queue
    Index(None, "project", "seq"),
    Index(None, "project", "state", "seq"),
    sqlite_autoincrement=True,  # a number is never given twice, or a cursor could meet another build
)

jobs: Final = Table(
    "jobs",
    metadata,
    Column("seq", _Sequence, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("build_id", ForeignKey("builds.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("name", String(36), nullable=False),
    Column("image", Text),
    Column("state", String(16), nullable=False),
    Column("exit_code", Integer),
    Column("reason", Text),
    Column("started_at", _Time),
    Column("finished_at", _Time),
    Column("digest", String(64)),  # of what it was made of, see `JobSpec.digest`
    Column("outputs", Text),  # JSON, redacted
    CheckConstraint(_STATES, name="state"),
    Index(None, "build_id", "seq"),
    sqlite_autoincrement=True,
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),  # see `inbox.delivery_key`
    Column("project", String(200), nullable=False),
    Column("event_id", String(26), nullable=False),
    Column("build_id", String(26), nullable=False),
    Column("expires_at", _Time, nullable=False),
    Index(None, "expires_at"),
    sqlite_with_rowid=False,
)

notebooks: Final = Table(
    "notebooks",
    metadata,
    Column("build_id", ForeignKey("builds.id", ondelete="CASCADE"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
