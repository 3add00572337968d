"""A database's errors in the house's words.

What concerns the whole database (full, locked, damaged) is `Unavailable`, and `Away` when it may be back in a moment; what concerns only the values at hand is the caller's.
"""

from __future__ import annotations

from sqlite3 import Error as SQLiteError
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from brignb.errors import Away, BadInput, BrignbError, Conflict, Unavailable

OWN = (IntegrityError, DataError, UnicodeEncodeError)
"""What an operation has only itself to blame for: the others of its group are not concerned."""


def explained(error: Exception, where: str) -> Exception:
    """The same error as one of `brignb.errors`; one that is a bug stays what it is.

    Args:
        error: As caught.
        where: The database, without its password.
    """
    if isinstance(error, BrignbError):
        return error
    cause = _first_line(error.orig if isinstance(error, DBAPIError) else error)
    if isinstance(error, IntegrityError):
        return Conflict(f"it is there already, or what it belongs to is gone ({cause})", where=where)
    if isinstance(error, OWN):
        return BadInput(f"it cannot be stored as it is ({cause})", where=where)
    if isinstance(error, DBAPIError) and _away(error):
        return Away(
            f"the database does not answer: {cause}",
            where=where,
            hint="look whether it is running there, and takes connections of this user",
        )
    if isinstance(error, SQLAlchemyError | SQLiteError):  # SQLite's own: from the settings of a new connection
        return Unavailable(
            f"the database does not answer as it should: {cause}",
            where=where,
            hint="look for a full disk, a missing or read-only file, or another program that holds it locked",
        )
    return error


def _first_line(cause: BaseException | None) -> str:
    """What PostgreSQL adds in further lines are values of the row at hand."""
    return (str(cause).strip().splitlines() or [repr(cause)])[0]


_GOING: Final = frozenset({"25P03", "53300", "55P03"})
"""SQLSTATE: an idle transaction's end, too many connections, a lock that another server holds for long."""


def _away(error: DBAPIError) -> bool:
    """PostgreSQL is down, going down, coming up or cut off: no state, or one of classes 08 and 57. SQLite has none and is never away."""
    state = getattr(error.orig, "sqlstate", "")
    if state is None:
        return isinstance(error, OperationalError)
    return state[:2] in {"08", "57"} or state in _GOING
