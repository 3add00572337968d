"""Reading a run's log back from the archive, try after try, as whole lines."""

from __future__ import annotations

from collections.abc import Sequence

from brignb.archive.follow import Follower
from brignb.archive.seam import Archive
from brignb.model.logs import LogLine
from brignb.script.pump import CUT, SYSTEM


class Reader:
    """What the job itself wrote, and the mark where that was cut; not what brignb has to say.

    Args:
        archive: Where the log is.
        build_id: The build's.
    """

    def __init__(self, archive: Archive, build_id: str) -> None:
        self._archive = archive
        self._build_id = build_id
        self._tries = 0
        self._follower = Follower(archive, build_id)
        self._open: dict[str, str] = {}

    def read(self, job_ids: Sequence[str]) -> list[str]:
        """Lines that are new since the last time, of these tries; empty when there are none now.

        A try has ended when there is a later one, so they are read one after the other.
        """
        lines: list[str] = []
        while not lines:
            if told := self._follower.read():
                for each in told:
                    lines += self._joined(each.line)
            elif self._tries < len(job_ids):
                lines += self.rest()
                self._follower = Follower(self._archive, self._build_id)
                self._follower.add(job_ids[self._tries], job_ids[self._tries])
                self._tries += 1
            else:
                break
        return lines

    def rest(self) -> list[str]:
        """Lines that were never ended."""
        rest, self._open = list(self._open.values()), {}
        return rest

    def _joined(self, line: LogLine) -> list[str]:
        if line.stream == SYSTEM and not line.text.startswith(CUT):
            return []
        text = self._open.pop(line.stream, "") + line.text
        if line.partial:
            self._open[line.stream] = text
            return []
        return [text]


def read_text(archive: Archive, build_id: str, job_id: str) -> str:
    """The whole log of one try, as it is now."""
    reader, lines = Reader(archive, build_id), list[str]()
    while found := reader.read([job_id]):
        lines += found
    return "".join(f"{line}\n" for line in lines) + "\n".join(reader.rest())
