"""The Source seam: resolve a revision, read the notebook at it, have its files.

    project, revision ──▶ resolve ──▶ commit ──▶ notebook(commit) ──▶ text
                                        ├──────▶ tree(commit) ──────▶ a git work tree that is shared and only read
                                        └──────▶ checkout(commit, folder) ──▶ a private copy of it

A bare mirror per project is kept warm, and a work tree per commit. Credentials (ssh key, ssh certificate, token) never stand on a
command line, in a URL that is shown, or in a configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol

from brignb.model.events import Revision
from brignb.model.projects import Project


def unheard(_seconds: float) -> None:
    """Nobody asked how long a fetch took."""


class HeldTree:
    """A commit's work tree, which stays where and as it is until it is released; a context manager that answers its folder.

    Args:
        folder: Nobody may write into it: it is a lower layer of other builds' overlays.
        let_go: Is called once, on the event loop's thread.
    """

    def __init__(self, folder: Path, let_go: Callable[[], None]) -> None:
        self.folder = folder
        self._let_go: Callable[[], None] | None = let_go

    def release(self) -> None:
        """It is not used any more; a second time changes nothing."""
        let_go, self._let_go = self._let_go, None
        if let_go is not None:
            let_go()

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Trees(Protocol):
    """A commit's files, wherever they come from."""

    async def tree(self, project: Project, commit: str) -> HeldTree:
        """The git work tree of a commit, with submodules when the project wants them; made when it is not there.

        Its `.git` works there, and wherever the tree is overlaid or copied to. The caller releases it.

        Raises:
            SourceError: `submodules_failed`, `repository_unreachable`; `no_source` when the disk refuses.
        """

    async def checkout(self, project: Project, commit: str, folder: Path) -> None:
        """Make `folder`, which is empty or not there, a private copy of the commit's tree: for where there are no overlays.

        Raises:
            SourceError: `submodules_failed`, `repository_unreachable`; `no_source` when the disk refuses.
        """


class Source(Trees, Protocol):
    """See the module."""

    async def resolve(
        self,
        project: Project,
        revision: Revision,
        *,
        any_commit: bool,
        fetched: Callable[[float], None] = unheard,
    ) -> str:
        """The commit's full digest, fetched when the mirror lacks it (or when a ref is asked for, which may have moved).

        Args:
            project: With its credentials; `clone_url` is not None.
            revision: Commit wins over ref; neither: the remote's HEAD.
            any_commit: Whether a commit that no branch or tag reaches may be built.
            fetched: Hears, at most once, for how many seconds the repository was waited for; not called when it was not asked.

        Raises:
            SourceError: `commit_not_found`, `ref_not_found`, `repository_unreachable`, `untrusted_commit`.
        """

    async def notebook(self, project: Project, commit: str, path: str) -> bytes | None:
        """A file's bytes at a commit; None when there is none.

        Raises:
            SourceError: `notebook_invalid` when the path leaves the repository or names no file.
        """

    async def close(self) -> None:
        """End what was kept open."""
