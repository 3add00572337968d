"""Many rows into a table, in few steps of the database.

The driver lets Python's other threads run at each step and waits for its turn afterwards; a step per row would cost the writer more
waiting than work while the event loop is busy. So rows go in portions, each one statement with all their values; portions are
powers of two, so that few statements are ever compiled and the driver keeps them prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy import insert as insert_into

_LARGEST: Final = 6
"""Power of two: 64 rows of ten columns stay far below every database's limit of parameters."""


def insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns, two or more, of types that the driver takes as they are."""
    for portion in _portions(rows):
        statement, values = _compiled(table, connection.dialect, frozenset(rows[0]), len(portion))
        connection.exec_driver_sql(statement, tuple(chain.from_iterable(map(values, portion))))


def _portions(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    begin = 0
    while left := len(rows) - begin:
        size = 1 << min(left.bit_length() - 1, _LARGEST)
        yield rows[begin : begin + size]
        begin += size


@lru_cache(maxsize=64)
def _compiled(
    table: Table, dialect: Dialect, columns: frozenset[str], rows: int
) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    """An INSERT of so many rows, and what takes a row's parameters out of it, in the statement's order."""
    compiled = insert_into(table).values([dict.fromkeys(columns)] * rows).compile(dialect=dialect)
    if compiled.positiontup is None:
        raise TypeError(f"{dialect.name}: its parameters are not by position")
    first_row = [name.removesuffix("_m0") for name in compiled.positiontup[: len(columns)]]
    return str(compiled), itemgetter(*first_row)
