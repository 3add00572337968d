"""The schema of a database is brought to this version's, or the database is left alone.

Runs the migrations in `migrations/versions` by Alembic, inside the transaction of the connection it is given: all of them or none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from brignb.errors import Unavailable

_FOLDER: Final = Path(__file__).parent / "migrations"


def migrate(connection: Connection, *, where: str) -> None:
    """Bring it up to date.

    Raises:
        Unavailable: It was made by a later version of brignb.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    found = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(config)
    if found == script.get_current_head():
        return
    known = {revision.revision for revision in script.walk_revisions()}
    if found is not None and found not in known:
        raise Unavailable(
            f"the database was made by a later version of brignb (schema {found}; this one knows up to {max(known)})",
            where=where,
            hint="run that version again, or put back a backup from before it",
        )
    command.upgrade(config, "head")
