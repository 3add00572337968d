"""Streams: `sys.stdout` and `sys.stderr` as user code has them, and the fds below them, led into pipes."""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import fcntl
import io
import os
from collections.abc import Callable
from typing import Any, Final

_READ: Final = 1 << 16
_PIPE_SIZE: Final = 1 << 20
READS: Final = _PIPE_SIZE // _READ + 1
"""So many reads take what a full pipe holds."""
_LIBC: Final = ctypes.CDLL(None)


_forks = 0
"""How many forks lie between the first process and this one; asking for the pid at each write would cost a system call."""


def _forked() -> None:
    global _forks  # noqa: PLW0603 - it is the process's
    _forks += 1


os.register_at_fork(after_in_child=_forked)


class Redirected:
    """A standard fd that writes into a pipe."""

    def __init__(self, fd: int, name: str) -> None:
        self.fd = fd
        self.name = name
        self._saved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
        self.pipe, write = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.pipe, False)
        with contextlib.suppress(OSError):  # a smaller pipe does as well
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        os.dup2(write, fd)
        os.close(write)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> str:
        """What is there; empty when there is nothing (now, or ever)."""
        while True:
            try:
                data = os.read(self.pipe, _READ)
            except BlockingIOError:
                return ""
            text = self._decoder.decode(data)
            if text or not data:  # half a character is no end
                return text

    def restore(self) -> None:
        """The fd is what it was; the pipe can still be read."""
        os.dup2(self._saved, self.fd)
        os.close(self._saved)

    def close(self) -> None:
        """Let go of the pipe; who still writes into it gets EPIPE."""
        os.close(self.pipe)


class Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of user code."""

    encoding = "UTF-8"
    errors = "replace"

    def __init__(self, redirected: Redirected, take: Callable[[str, str], None], flush: Callable[[], None]) -> None:
        self._take = take
        self._flush = flush
        self._fd = redirected.fd
        self.name = f"<{redirected.name}>"
        self._stream = redirected.name
        self.buffer = io.FileIO(redirected.fd, "w", closefd=False)
        self._forks = _forks

    def write(self, text: str) -> int:
        """Take text; in a forked child, to the fd, as any process would."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._forks == _forks:
            self._take(self._stream, text)
        else:
            write_all(self._fd, text.encode("utf-8", "replace"))
        return len(text)

    def flush(self) -> None:
        """What was written is on its way to the disk; in a forked child it is already."""
        if not self.closed and self._forks == _forks:
            self._flush()

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The real one: `subprocess.run(…, stdout=sys.stdout)` works."""
        return self._fd

    def isatty(self) -> bool:
        """No."""
        return False

    def reconfigure(self, **_options: Any) -> None:
        """There is nothing to choose: every write is seen at once."""


def flush_all(*streams: Any) -> None:
    """What C code and Python's first streams still hold goes to the fds."""
    _LIBC.fflush(None)
    for stream in streams:
        if stream is not None and not stream.closed:
            with contextlib.suppress(OSError):  # nobody reads there any more
                stream.flush()


def write_all(fd: int, data: bytes) -> None:
    """All of it."""
    while data:
        data = data[os.write(fd, data) :]


def empty(fd: int) -> None:
    """Take what a wake-up pipe holds."""
    with contextlib.suppress(BlockingIOError):
        while os.read(fd, _READ):
            pass
