"""A kernel by the name of its kernelspec, started as jupyter_client starts it, in a fresh process.

Where the kernel's language is known to take them, its channels are Unix sockets with paths that are nobody else's; else TCP ports,
which jupyter_client finds first and the kernel binds later. What must never happen: a kernel that outlives this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from brignb.engine.language import PYTHON, language_of
from brignb.engine.protocol.seam import KernelRefused

_IPC: Final = frozenset({PYTHON, "r", "bash"})
"""Languages whose kernels take Unix sockets: ipykernel and what is built on it, IRkernel."""
_PR_SET_PDEATHSIG: Final = 1
_POLL: Final = 0.2
"""Seconds between two looks at a kernel that is no child of this process."""


class Named:
    """Implements `brignb.engine.protocol.seam.Kernel`.

    Args:
        notebook: Names its kernel, or its language.
        entering: See the seam.
        plain: See the seam.
        keep: Descriptors that the kernel inherits.

    Raises:
        KernelRefused: No such kernel is installed.
    """

    def __init__(
        self,
        notebook: Mapping[str, Any],
        *,
        entering: str | None = None,
        plain: Mapping[str, Any] | None = None,
        keep: Sequence[int] = (),
    ) -> None:
        self.name, spec = find(notebook)
        self.language = str(spec.language or language_of(notebook))
        self.entering = entering if self.language.lower() == PYTHON else None
        self.plain = plain or {}
        self._keep = tuple(keep)
        self._folder = Path(tempfile.mkdtemp(prefix="brignb-k-"))
        self._manager: Any = None
        self._client: Any = None
        self._gone: asyncio.Future[int] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def gone(self) -> asyncio.Future[int]:
        """See the seam."""
        assert self._gone is not None  # noqa: S101 - made by `start`
        return self._gone

    async def start(self) -> Any:
        """See the seam.

        Raises:
            KernelRefused: Its program cannot be started.
        """
        import zmq  # noqa: PLC0415 - heavy, and only this tier needs it
        from jupyter_client.manager import AsyncKernelManager  # noqa: PLC0415 - the same

        manager = self._manager = AsyncKernelManager(kernel_name=self.name)
        manager.connection_file = str(self._folder / "kernel.json")
        if self.language.lower() in _IPC:
            manager.transport, manager.ip = "ipc", str(self._folder / "s")
        manager.context.setsockopt(zmq.RCVHWM, 0)  # what a kernel says is taken at once, or it would drop it
        more = ["--HistoryManager.hist_file=:memory:"] if manager.ipykernel else []
        try:
            await manager.start_kernel(extra_arguments=more, preexec_fn=_dying_with(os.getpid()), pass_fds=self._keep)
        except OSError as error:
            raise KernelRefused(
                f"the kernel {self.name} cannot be started: {error}", hint="its kernelspec's `argv` names its program"
            ) from error
        self._gone = asyncio.get_running_loop().create_future()
        self._watching = asyncio.create_task(self._watch())
        self._client = manager.client()
        self._client.start_channels(shell=True, iopub=True, stdin=False, hb=False, control=False)  # noqa: S604 - a channel
        return self._client

    async def _watch(self) -> None:
        """Until it has ended."""
        process = getattr(self._manager.provisioner, "process", None)
        if process is None:  # another provisioner's, wherever it runs
            while await self._manager.is_alive():  # noqa: ASYNC110 - a provisioner tells only who asks
                await asyncio.sleep(_POLL)
            self.gone.set_result(1)
            return
        loop, pidfd, ended = asyncio.get_running_loop(), os.pidfd_open(process.pid), asyncio.Event()
        loop.add_reader(pidfd, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(pidfd)
            os.close(pidfd)
        self.gone.set_result(process.wait())

    async def interrupt(self) -> None:
        """See the seam; by a signal or a message, as the kernelspec says."""
        await self._manager.interrupt_kernel()

    def kill(self) -> None:
        """See the seam; what it has started in its process group ends with it."""
        group = getattr(self._manager and self._manager.provisioner, "pgid", None)
        if group is not None and self._gone is not None and not self._gone.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    async def close(self) -> None:
        """See the seam."""
        if self._gone is not None and self._watching is not None:
            await self._manager.shutdown_kernel(now=True)
            await asyncio.wait({self._watching})
            self._watching.result()
        if self._client is not None:
            self._client.stop_channels()
        if self._manager is not None:
            self._manager.context.destroy(linger=0)
        shutil.rmtree(self._folder, ignore_errors=True)


def find(notebook: Mapping[str, Any]) -> tuple[str, Any]:
    """The kernelspec that a notebook asks for: by its name, else by its language.

    Raises:
        KernelRefused: None is installed; it names those that are.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel  # noqa: PLC0415 - heavy, few need it

    manager, language = KernelSpecManager(), language_of(notebook)
    name = notebook.get("metadata", {}).get("kernelspec", {}).get("name")
    installed: dict[str, Any] = manager.get_all_specs()
    if not name:
        speak = [each for each, about in installed.items() if str(about["spec"]["language"]).lower() == language]
        name = "python3" if language == PYTHON else next(iter(sorted(speak)), language)
    try:
        return str(name), manager.get_kernel_spec(str(name))
    except (NoSuchKernel, ValueError) as error:  # ValueError: no name that a kernelspec could have
        there = ", ".join(sorted(installed)) or "none"
        raise KernelRefused(
            f"the notebook's kernel {str(name)!r:.80} is not installed here; installed are: {there}",
            hint="install it where brignb runs, so that `jupyter kernelspec list` shows it, or choose another in the notebook",
        ) from error


def _dying_with(parent: int) -> Callable[[], None] | None:
    """What a child calls before its program starts: the system kills it when this process's main thread ends."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up here: little is safe between fork and exec

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return bind
