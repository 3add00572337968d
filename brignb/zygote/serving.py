"""The zygote's own loop: it forks when it is told to, and tells how its children end. It does nothing else, and knows nothing else.

    server ──"fork N" + [control socket, words' pipe]──▶ zygote ──"forked N" + [pidfd]──▶ server
                                                            └──fork──▶ child(control socket)
    zygote ──"exited N", its status──▶ server

Each child is the second process of a process namespace whose first one (which sleeps, and has orphans reaped) lives as long as the child:
when the child has ended the first one is killed, and the kernel kills all that is left. Only then it is told that the child has
exited. Where namespaces are refused, what is left of the child's process group is killed instead.

What must never happen: a thread here (a fork would copy locks that nobody opens), a secret here, a child that is reported to have ended
and of which something still runs.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from brignb.zygote import linux, walls

REQUEST_MAX: Final = 4096
_SLEEP: Final = ("sleep", "infinity")
_FIRST: Final = ("env", "--ignore-signal=CHLD", *_SLEEP)
"""The first process of a namespace: it ignores its children, so that the kernel reaps orphans for it."""
_OOM_SCORE: Final = 500
"""When the machine runs out of memory, a build goes before its server (proc(5), oom_score_adj)."""

Child = Callable[[socket.socket], NoReturn]


@dataclass(slots=True)
class _Family:
    """A child, and the first process of its namespace; the child's status once it has ended."""

    number: int
    child: int
    first: int | None
    status: int | None = None
    out_of_memory: bool = False


class ForkServer:
    """See the module.

    Args:
        sock: A SOCK_SEQPACKET socket to the server.
        child: Is called in each child, with its control socket; it never returns.
        walled: Whether children get namespaces of their own.
    """

    def __init__(self, sock: socket.socket, child: Child, *, walled: bool) -> None:
        self._sock = sock
        self._child = child
        self._namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC) if walled else None
        self._families: list[_Family] = []
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._first = _first() if walled else ()
        self._killed_for_memory = _killed_for_memory()

    def serve(self) -> None:
        """Until the server hangs up."""
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        ready = select.poll()
        ready.register(self._sock, select.POLLIN)
        ready.register(self._wake_read, select.POLLIN)
        while True:
            for fd, _event in ready.poll():
                if fd == self._wake_read:
                    os.read(fd, REQUEST_MAX)
                    self._reap()
                elif not self._take():
                    return

    def _take(self) -> bool:
        """One request; False when there will be none any more."""
        data, fds, _flags, _address = socket.recv_fds(self._sock, REQUEST_MAX, 2)
        if not data:
            return False
        number = json.loads(data)["fork"]
        control, words = fds
        try:
            family = self._fork(number, control, words)
        except OSError as error:
            self.tell({"refused": number, "error": str(error)})
        else:
            self._families.append(family)
            pidfd = os.pidfd_open(family.child)
            self.tell({"forked": number}, pidfd)
            os.close(pidfd)
        finally:
            os.close(control)
            os.close(words)
        return True

    def _fork(self, number: int, control: int, words: int) -> _Family:
        first = None
        if self._namespace is not None:
            linux.unshare(linux.NEW_PROCESSES)
        try:
            if self._namespace is not None:
                first = os.posix_spawnp(self._first[0], self._first, {})
            child = os.fork()
            if child == 0:
                self._be_child(control, words)
        except OSError:
            if first is not None:
                _end(first)
            raise
        finally:
            if self._namespace is not None:
                linux.enter_processes(self._namespace)
        return _Family(number, child, first)

    def _be_child(self, control: int, words: int) -> NoReturn:
        """In the child: nothing of the zygote's is left open, and nothing that goes wrong comes back into its loop."""
        try:
            linux.die_with_parent(signal.SIGKILL)
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for fd in (1, 2):
                os.dup2(words, fd)
            os.dup2(control, 3)
            os.closerange(4, _open_max())
            _go_first()
            if self._namespace is not None:
                walls.part()
            _reseed()
            gc.enable()
            self._child(socket.socket(fileno=3))
        except BaseException:  # noqa: BLE001 - it must end here, whatever it is
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(1)

    def _reap(self) -> None:
        for family in tuple(self._families):
            if family.status is None and (status := _ended(family.child)) is not None:
                family.status = status
                family.out_of_memory = self._died_of_memory(status)
                if family.first is None:
                    _kill_group(family.child)
                else:
                    os.kill(family.first, signal.SIGKILL)
            if family.status is not None and (family.first is None or _ended(family.first) is not None):
                self._families.remove(family)
                self.tell({"exited": family.number, "status": family.status, "oom": family.out_of_memory})

    def _died_of_memory(self, status: int) -> bool:
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            return False
        before, self._killed_for_memory = self._killed_for_memory, _killed_for_memory()
        return self._killed_for_memory > before

    def tell(self, message: dict[str, Any], *fds: int) -> None:
        """Send a message to the server, with descriptors."""
        with contextlib.suppress(BrokenPipeError):  # the next request will be the end
            socket.send_fds(self._sock, [json.dumps({**message, "rss": _resident()}).encode()], list(fds))


def _first() -> tuple[str, ...]:
    """Its command line; where `env` is not GNU's, orphans wait for the build's end."""
    probe = subprocess.run([*_FIRST[:-2], "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return _SLEEP if probe.returncode else _FIRST


def _ended(pid: int) -> int | None:
    """A child's status, once it has one."""
    done, status = os.waitpid(pid, os.WNOHANG)
    return status if done else None


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _open_max() -> int:
    return max(int(entry.name) for entry in Path("/proc/self/fd").iterdir()) + 1


def _go_first() -> None:
    """When memory runs out. Most pods are made to go sooner still, and nobody but root may take that back."""
    score = Path("/proc/self/oom_score_adj")
    if int(score.read_text()) < _OOM_SCORE:
        score.write_text(str(_OOM_SCORE))


def _reseed() -> None:
    """Python's own generators and numpy's old one would go on with the parent's state, the same in every child."""
    random.seed()
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed()


def _resident() -> int:
    """Bytes of memory of this process (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _killed_for_memory() -> int:
    """How many processes of this machine were ever killed since it had no memory left (proc(5), vmstat)."""
    for line in Path("/proc/vmstat").read_text().splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0
