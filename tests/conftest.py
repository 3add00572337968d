"""What all suites share: a PostgreSQL, started when the first test asks for one."""

from __future__ import annotations

from postgresql import postgresql

__all__ = ["postgresql"]
