"""How a job's processes are held together: by bubblewrap, or by our supervisor where there is none.

Enters: a `Program`. Leaves: a `Launch`, what must be executed so that the program runs, contained. Both kinds tell on a descriptor, in
the same words, when it runs (`child-pid`, a session's leader) and how it ended (`exit-code`).

What must never happen: a variable of the job in somebody's arguments; a process of the job that outlives its container.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from brignb.executors import supervise
from brignb.executors.sandbox import JOB_CAPABILITIES, PROGRAM, Bind, options


@dataclass(frozen=True, slots=True)
class Program:
    """What a job runs, as the job sees it."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path


@dataclass(frozen=True, slots=True)
class Launch:
    """What is executed for it.

    Args:
        argv: The container's command line.
        env: The container's environment.
        told: What the container reads on its stdin, which then stays open; None: it reads nothing.
        fds: Descriptors that it inherits; whoever executes it closes them here afterwards.
    """

    argv: list[str]
    env: Mapping[str, str]
    told: bytes | None
    fds: tuple[int, ...]


def in_sandbox(program: Program, status_fd: int, binds: tuple[Bind, ...], hidden: tuple[Path, ...]) -> Launch:
    """Inside bubblewrap. Options and environment go through a memfd: arguments can be seen by everybody."""
    flags = options(binds=binds, hidden=hidden, cwd=program.cwd, tmpfs=(), capabilities=JOB_CAPABILITIES)
    flags += ["--json-status-fd", str(status_fd)]
    for name, value in program.env.items():
        flags += ["--setenv", name, value]
    args = os.memfd_create("bwrap")
    with os.fdopen(os.dup(args), "wb") as file:
        file.write(b"".join(os.fsencode(flag) + b"\0" for flag in flags))
    os.lseek(args, 0, os.SEEK_SET)
    path = {"PATH": os.environ.get("PATH", os.defpath)}
    return Launch([PROGRAM, "--args", str(args), "--", *program.argv], path, None, (args, status_fd))


def supervised(program: Program, status_fd: int) -> Launch:
    """Below the supervisor; see `supervise` for what it is told."""
    words = [str(program.cwd), str(len(program.env))]
    words += [f"{name}={value}" for name, value in program.env.items()]
    words += program.argv
    body = b"\0".join(os.fsencode(word) for word in words)
    argv = [sys.executable, "-I", "-S", supervise.__file__, str(status_fd)]
    return Launch(argv, {}, str(len(body)).encode() + b"\n" + body, (status_fd,))
