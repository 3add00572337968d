"""Where the engine's words go: the journal and the worker's log, in the archive, with a word to the host.

Both streams are only appended to. Lines wait for the journal entry that follows them, or until there are enough of them, or until the
ticker comes by; so a loud cell costs a write per batch and a quiet one is seen at once.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from brignb.archive.seam import JOURNAL, WORKER, Archive, whole
from brignb.model.logs import LogLine, encode_text

_BATCH = 64 * 1024
_TICK = 0.05
"""Seconds a line waits for others at the most; a line is seen by followers within 200 ms of its writing (issue "The main path", 8)."""


class ArchiveSink:
    """See the module; implements `brignb.engine.seam.Sink`.

    Args:
        archive: The build's.
        build_id: The build.
        now_ms: The clock.
        news: Is called after something was appended.
        cap: Bytes of the worker's log that are kept.
    """

    def __init__(
        self, archive: Archive, build_id: str, *, now_ms: Callable[[], int], news: Callable[[], None], cap: int
    ) -> None:
        self._archive = archive
        self._build_id = build_id
        self._now_ms = now_ms
        self._news = news
        self._cap = cap
        self._cut = 0
        self._lock = threading.RLock()
        self._lines = bytearray()
        self._waiting = threading.Event()
        self._sizes = {stream: whole(archive, build_id, stream) for stream in (JOURNAL, WORKER)}
        self._closed = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="brignb-sink", daemon=True)
        self._ticker.start()

    def entry(self, entry: Mapping[str, Any]) -> None:
        """One journal entry, after the lines that came before it."""
        data = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._append(JOURNAL, data)
            self._flush()

    def lines(self, stream: str, text: str, *, partial: bool) -> None:
        """Lines of user code's."""
        raw = encode_text(self._now_ms(), stream, text, partial=partial)
        with self._lock:
            room = 0 if self._cut else self._cap - self._sizes[WORKER] - len(self._lines)
            kept = raw if len(raw) <= room else raw[: raw.rfind(b"\n", 0, max(room, 0)) + 1]
            self._cut += len(raw) - len(kept)
            self._lines += kept
            if len(self._lines) >= _BATCH:
                self._flush()
            else:
                self._waiting.set()

    def close(self) -> None:
        """Write what waits, say what was cut, stop."""
        self._closed.set()
        self._waiting.set()
        self._ticker.join()
        with self._lock:
            if self._cut:
                mark = f"[brignb: cut, {self._cut} bytes, rest in nothing: the cap is {self._cap} bytes]"
                self._lines += LogLine(self._now_ms(), "system", mark).encode()
            self._flush()

    def _append(self, stream: str, data: bytes) -> None:
        self._sizes[stream] = self._archive.append(self._build_id, stream, self._sizes[stream], data)

    def _flush(self) -> None:
        if self._lines:
            data, self._lines = bytes(self._lines), bytearray()
            self._append(WORKER, data)
        self._news()

    def _tick(self) -> None:
        while self._waiting.wait() and not self._closed.wait(_TICK):
            with self._lock:
                self._waiting.clear()
                if (
                    self._closed.is_set()
                ):  # since it was looked at: what has just been cleared may have been the call to end
                    return
                if self._lines:
                    self._flush()
