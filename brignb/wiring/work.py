"""A worker's process: `python -m brignb.wiring.work FD`, started by `brignb.controller.hosting`.

It is tied to its host twice: by the control socket, whose end ends it, and by the kernel, which kills it when its host's thread dies.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

from brignb.archive.files import FileArchive
from brignb.archive.seam import WORKER, Archive
from brignb.engine.running import run_worker_notebook
from brignb.engine.seam import Plan
from brignb.errors import Unavailable, Unreachable
from brignb.model.assignment import Assignment
from brignb.model.builds import Outcome, State
from brignb.model.projects import Project
from brignb.model.redaction import Redactor
from brignb.model.secrets import Secrets
from brignb.script.session import Session
from brignb.widgets.cells import RecordCells
from brignb.widgets.static import StaticView
from brignb.wiring import executing
from brignb.wiring.clock import now_ms
from brignb.worker.channel import Channel, Interrupter, leave
from brignb.worker.running import Execute, Parts, emitter, work
from brignb.worker.sink import ArchiveSink
from brignb.zygote.linux import die_with_parent

ELSEWHERE: Final = frozenset({"kernel", "cold"})
"""Tiers whose notebooks run in another process than the worker's."""
LOG_CAP = 64 * 1024 * 1024
"""Bytes of a log that are kept."""


class Seat:
    """A worker that knows its build, and has not begun: until `work` there is no thread, so that it can still change its namespaces.

    Args:
        sock: The worker's end of its control socket.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._interrupter = Interrupter()
        self._channel = Channel(sock, on_cancel=self._interrupter)
        try:
            self.assignment, self._secrets = self._channel.receive_assignment()
        except Unreachable:  # nobody needed it
            leave()

    def work(self, execute: Execute) -> NoReturn:
        """Run the build, end the process.

        Args:
            execute: The engine, where the build's tier is this process's own.
        """
        channel, assignment = self._channel, self.assignment
        elsewhere = assignment.tier in ELSEWHERE
        if elsewhere:
            from brignb.wiring.onkernel import OnKernel  # noqa: PLC0415 - few builds need it

            execute = OnKernel(assignment, self._secrets, channel)  # which may fork: no thread stands yet
        channel.listen()
        project = Project.from_stored(assignment.project)
        archive = FileArchive(Path(assignment.builds))
        redactor = redactor_of(self._secrets, channel)
        sink = ArchiveSink(
            archive, assignment.build_id, now_ms=now_ms, news=lambda: _tell_news(channel, WORKER), cap=LOG_CAP
        )
        sys.path.insert(0, "")  # as in Jupyter: a notebook imports what lies beside it; not before our own imports
        parts = Parts(
            archive=archive,
            session=None if elsewhere else session_of(assignment, project, self._secrets, archive, redactor, channel),
            sink=sink,
            execute=execute,
            first_cell=lambda: _note_first_cell(channel),
            emit=emitter(channel.ask),
            told=lambda job: channel.tell({"op": "job", "job": job.to_wire()}),
            why_canceled=lambda: self._interrupter.reason,
            plan=Plan(
                redactor=redactor,
                cell_bytes=project.output_limits.cell_bytes,
                cell_displays=project.output_limits.cell_displays,
                run_bytes=project.output_limits.run_bytes,
                spill=lambda cell, text: archive.spill(assignment.build_id, f"cell-{cell + 1}.txt", text.encode()),
            ),
        )
        try:
            outcome = work(assignment, parts)
            sink.close()
        except Unavailable as error:  # the disk is full, for example; the host makes the record of what the journal has
            outcome = Outcome(state=State.FAILED, reason=error.code, message=redactor(str(error)))
        word = {"state": outcome.state, "reason": outcome.reason, "message": outcome.message}
        channel.tell({"op": "finished", "outcome": word})
        _leave()


def _leave() -> NoReturn:
    """What user code left for the end is done, within the host's patience; its threads are not waited for: its record is written."""
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no other name for it
    sys.stdout.flush()
    os._exit(0)


def main() -> NoReturn:
    """Run the one build that comes over the control socket."""
    if sys.platform == "linux":
        die_with_parent(signal.SIGKILL)
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.set_inheritable(False)
    Seat(sock).work(run_worker_notebook)


def redactor_of(secrets: Mapping[str, str], channel: Channel) -> Redactor:
    """Knows what nobody is to see: the project's secrets, and the token of the build's jobs."""
    return Redactor([*secrets.values(), *([channel.server.token] if channel.server else [])])


def _tell_news(channel: Channel, stream: str) -> None:
    channel.tell({"op": "news", "stream": stream})


def _note_first_cell(channel: Channel) -> None:
    channel.ask({"op": "first_cell"}).result()


def session_of(
    assignment: Assignment,
    project: Project,
    secrets: dict[str, str],
    archive: Archive,
    redactor: Redactor,
    channel: Channel,
) -> Session:
    """The build's session, without `told` and `emit`."""
    return Session(
        build_id=assignment.build_id,
        build_ms=assignment.created_ms,
        attempt=assignment.attempt,
        project_name=project.name,
        clone_url=project.clone_url,
        namespace=project.namespace,
        policy=project.policy,
        secrets=Secrets(secrets, project=project.name),
        executor=executing.make(
            assignment.executor,
            Path(assignment.work),
            project,
            build_id=assignment.build_id,
            cache=Path(assignment.cache) if assignment.cache else None,
            server=channel.server,
        ),
        archive=archive,
        redactor=redactor,
        source=lambda: assignment.source,
        progressed=lambda job_id, _size: _tell_news(channel, job_id),
        view=StaticView(RecordCells()),
        commit=lambda: (assignment.event.revision.commit if project.clone_url else "") if assignment.source else None,
        project_facts=project.public,
        log_cap=LOG_CAP,
    )


if __name__ == "__main__":
    main()
