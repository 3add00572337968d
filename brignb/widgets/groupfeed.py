"""A group as a feed: its tree with the jobs' times, the critical path, and the log of whichever job is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from brignb.errors import BadInput
from brignb.script.critical import critical_path
from brignb.script.grouphandle import GroupHandle
from brignb.script.groupviews import critical_words
from brignb.script.handle import JobHandle
from brignb.script.tree import Row, order, rows
from brignb.widgets.jobfeed import card


class GroupFeed:
    """See `brignb.widgets.feed.Feed`.

    Args:
        runs: Its runs; the last of them is shown. It grows.
        rerun: Runs it once more, in the same view.
    """

    def __init__(self, runs: Sequence[GroupHandle], rerun: Callable[[], None]) -> None:
        self._runs = runs
        self._rerun = rerun

    @property
    def _group(self) -> GroupHandle:
        return self._runs[-1]

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self._group.state.terminal

    def snapshot(self) -> dict[str, Any]:
        """All of it; see the seam."""
        group = self._group
        path = critical_path(group)
        words = critical_words(path)
        shown = [self._row(row, path if words else []) for row in rows(group)]
        begun = [row["started_at"] for row in shown if row.get("started_at")]
        ended = [row["finished_at"] for row in shown if row.get("finished_at")]
        return {
            "kind": "group",
            "state": str(group.state),
            "order": f"{len(group.handles)} job{'' if len(group.handles) == 1 else 's'}, {order(group)}",
            "started_at": min(begun, default=None),
            "finished_at": max(ended, default=None) if group.state.terminal else None,
            "critical": words,
            "can": ["cancel"] if self.running else ["rerun"],
            "rows": shown,
        }

    def follows(self) -> str | None:
        """None: the reader chooses a job."""
        return None

    def read(self, stream: str, offset: int, limit: int) -> bytes:
        """Bytes of a job's log; see the seam."""
        return self._job(stream).read(stream, offset, limit)

    def size(self, stream: str) -> int:
        """Bytes of that log so far."""
        return self._job(stream).size(stream)

    def act(self, what: str, job: str) -> None:
        """Cancel a job or all of it, or run it once more."""
        if what == "cancel":
            (self._job(job) if job else self._group).cancel()
        elif what == "rerun" and not job:
            self._rerun()
        else:
            raise BadInput(f"a group cannot {what!r:.40}", where="view")

    def _row(self, row: Row, path: list[JobHandle]) -> dict[str, Any]:
        about: dict[str, Any] = {"depth": row.depth, "label": row.label, "group": row.group}
        if row.job is not None:
            job = card(row.job, can_rerun=False)
            known = {name: job[name] for name in ("state", "started_at", "finished_at")}
            about |= {**known, "id": row.job.first_id, "job": job, "critical": row.job in path}
        elif not row.group:
            about["state"] = "waits" if self.running else "skipped"
        return about

    def _job(self, stream: str) -> JobHandle:
        for group in reversed(self._runs):
            for handle in group.handles:
                if stream in handle.tries:
                    return handle
        raise BadInput(f"{stream!r:.80} is not a job of this group", where="view")
