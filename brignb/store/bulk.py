"""Many rows into a table by the driver's executemany.

Core's own executemany builds each row's parameters anew, which costs as much as the insert itself. Here the statement is still
Core's, compiled once for a dialect and a set of columns; only the rows take the short way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy import insert as insert_into
from sqlalchemy.sql.compiler import SQLCompiler


def insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns, of types that the driver takes as they are."""
    if not rows:
        return
    compiled = _compiled(table, connection.dialect, tuple(rows[0]))
    if compiled.positiontup is None:
        parameters: list[Any] = list(rows)
    else:
        parameters = list(map(itemgetter(*compiled.positiontup), rows))
    connection.exec_driver_sql(str(compiled), parameters)


@lru_cache(maxsize=16)
def _compiled(table: Table, dialect: Dialect, columns: tuple[str, ...]) -> SQLCompiler:
    compiled = insert_into(table).compile(dialect=dialect, column_keys=list(columns))
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - for the type checker: an INSERT is no DDL
    return compiled
