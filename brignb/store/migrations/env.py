"""Alembic's entry: runs the revisions on the connection that `brignb.store.schema` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from brignb.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
