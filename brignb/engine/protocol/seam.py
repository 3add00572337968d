"""The Kernel seam: a kernel's process, from its start to its end, as the engine needs it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from typing import Any, Protocol

from brignb.errors import BrignbError


class Kernel(Protocol):
    """See the module. All of it is called on one event loop.

    Attributes:
        entering: Python that the kernel evaluates once, in silence, so that it has a backstage; None: it has none.
        plain: Names that are bound as JSON where there is no backstage, if the language is Python.
        language: What it speaks, as its kernelspec writes it.
        name: Its kernelspec's name.
    """

    entering: str | None
    plain: Mapping[str, Any]
    language: str
    name: str

    async def start(self) -> Any:
        """A jupyter_client `AsyncKernelClient` whose shell and iopub channels are open; the kernel may not be ready yet.

        Raises:
            BrignbError: It cannot be started.
        """

    @property
    def gone(self) -> asyncio.Future[int]:
        """Done when its process has ended: the exit code, negative for a signal. Only after `start`."""

    async def interrupt(self) -> None:
        """As Ctrl-C does. It may be gone already."""

    def kill(self) -> None:
        """End it at once. It may be gone already."""

    async def close(self) -> None:
        """Let go of everything; it is gone, or will be."""


class KernelGone(BrignbError):
    """The kernel's process ended while it was needed.

    Args:
        code: Its exit code, negative for a signal.
    """

    code = "kernel_died"

    def __init__(self, code: int) -> None:
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        why = "; if nobody did that, the machine may have run out of memory" if code == -signal.SIGKILL else ""
        super().__init__(f"the kernel ended {how}{why}")
        self.exit_code = code


class KernelRefused(BrignbError):
    """The kernel is there, and cannot be used."""

    code = "kernel_start"
