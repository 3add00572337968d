"""A job as a feed: its last run, and the logs of all its runs and tries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from brignb.errors import BadInput
from brignb.model.builds import State
from brignb.script.handle import JobHandle
from brignb.script.tail import plain

VALUE_MAX: Final = 2000
"""Characters of an output's value that are shown."""
NAME_MAX: Final = 200
"""The same of its name."""


class JobFeed:
    """See `brignb.widgets.feed.Feed`.

    Args:
        runs: Its runs; the last of them is shown. It grows.
        rerun: Runs it once more, in the same view.
    """

    def __init__(self, runs: Sequence[JobHandle], rerun: Callable[[], None]) -> None:
        self._runs = runs
        self._rerun = rerun

    @property
    def running(self) -> bool:
        """Whether the last run has not ended."""
        return not self._runs[-1].done()

    def snapshot(self) -> dict[str, Any]:
        """The last run; see the seam."""
        about = card(self._runs[-1], can_rerun=True)
        streams = [stream for number, run in enumerate(self._runs, 1) for stream in _streams(run, number, self._many)]
        return {"kind": "job", **about, "streams": streams}

    def follows(self) -> str | None:
        """The log of the last try."""
        return self._runs[-1].id

    def read(self, stream: str, offset: int, limit: int) -> bytes:
        """Bytes of a log; see the seam."""
        return self._run(stream).read(stream, offset, limit)

    def size(self, stream: str) -> int:
        """Bytes of that log so far."""
        return self._run(stream).size(stream)

    def act(self, what: str, _job: str) -> None:
        """Cancel the last run, or run it once more."""
        if what == "cancel":
            self._runs[-1].cancel()
        elif what == "rerun":
            self._rerun()
        else:
            raise BadInput(f"a job cannot {what!r:.40}", where="view")

    @property
    def _many(self) -> bool:
        return len(self._runs) > 1

    def _run(self, stream: str) -> JobHandle:
        for run in reversed(self._runs):
            if stream in run.tries:
                return run
        raise BadInput(f"{stream!r:.80} is not a log of this job", where="view")


def card(handle: JobHandle, *, can_rerun: bool) -> dict[str, Any]:
    """What is shown of a job.

    Args:
        handle: Its run.
        can_rerun: Whether it may be run again from where it is shown.
    """
    ended = handle.state.terminal and handle.done()
    can = ["rerun"] if ended and can_rerun else [] if ended else ["cancel"]
    return {
        "id": handle.id,
        "name": handle.name,
        "image": handle.image and _clean(handle, handle.image, VALUE_MAX),
        "state": str(handle.state),
        "stage": handle.stage if handle.state is State.PENDING else None,
        "reason": handle.reason,
        "remembered": handle.remembered,
        "exit_code": handle.exit_code,
        "message": handle.message and plain(handle.message),
        "started_at": _ms(handle.started_at),
        "finished_at": _ms(handle.finished_at),
        "outputs": [
            [_clean(handle, name, NAME_MAX), _clean(handle, value, VALUE_MAX)] for name, value in handle.outputs.items()
        ],
        "can": can,
        "streams": _streams(handle, 1, many=False),
    }


def _streams(handle: JobHandle, run: int, many: bool) -> list[dict[str, Any]]:  # noqa: FBT001 - "run 2, try 1" or "try 1"
    """Its logs, one a try, with what they are called in a choice."""
    named = f"run {run}, " if many else ""
    return [
        {"id": stream, "label": f"{named}try {number}", "size": handle.size(stream)}
        for number, stream in enumerate(handle.tries, 1)
    ]


def _clean(handle: JobHandle, text: str, most: int) -> str:
    clean = plain(handle.redacted(text))
    return clean if len(clean) <= most else f"{clean[:most]}… [brignb: cut, {len(clean) - most} characters]"


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
