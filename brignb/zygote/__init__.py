"""A pre-imported process that forks a worker per build, and what such a worker enters before any user code."""
