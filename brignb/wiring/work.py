"""A worker's process: `python -m brignb.wiring.work FD`, started by `brignb.controller.hosting`.

It is tied to its host twice: by the control socket, whose end ends it, and by the kernel, which kills it when its host's thread dies.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from pathlib import Path

from brignb.archive.files import FileArchive
from brignb.archive.seam import Archive
from brignb.engine.running import run_worker_notebook
from brignb.engine.seam import Plan
from brignb.executors.process import ProcessExecutor
from brignb.model.assignment import Assignment
from brignb.model.projects import Project
from brignb.model.redaction import Redactor
from brignb.model.secrets import Secrets
from brignb.script.session import Session
from brignb.wiring.clock import now_ms
from brignb.wiring.recordview import RecordView
from brignb.worker.channel import Channel, Interrupter
from brignb.worker.running import Parts, emitter, work
from brignb.worker.sink import ArchiveSink

LOG_CAP = 64 * 1024 * 1024
"""Bytes of a log that are kept."""
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    """Run the one build that comes over the control socket."""
    _die_with_parent()
    interrupter = Interrupter()
    with socket.socket(fileno=int(sys.argv[1])) as sock:
        os.set_inheritable(sock.fileno(), False)
        channel = Channel(sock, on_cancel=interrupter)
        assignment, secrets = channel.receive_assignment()
        archive = FileArchive(Path(assignment.builds))
        redactor = Redactor(secrets.values())
        sink = ArchiveSink(
            archive, assignment.build_id, now_ms=now_ms, news=lambda: channel.tell({"op": "news"}), cap=LOG_CAP
        )
        session = _session(assignment, secrets, archive, redactor, channel)
        sys.path.insert(0, "")  # as in Jupyter: a notebook imports what lies beside it; not before our own imports
        outcome = work(
            assignment,
            Parts(
                archive=archive,
                session=session,
                sink=sink,
                execute=run_worker_notebook,
                first_cell=lambda: _note_first_cell(channel),
                emit=emitter(channel.ask),
                told=lambda job: channel.tell({"op": "job", "job": job.to_wire()}),
                why_canceled=lambda: interrupter.reason,
                plan=Plan(
                    redactor=redactor,
                    spill=lambda cell, text: archive.spill(assignment.build_id, f"cell-{cell + 1}.txt", text.encode()),
                ),
            ),
        )
        sink.close()
        channel.tell(
            {
                "op": "finished",
                "outcome": {"state": outcome.state, "reason": outcome.reason, "message": outcome.message},
            }
        )
    # What user code left behind (threads, atexit hooks that wait) must not hold the build up: its record is written.
    sys.stdout.flush()
    os._exit(0)


def _note_first_cell(channel: Channel) -> None:
    channel.ask({"op": "first_cell"}).result()


def _session(
    assignment: Assignment, secrets: dict[str, str], archive: Archive, redactor: Redactor, channel: Channel
) -> Session:
    project = Project.from_stored(assignment.project)
    work_folder = Path(assignment.work)
    return Session(
        build_id=assignment.build_id,
        build_ms=assignment.created_ms,
        attempt=assignment.attempt,
        project_name=project.name,
        clone_url=project.clone_url,
        namespace=project.namespace,
        policy=project.policy,
        secrets=Secrets(secrets, project=project.name),
        executor=ProcessExecutor(
            work_folder, now_ms=now_ms, cache=Path(assignment.cache) if assignment.cache else None
        ),
        archive=archive,
        redactor=redactor,
        source=lambda: assignment.source,
        progressed=lambda _job_id, _size: channel.tell({"op": "news"}),
        view=RecordView(),
        log_cap=LOG_CAP,
    )


if __name__ == "__main__":
    main()
