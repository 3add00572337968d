"""What handlers print, on its way to the build's log: its end, whoever goes on to print."""

from __future__ import annotations

import sys
import threading

from brignb.wiring.taping import Tape


def test_who_prints_at_the_moment_of_the_end_does_not_keep_it_from_ending() -> None:
    """A handler's thread printed between the last entry and the writer's look at it: the build never ended."""
    began, go_on = threading.Event(), threading.Event()

    def scribe(_items) -> None:
        began.set()
        go_on.wait(10)

    tape = Tape(scribe)
    tape.text("stdout", "first")
    assert began.wait(10)
    tape._queue.put(None)  # as `close` does
    tape.text("stdout", "late")
    go_on.set()
    tape._thread.join(10)
    assert not tape._thread.is_alive()


def test_a_stream_that_is_kept_holds_nothing_after_the_end(capsys) -> None:
    """A logger of a handler's has the stream for ever, and nobody would take what it writes out of the queue."""
    tape = Tape(lambda _items: None)
    with tape.recording():
        kept = sys.stdout
    tape.close()
    kept.write("afterwards")
    assert tape._queue.empty()
    assert capsys.readouterr().out == "afterwards"
