"""From an executor's lines to the archive: redacted, capped, appended, told.

    executor.logs ──▶ redact (across parts of a line) ──▶ cap ──▶ archive.append ──▶ session.progressed, the handle's bell
                                                   └──▶ tail (not capped: the end of a log is what matters)

What must never happen: a secret's value on the disk; a line before its reader can find it in the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from brignb.archive.seam import whole
from brignb.model.logs import LogLine
from brignb.script.tail import Tail

if TYPE_CHECKING:
    from brignb.model.redaction import Redacting
    from brignb.script.session import Session

SYSTEM: Final = "system"
CUT: Final = "[brignb: cut, "
"""How a mark begins that says where a log was cut."""


class Pump:
    """One job's log.

    Args:
        session: Whose archive, redactor and cap are used.
        job_id: The job, and the name of its stream.
        grew: Is called after lines were appended.
    """

    def __init__(self, session: Session, job_id: str, grew: Callable[[], None]) -> None:
        self._session = session
        self._job_id = job_id
        self._grew = grew
        self._redacting: dict[str, Redacting] = {}
        self._last: dict[str, LogLine] = {}
        self._tail = Tail()
        self._cut = 0
        self._size = whole(session.archive, session.build_id, job_id)

    def take(self, lines: Iterable[LogLine]) -> None:
        """Lines that the executor has seen.

        Raises:
            Unavailable: The archive cannot be written to.
        """
        self._keep([shown for line in lines if (shown := self._redacted(line)) is not None])

    def say(self, text: str) -> None:
        """A line of brignb's own."""
        self._keep([LogLine(self._session.now_ms(), SYSTEM, self._session.redactor(text))])

    def end(self) -> None:
        """No more lines come: what was kept back is written, and a mark where something was cut."""
        rests = [(self._last[stream], held.flush()) for stream, held in self._redacting.items()]
        self._keep([LogLine(line.at, line.stream, rest, partial=True) for line, rest in rests if rest])
        if self._cut:
            mark = f"{CUT}{self._cut} bytes, rest in nothing: the cap is {self._session.log_cap} bytes]"
            self._append(LogLine(self._session.now_ms(), SYSTEM, mark).encode())

    def tail(self) -> tuple[str, ...]:
        """The log's last lines, whole or cut, redacted."""
        return self._tail.lines()

    def coloured_tail(self) -> tuple[str, ...]:
        """The same with its control sequences."""
        return self._tail.raw()

    def _redacted(self, line: LogLine) -> LogLine | None:
        """The line as it may be seen; None while all of it is kept back."""
        held = self._redacting.get(line.stream)
        if held is None:
            held = self._redacting[line.stream] = self._session.redactor.stream()
        self._last[line.stream] = line
        text = held.feed(line.text)
        if not line.partial:
            text += held.flush()
        elif not text:
            return None
        return LogLine(line.at, line.stream, text, partial=line.partial)

    def _keep(self, lines: list[LogLine]) -> None:
        data = bytearray()
        for line in lines:
            self._tail.add(line.stream, line.text, partial=line.partial)
            raw = line.encode()
            if self._cut or self._size + len(data) + len(raw) > self._session.log_cap:
                self._cut += len(raw)  # from here on, even what would fit: a log has one end
            else:
                data += raw
        if data:
            self._append(bytes(data))

    def _append(self, data: bytes) -> None:
        session = self._session
        self._size = session.archive.append(session.build_id, self._job_id, self._size, data)
        session.progressed(self._job_id, self._size)
        self._grew()
