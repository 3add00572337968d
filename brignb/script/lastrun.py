"""How a job's last run went, read off the job itself: `build.outputs`, `build.exit_code`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from brignb.errors import JobDefinitionError
from brignb.script.showing import ShowsLastRun

if TYPE_CHECKING:
    from brignb.model.builds import State
    from brignb.script.handle import JobHandle


class LastRun(ShowsLastRun):
    """What is None before there was a run is None; what would mislead then (no outputs, an empty log) is an error."""

    name: str
    _last: JobHandle | None = None

    @property
    def last(self) -> JobHandle | None:
        """The handle of the last run; None before there is one."""
        return self._last

    @property
    def id(self) -> str | None:
        """Of the last run."""
        return self._last.id if self._last else None

    @property
    def state(self) -> State | None:
        """Of the last run."""
        return self._last.state if self._last else None

    @property
    def exit_code(self) -> int | None:
        """Of the last run."""
        return self._last.exit_code if self._last else None

    @property
    def started_at(self) -> datetime | None:
        """Of the last run."""
        return self._last.started_at if self._last else None

    @property
    def finished_at(self) -> datetime | None:
        """Of the last run."""
        return self._last.finished_at if self._last else None

    @property
    def duration(self) -> float | None:
        """Seconds that the last run took."""
        return self._last.duration if self._last else None

    @property
    def outputs(self) -> Mapping[str, str]:
        """What the last run wrote to `$BRIGNB_OUTPUT`.

        Raises:
            JobDefinitionError: There was none.
        """
        return self._ran("outputs").outputs

    @property
    def logs(self) -> str:
        """What the last run wrote to stdout and stderr.

        Raises:
            JobDefinitionError: There was none.
        """
        return self._ran("logs").logs

    def _ran(self, what: str) -> JobHandle:
        if self._last is None:
            raise JobDefinitionError(f"job {self.name} has not run yet", where=f"{self.name}.{what}")
        return self._last
