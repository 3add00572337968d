"""A build's source in a pod: the desk's tar archive of the commit's work tree, unpacked. The repository's credentials stay in the server."""

from __future__ import annotations

import asyncio
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from brignb.errors import BrignbError, NotFound, SourceError
from brignb.model.projects import Project
from brignb.source.packing import unpack
from brignb.source.seam import HeldTree


class Fetched:
    """Implements `brignb.source.seam.Trees`, for one build.

    Args:
        folder: For what is unpacked, and is to be overlaid; taken away by who made it.
        fetch: Writes the archive into a file, however often that takes.
    """

    def __init__(self, folder: Path, fetch: Callable[[IO[bytes]], None]) -> None:
        self._folder = folder
        self._fetch = fetch

    async def tree(self, project: Project, commit: str) -> HeldTree:
        """The commit's tree, for this build alone."""
        await self.checkout(project, commit, self._folder / commit)
        return HeldTree(self._folder / commit, lambda: None)

    async def checkout(self, project: Project, commit: str, folder: Path) -> None:
        """Fetch it, unpack it.

        Raises:
            SourceError: `no_source`: the desk has none, or the disk refuses.
        """
        del project, commit  # the desk knows
        await asyncio.to_thread(self._fill, folder)

    def _fill(self, folder: Path) -> None:
        try:
            with tempfile.TemporaryFile(dir=folder.parent) as file:
                self._fetch(file)
                unpack(file, folder)
        except NotFound as error:
            raise SourceError("no_source", error.message, where=error.where, hint=error.hint) from error
        except BrignbError:
            raise
        except (OSError, tarfile.TarError) as error:
            raise SourceError("no_source", f"the source cannot be unpacked: {error}", where=str(folder)) from error
