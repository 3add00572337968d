"""What a job and a group show of themselves in a cell: their last run, and before there is one, what they would run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brignb.script.grouphandle import GroupHandle
    from brignb.script.handle import JobHandle


class ShowsLastRun:
    """See the module."""

    _last: JobHandle | GroupHandle | None = None

    def _ipython_display_(self) -> None:
        if self._last is None:
            raise NotImplementedError  # IPython takes `_repr_mimebundle_`: what is planned
        self._last._ipython_display_()

    def _repr_mimebundle_(self, **asked: Any) -> dict[str, str]:
        if self._last is not None:
            return self._last._repr_mimebundle_(**asked)
        from brignb.script.plans import render_html, render_text  # noqa: PLC0415 - plans know jobs, not the reverse

        return {"text/plain": render_text(self), "text/html": render_html(self)}  # type: ignore[arg-type]
