"""A notebook of this machine, reviewed with what is known here: the local project's secrets."""

from __future__ import annotations

from pathlib import Path

from brignb.errors import NotFound
from brignb.export import Review, review
from brignb.wiring.sessions import LocalSecrets, local_project


def review_file(notebook: Path, project: Path | None = None) -> Review:
    """Look a notebook over, as `brignb check`, `export`, `run` and `%brig check` do.

    Args:
        notebook: The file.
        project: A project file, for its secrets; None: see `brignb.wiring.sessions.local_project`.

    Raises:
        NotFound: The notebook, or a project file that was named, cannot be read.
        ProjectFileError: The project file is not one.
    """
    try:
        content = notebook.read_bytes()
    except OSError as error:
        raise NotFound(f"cannot be read: {error.strerror}", where=str(notebook)) from error
    secrets = LocalSecrets(local_project(project, beside=notebook.parent))
    return review(content, name=str(notebook), redactor=secrets.redactor)
