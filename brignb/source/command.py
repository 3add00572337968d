"""Running git.

A command that says nothing for too long is ended, as is one that takes too long in all; so is one whose caller is canceled. Git, and
the ssh and helpers it started, are one process group and end together: first politely, so that git takes its lock files away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from brignb.errors import SourceError
from brignb.source.words import last_words

KEPT: Final = 64 * 1024
"""Bytes of git's words."""
_CHUNK: Final = 64 * 1024
_POLITE: Final = 2.0
"""Seconds between SIGTERM and SIGKILL."""


class GitFailed(Exception):
    """Git ended with an error, or was ended.

    Args:
        words: Its last words.
        late: Whether it was ended since it took too long.
    """

    def __init__(self, words: str, *, late: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.late = late


@dataclass(slots=True)
class _Ears:
    """What is heard of a command; each word of it puts its end off."""

    stall: float
    end: float
    clock: asyncio.Timeout | None = None
    output: bytearray = field(default_factory=bytearray)
    words: bytearray = field(default_factory=bytearray)

    def deadline(self) -> float:
        return min(asyncio.get_running_loop().time() + self.stall, self.end)

    async def listen(self, stream: asyncio.StreamReader | None, into: bytearray, kept: int | None = None) -> None:
        assert stream is not None  # noqa: S101  # both are pipes
        while data := await stream.read(_CHUNK):
            into += data
            if kept is not None:
                del into[:-kept]
            if self.clock is not None:
                self.clock.reschedule(self.deadline())

    async def whole(self, process: Process) -> None:
        await asyncio.gather(self.listen(process.stdout, self.output), self.listen(process.stderr, self.words, KEPT))
        await process.wait()


class Git:
    """The git program.

    Args:
        program: Its name or path.
        environment: All that it sees.
        limit: Seconds for one command.
    """

    def __init__(self, program: str, environment: Mapping[str, str], *, limit: float) -> None:
        self._program = program
        self._environment = dict(environment)
        self._limit = limit

    async def start(
        self,
        *args: str | Path,
        stdin: int,
        stderr: int,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Start git as the leader of a process group; its output is a pipe.

        Raises:
            SourceError: `no_source`: there is no git.
        """
        try:
            return await asyncio.create_subprocess_exec(
                self._program,
                *map(str, args),
                stdin=stdin,
                stdout=PIPE,
                stderr=stderr,
                cwd=cwd or "/",
                env={**self._environment, **(env or {})},
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise SourceError(
                "no_source", f"{self._program} cannot be started", hint="install git on the server's machine"
            ) from error

    async def run(
        self,
        *args: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stall: float | None = None,
    ) -> bytes:
        """Run one command; what it printed.

        Args:
            args: After `git`.
            cwd: Where; None: anywhere.
            env: On top of the environment.
            stall: Seconds without a word after which it is ended; for commands that report progress.

        Raises:
            GitFailed: It ended with an error, or was ended.
            SourceError: `no_source`: there is no git.
        """
        process = await self.start(*args, cwd=cwd, env=env, stdin=DEVNULL, stderr=PIPE)
        ears = _Ears(stall or self._limit, asyncio.get_running_loop().time() + self._limit)
        late = await _until_end(process, ears)
        words = last_words(ears.words.decode("utf-8", "replace"))
        if late:
            raise GitFailed(
                f"{words}\nno answer within {min(stall or self._limit, self._limit):g} seconds".strip(), late=True
            )
        if process.returncode:
            raise GitFailed(words)
        return bytes(ears.output)


async def _until_end(process: Process, ears: _Ears) -> bool:
    """Wait; True when it had to be ended."""
    reading = asyncio.ensure_future(ears.whole(process))
    try:
        async with asyncio.timeout_at(ears.deadline()) as ears.clock:
            await asyncio.shield(reading)
    except TimeoutError:
        return True
    finally:
        ears.clock = None
        if not reading.done():
            await end(process)
            await reading
    return False


async def end(process: Process) -> None:
    """End a process and its group."""
    _signal(process, signal.SIGTERM)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _POLITE)
    finally:
        _signal(process, signal.SIGKILL)  # the group may outlive its leader
        await process.wait()


def _signal(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
