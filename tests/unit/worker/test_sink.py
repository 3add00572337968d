"""The sink: lines into the worker's log, whole ones, up to the cap."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from brignb.archive.files import FileArchive
from brignb.archive.seam import WORKER
from brignb.model.logs import decode_lines
from brignb.worker.sink import ArchiveSink

BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"
LINE = len(b"1970-01-01T00:00:00.001Z stdout F 0\n")


@pytest.fixture
def logged(tmp_path: Path):
    """What stands in the log after a sink with that cap was told these texts."""
    archive = FileArchive(tmp_path)

    def told(cap: int, *texts: str) -> list[str]:
        sink = ArchiveSink(archive, BUILD, now_ms=lambda: 1, news=lambda: None, cap=cap)
        for text in texts:
            sink.lines("stdout", text, partial=False)
        sink.close()
        return [line.text for line in decode_lines(archive.read(BUILD, WORKER))]

    return told


def test_a_cap_cuts_between_lines_also_of_those_that_came_at_one_time(logged) -> None:
    """Half a line would be read as a torn one."""
    *kept, mark = logged(3 * LINE + 5, "0\n1", "2\n3\n4")
    assert kept == ["0", "1", "2"]
    assert mark.startswith(f"[brignb: cut, {2 * LINE} bytes")


def test_nothing_comes_after_a_cut(logged) -> None:
    """A log has one end, even where a shorter line would fit."""
    kept, mark = logged(2 * LINE, "0", "x" * 500, "1")
    assert kept == "0"
    assert mark.startswith("[brignb: cut, ")


def test_what_fits_exactly_is_kept(logged) -> None:
    assert logged(2 * LINE, "0\n1") == ["0", "1"]


def test_the_end_is_heard_also_while_the_ticker_is_at_it(tmp_path: Path) -> None:
    """Seen in CI: `brignb run` hung, since the ticker had taken the call to end for a line's."""
    sink = ArchiveSink(FileArchive(tmp_path), BUILD, now_ms=lambda: 1, news=lambda: None, cap=LINE)
    looked = threading.Event()

    class Closed(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            over = super().wait(timeout)
            looked.set()
            return over

    sink._closed = Closed()
    with sink._lock:  # the ticker will have seen that the end has not come, and stand before the lock
        sink.lines("stdout", "0", partial=False)
        assert looked.wait(10)
        closing = threading.Thread(target=sink.close, daemon=True)
        closing.start()
        assert sink._closed.wait(10)
        assert sink._waiting.is_set()
    closing.join(10)
    assert not closing.is_alive()
