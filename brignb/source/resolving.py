"""From a revision to a commit.

    commit in the mirror, and trusted? ──yes──▶ its digest, without the network
         │ no                   a ref, or no revision: the remote is always asked
         └──▶ fetch branches and tags ──▶ fetch the commit itself, if any commit may be built

A ref is looked up as git does it: its full name, then a tag, then a branch. Abbreviated commits are refs. A commit that neither a
branch nor a tag reaches is built only when the caller says so (contract, "HTTP"). A commit that comes with a tag is fetched for the
tag's sake, too: `git describe` in a release's build must find it.

What must never happen: a stranger's commit taken for the project's own.
"""

from __future__ import annotations

import time
from types import TracebackType

from brignb.errors import SourceError
from brignb.model.events import Revision
from brignb.model.projects import Project
from brignb.source.mirror import Mirror
from brignb.source.refs import TAGS, candidates, is_kept, is_ref


class Stopwatch:
    """How long the repository was waited for, in all: `with watch: …` around each time."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        """None: it was not asked at all."""
        self._since = 0.0

    def __enter__(self) -> None:
        self._since = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = (self.seconds or 0.0) + time.monotonic() - self._since


class Resolving:
    """See the module.

    Args:
        mirror: Of the project's repository; it may not be there yet, or be of another URL.
        project: With its credentials.
        watch: Runs while the repository is asked.
        any_commit: Whether a commit that no branch or tag reaches may be built.
    """

    def __init__(self, mirror: Mirror, project: Project, watch: Stopwatch, *, any_commit: bool) -> None:
        self._mirror = mirror
        self._project = project
        self._watch = watch
        self._any = any_commit

    async def commit_of(self, revision: Revision) -> str:
        """The full digest; the mirror has the commit.

        Raises:
            SourceError: As `Source.resolve` says.
            MirrorDamaged: Git could not work with the mirror.
        """
        if revision.commit:
            return await self._commit(revision.commit, revision.ref)
        if revision.ref and revision.ref != "HEAD":
            return await self._ref(revision.ref)
        digest = (await self._remote("HEAD")).get("HEAD")
        if digest is None:
            raise SourceError(
                "ref_not_found",
                "the repository's HEAD names no commit",
                where=self._project.clone_url or "",
                hint="is it empty? else name a branch, or set the repository's default branch",
            )
        self._any = True  # the remote's own word for what is to be built
        return await self._commit(digest, None)

    async def _commit(self, commit: str, ref: str | None) -> str:
        mirror = self._mirror
        if await mirror.is_of(self._project) and (found := await self._trusted(commit)) and await self._tagged(ref):
            return found
        await self._refresh()
        if found := await self._trusted(commit):
            return found
        if self._any:
            others = [name for name in (commit, ref) if name and is_ref(name) and not is_kept(name)]
            for name in others:
                if await self._fetch(name) and (found := await self._trusted(commit)):
                    return found
        elif await mirror.commit(commit) or commit in (await self._remote()).values():
            raise _untrusted(self._project, commit)
        raise SourceError(
            "commit_not_found",
            f"the repository has no commit {commit}",
            where=self._project.clone_url or "",
            hint="was it pushed, and not replaced by a forced push since?",
        )

    async def _ref(self, ref: str) -> str:
        names = candidates(ref) if is_ref(ref) else ()
        kept = [name for name in names if is_kept(name)]
        if kept:
            await self._refresh()
        for name in kept:
            if found := await self._mirror.commit(name):
                return found
        if names and not kept and (digest := (await self._remote(ref)).get(ref)):
            return await self._commit(digest, ref)
        raise SourceError(
            "ref_not_found",
            f"the repository has no ref {ref!r:.200}",
            where=self._project.clone_url or "",
            hint="a branch, a tag, or a full name such as refs/heads/main; a commit is given with all its digits",
        )

    async def _trusted(self, commit: str) -> str | None:
        found = await self._mirror.commit(commit)
        return found if found and (self._any or await self._mirror.reaches(found)) else None

    async def _tagged(self, ref: str | None) -> bool:
        """Whether the mirror has the tag that a commit comes with, if it comes with one."""
        if ref is None or not ref.startswith(TAGS) or not is_ref(ref):
            return True
        return await self._mirror.commit(ref) is not None

    async def _refresh(self) -> None:
        with self._watch:
            await self._mirror.refresh(self._project)

    async def _fetch(self, name: str) -> bool:
        with self._watch:
            return await self._mirror.fetch(self._project, name)

    async def _remote(self, *patterns: str) -> dict[str, str]:
        with self._watch:
            return await self._mirror.remote(self._project, *patterns)


def _untrusted(project: Project, commit: str) -> SourceError:
    return SourceError(
        "untrusted_commit",
        f"no branch and no tag of the repository reaches commit {commit}",
        where=project.clone_url or "",
        hint="such a commit is built only for a signed push, for a pull request whose author may, or by API token",
    )
