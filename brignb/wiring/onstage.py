"""In a build's kernel: `enter`, which the engine has it evaluate before the first cell, and what it gets to know there.

The kernel's end of a socket pair is a descriptor that it inherited; at the other end is the worker's relay.
"""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

from brignb.archive.files import FileArchive
from brignb.engine.protocol import backstage
from brignb.model.projects import Project
from brignb.wiring.work import redactor_of, session_of
from brignb.worker.channel import Channel
from brignb.worker.onstage import OnStage
from brignb.worker.running import emitter


def entering(fd: int) -> str:
    """The expression that enters, for the kernel."""
    return f"__import__({__name__!r}, fromlist=['_']).enter({fd})"


def enter(fd: int) -> None:
    """This process is that build's kernel: the author's words act in it.

    Args:
        fd: Of the kernel's end.
    """
    sock = socket.socket(fileno=fd)
    sock.set_inheritable(False)
    channel = Channel(sock, on_cancel=lambda _reason: None)  # a cancel comes as an interrupt, from the engine
    assignment, secrets = channel.receive_assignment()
    channel.listen()
    archive = FileArchive(Path(assignment.builds))
    project = Project.from_stored(assignment.project)
    session = session_of(assignment, project, secrets, archive, redactor_of(secrets, channel), channel)
    backstage.enter(
        OnStage(
            assignment.event,
            replace(
                session,
                told=lambda job: channel.tell({"op": "job", "job": job.to_wire()}),
                emit=emitter(channel.ask),
            ),
        )
    )
