"""The schema of a database is brought to this version's, or the database is left alone.

Runs the migrations in `migrations/versions` by Alembic, inside the transaction of the connection it is given: all of them or none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from brignb.errors import Unavailable

_FOLDER: Final = Path(__file__).parent / "migrations"
"""`versions/v0001_….py` is revision `0001`."""
_NOTED: Final = "alembic_version"


def migrate(connection: Connection, *, where: str) -> None:
    """Bring it up to date.

    Raises:
        Unavailable: It was made by a later version of brignb.
    """
    found = _revision(connection)
    known = sorted(file.name[1:5] for file in _FOLDER.glob("versions/v*.py"))
    if found == known[-1]:
        return
    if found is not None and found not in known:
        raise Unavailable(
            f"the database was made by a later version of brignb (schema {found}; this one knows up to {known[-1]})",
            where=where,
            hint="run that version again, or put back a backup from before it",
        )
    _upgrade(connection)


def _revision(connection: Connection) -> str | None:
    """As Alembic has noted it; None: it is empty."""
    if not inspect(connection).has_table(_NOTED):
        return None
    noted = connection.scalar(text(f"SELECT version_num FROM {_NOTED}"))  # noqa: S608 - ours
    return str(noted) if noted else None


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - 10 MB, for once in a version's life
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
