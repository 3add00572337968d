"""The Feed seam: what a live view shows, and does.

A feed gives plain values, as they go to the browser as JSON: what stands behind it may be a job of this process, a group, or (later)
a build that is known over the API. All of it is redacted and free of control sequences; log bytes are redacted, and raw otherwise.
Methods are called on the job loop's thread and must not block, but for `act`, which is called on a thread of the front end's.
"""

from __future__ import annotations

from typing import Any, Protocol


class Feed(Protocol):
    """See the module."""

    @property
    def running(self) -> bool:
        """Whether something of it may still change by itself."""

    def snapshot(self) -> dict[str, Any]:
        """How it is now: `kind` (`job` or `group`) and what `esm/jobview.js` or `esm/groupview.js` shows of that kind."""

    def follows(self) -> str | None:
        """The log that its view shows from the start; None: the reader chooses one."""

    def read(self, stream: str, offset: int, limit: int) -> bytes:
        """Bytes of one of its logs, in the format of `brignb.model.logs`; empty at the end.

        Raises:
            BadInput: It has no such log.
        """

    def size(self, stream: str) -> int:
        """Bytes of that log so far."""

    def act(self, what: str, job: str) -> None:
        """Do what a button asks for.

        Args:
            what: `cancel` or `rerun`.
            job: The id of the job; empty: all of it.

        Raises:
            BrignbError: It cannot be done; the message is shown in the view.
        """
