"""A database's errors in the house's words.

What concerns the whole database (full, locked, gone, damaged) is `Unavailable`; what concerns only the values at hand is the caller's.
"""

from __future__ import annotations

from sqlite3 import Error as SQLiteError

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from brignb.errors import BadInput, BrignbError, Conflict, Unavailable

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
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, IntegrityError):
        return Conflict(f"it is there already, or what it belongs to is gone ({cause})", where=where)
    if isinstance(error, OWN):
        return BadInput(f"it cannot be stored as it is ({cause})", where=where)
    if isinstance(error, SQLAlchemyError | SQLiteError):  # SQLite's own: from the settings of a new connection
        return Unavailable(
            f"the database does not answer as it should: {cause}",
            where=where,
            hint="look for a full disk, a missing or read-only file, or another program that holds it locked",
        )
    return error
