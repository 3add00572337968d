"""What all suites share: a PostgreSQL, started when the first test asks for one."""

from __future__ import annotations

from postgresql import postgres_archive, postgresql

__all__ = ["postgres_archive", "postgresql"]
