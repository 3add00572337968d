"""A forked worker as the server holds it: its control socket, its end, its last words."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable
from typing import Final

WORDS_MAX: Final = 4096
_PIPE: Final = 1 << 16
KILLED: Final = 128 + signal.SIGKILL
PATIENCE: Final = 10.0
"""Seconds that a zygote gets to tell of the end of a child that was killed; one that hangs is killed itself."""


class Forked:
    """Implements `brignb.controller.hosting.Process`.

    Args:
        control: Our end of the worker's control socket.
        words: A pipe with what it writes outside of its notebook.
        give_up: Ends the zygote.
        begun: Is called once, when the worker's first cell has begun, or it ended.
    """

    def __init__(
        self, control: socket.socket, words: int, *, give_up: Callable[[], None], begun: Callable[[], None]
    ) -> None:
        self.control = control
        self.out_of_memory = False
        self._words = words
        self._said = ""
        self._give_up = give_up
        self._tell_begun: Callable[[], None] | None = begun
        self._pidfd: int | None = None
        self._killed = False
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def forked(self, pidfd: int) -> None:
        """It runs."""
        self._pidfd = pidfd
        if self._killed:
            self.kill()

    def exited(self, code: int, *, out_of_memory: bool = False) -> None:
        """It is gone, and all that it had started."""
        self.out_of_memory = out_of_memory
        if not self._code.done():
            self._code.set_result(code)
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def said(self, words: str) -> None:
        """What is known of its end from elsewhere."""
        self._said = words

    def begun(self) -> None:
        """Its first cell has begun."""
        tell, self._tell_begun = self._tell_begun, None
        if tell is not None:
            tell()

    def kill(self) -> None:
        """Kill it; the zygote kills what it had started."""
        if self._code.done():
            return
        first, self._killed = not self._killed, True
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and the zygote is about to tell
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        if first:
            patience = asyncio.get_running_loop().call_later(PATIENCE, self._give_up)
            self._code.add_done_callback(lambda _: patience.cancel())

    async def ended(self) -> int:
        """Its exit code as a shell gives it, once nothing of it runs any more."""
        code = await asyncio.shield(self._code)
        self.begun()
        return code

    async def words(self) -> str:
        """Its last words, once it has ended."""
        with contextlib.suppress(BlockingIOError):  # it said nothing, and somebody holds the pipe open
            written = os.read(self._words, _PIPE)[-WORDS_MAX:].decode("utf-8", "replace").strip()
            return "\n".join(part for part in (written, self._said) if part)
        return self._said

    def close(self) -> None:
        """Let go of it: a worker that has no build ends, since its control socket does."""
        self.control.close()
        os.close(self._words)
