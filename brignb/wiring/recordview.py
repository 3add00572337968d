"""Jobs in a record: each is a display of the cell that started it, updated as its state changes, static HTML and text."""

from __future__ import annotations

from IPython.display import display, update_display

from brignb.script.handle import JobHandle
from brignb.script.views import render_html, render_text


class RecordView:
    """Implements `brignb.script.session.View` with IPython's displays."""

    def started(self, handle: JobHandle) -> None:
        """Show it, under the cell that runs now."""
        display(_bundle(handle), raw=True, display_id=handle.first_id)

    def changed(self, handle: JobHandle) -> None:
        """Show it anew, in its place."""
        update_display(_bundle(handle), raw=True, display_id=handle.first_id)


def _bundle(handle: JobHandle) -> dict[str, str]:
    return {"text/html": render_html(handle), "text/plain": render_text(handle)}
