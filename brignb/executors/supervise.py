"""A job's supervisor where there is no bubblewrap: starts it, and ends with all of its descendants, not one less.

Run as `python -I -S supervise.py STATUS_FD`, so it imports little and nothing of brignb. It is a "subreaper" (Linux): a descendant
whose parent ended becomes its child, whatever session or group it moved to. On other systems only the job's process group is killed;
a process that left it (`setsid`) survives.

Enters, on stdin: a line with the byte count of what follows, then NUL-separated: the working directory, the count of variables, each
variable, each argument. Afterwards stdin stays open; its end means: kill everything (so does the death of the starter). Leaves, on
STATUS_FD, as bubblewrap's `--json-status-fd` does: `{"child-pid": N}` once the job runs, in a session of its own, and
`{"exit-code": N}` when everything is gone.

What must never happen: ending while a descendant lives.
"""

from __future__ import annotations

import os
import select
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CANNOT = 127  # a shell's exit code for a program that cannot be started
_LINUX = sys.platform == "linux"


def main() -> None:
    """Run one job."""
    status = int(sys.argv[1])
    cwd, environment, argv = _told()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # told by stdin only
    if _LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)  # or a set-uid program could not be killed
    job = _start(status, cwd, environment, argv)
    code = _watch(job, woken)
    _kill_all(job)
    _tell(status, "exit-code", _shell_code(job if code is None else code, killed=code is None))


def _told() -> tuple[bytes, dict[bytes, bytes], list[bytes]]:
    """Working directory, environment and arguments, from stdin."""
    count = b""
    while not count.endswith(b"\n"):
        count += os.read(0, 1) or sys.exit(0)
    words = b""
    while len(words) < int(count):
        words += os.read(0, int(count) - len(words)) or sys.exit(0)
    cwd, variables, *rest = words.split(b"\0")
    pairs, argv = rest[: int(variables)], rest[int(variables) :]
    return cwd, {name: value for name, _, value in (pair.partition(b"=") for pair in pairs)}, argv


def _start(status: int, cwd: bytes, environment: dict[bytes, bytes], argv: list[bytes]) -> int:
    """Fork the job."""
    supervisor = os.getpid()
    job = os.fork()
    if job == 0:
        try:
            _become(supervisor, status, cwd, environment, argv)
        except OSError as error:
            os.write(2, f"{os.fsdecode(argv[0])}: {error.strerror}\n".encode("utf-8", "replace"))
        finally:
            os._exit(_CANNOT)
    return job


def _become(supervisor: int, status: int, cwd: bytes, environment: dict[bytes, bytes], argv: list[bytes]) -> None:
    """The job, in place of this process; returns never, or raises OSError."""
    os.setsid()
    if _LINUX:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:  # it died before the line above
            return
    signal.set_wakeup_fd(-1)
    for name in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(name, signal.SIG_DFL)  # what Python or we ignore must not be ignored in the job
    _tell(status, "child-pid", os.getpid())  # not before a signal reaches it, and only it; not after its first line
    os.close(status)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(cwd)
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - what a shell is needed for, the job names itself


def _watch(job: int, woken: int) -> int | None:
    """The wait status of the job's main process; None when stdin's end came first."""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            if (code := _reap(job)) is not None:
                return code
        if 0 in ready and not os.read(0, 1):
            return None


def _reap(job: int) -> int | None:
    """Collect every child that has ended; the job's wait status when it is one of them."""
    code = None
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return code
            if pid == job:
                code = status
    except ChildProcessError:
        return code


def _kill_all(job: int) -> None:
    """Kill until there is no child left; those of the killed become our children, and are killed next."""
    _kill(-job)
    while True:
        for pid in _descendants(os.getpid()):
            _kill(pid)
        try:
            os.waitpid(-1, 0)  # everything was told to die, so one does
        except ChildProcessError:
            return


def _descendants(root: int) -> list[int]:
    """Process ids below `root`, as `/proc` has them now; none where there is no `/proc`."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if _LINUX else ():  # noqa: PTH208 - pathlib costs 5 ms of a job's start
        if name.isdigit() and (parent := _parent(name)) is not None:
            children.setdefault(parent, []).append(int(name))
    found, todo = [], [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _parent(pid: str) -> int | None:
    """A process's parent; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - the same
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return None


def _kill(pid: int) -> None:
    """Kill a process or, negative, a group that may be gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # gone; macOS refuses when only zombies are left in a group
        return


def _shell_code(status: int, *, killed: bool) -> int:
    """Exit code as a shell gives it."""
    if killed:
        return 128 + signal.SIGKILL
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _tell(status: int, name: str, value: int) -> None:
    """A line of news; nobody may be there to hear it."""
    try:
        os.write(status, f'{{"{name}": {value}}}\n'.encode())
    except BrokenPipeError:
        return


def _prctl(option: int, value: int) -> None:
    import ctypes  # noqa: PLC0415 - only Linux needs it

    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main()
