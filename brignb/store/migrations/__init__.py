"""How databases of earlier versions become this one's: Alembic's scripts, run by `brignb.store.schema`."""
