"""Real kernels for tests: what a person would type into cells, and how it would be interrupted or killed."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from jupyter_client.manager import KernelManager


class Notebook:
    """A kernel of its own process.

    Args:
        folder: Where it works.
        env: On top of this process's environment.
    """

    def __init__(self, folder: Path, **env: str) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(folder), env={**os.environ, **env})
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    @property
    def pid(self) -> int:
        return self.manager.provisioner.pid

    def begin(self, source: str) -> str:
        """Execute a cell, and do not wait."""
        return self.client.execute(source)

    def run(self, source: str, *answers: str, seconds: float = 60) -> str:
        """Execute a cell; what it printed or showed. It is answered where it asks."""
        request = self.client.execute(source, allow_stdin=bool(answers))
        for answer in answers:
            self.client.get_stdin_msg(timeout=seconds)
            self.client.input(answer)
        return self.until_idle(request, seconds=seconds)

    def until_idle(self, request: str, *, seconds: float = 60) -> str:
        """What a cell has printed until its end."""
        return "".join(self._told(request, seconds))

    def until(self, request: str, text: str, *, seconds: float = 60) -> str:
        """What a cell has printed until it printed this."""
        said = ""
        for part in self._told(request, seconds):
            said += part
            if text in said:
                return said
        raise AssertionError(f"{text!r} was never printed: {said}")

    def interrupt(self) -> None:
        os.kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """As the kernel for lack of memory does it."""
        os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def _told(self, request: str, seconds: float) -> Iterator[str]:
        said = []
        for part in self._heard(request, seconds, said):
            said.append(part)
            yield part

    def _heard(self, request: str, seconds: float, said: list[str]) -> Iterator[str]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return
            if message["msg_type"] == "error":
                yield "\n".join(content["traceback"])
            with contextlib.suppress(KeyError):
                yield content["text"] if "text" in content else content["data"]["text/plain"]
        raise AssertionError(f"the cell did not end in time; it said: {''.join(said)}")
