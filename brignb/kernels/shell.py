"""The shell and the kernel of a build: ipykernel's own, where nobody sits in front of it.

`exit` ends a cell, not the kernel; a mistyped magic is an error of its cell; an exception that cannot say what it is, is shown all the
same; a forked child of user code ends with its cell.
"""

from __future__ import annotations

import os
import sys
from typing import Any, cast

from ipykernel.ipkernel import IPythonKernel
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.error import UsageError
from traitlets import Type

from brignb.engine.telling import error_text


class BuildShell(ZMQInteractiveShell):
    """See the module."""

    def init_virtualenv(self) -> None:
        """As it is: the interpreter was chosen before."""

    def ask_exit(self) -> None:
        """`exit` and `quit` end the cell as `sys.exit()` does."""
        raise SystemExit

    def enable_gui(self, gui: str | None = None) -> None:
        """Only none: there is no screen.

        Raises:
            UsageError: Another was asked for.
        """
        if gui not in {None, "inline", "agg"}:
            raise UsageError(f"a build has no screen for the {gui} GUI; use %matplotlib inline")

    def show_usage_error(self, exc: BaseException) -> None:
        """As an error of the cell, as every other."""
        self._showtraceback(type(exc), exc, [f"UsageError: {exc}"])

    async def run_cell_async(self, *args: Any, **options: Any) -> Any:  # noqa: D102 - IPython's
        result = await super().run_cell_async(*args, **options)
        result.error_in_exec = _speaking(result.error_in_exec)
        return result

    def _format_exception_for_storage(self, exception: BaseException, *_rest: Any, **_options: Any) -> dict[str, Any]:
        """For IPython's history, which nobody reads here."""
        return {"ename": type(exception).__name__, "evalue": error_text(exception), "traceback": []}

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        super()._showtraceback(etype, _speaking(evalue), stb)  # type: ignore[no-untyped-call] # ipykernel's


BuildShell.__name__ = BuildShell.__qualname__ = "ZMQInteractiveShell"  # `%config` knows it by that name


def _speaking(error: Any) -> Any:
    """An exception whose text can be asked for."""
    try:
        str(error)
    except Exception:  # noqa: BLE001 - user code's __str__ may do anything
        return type(type(error).__name__, (Exception,), {})(error_text(error))
    return error


def no_debugger() -> None:
    """Nobody attaches one to a build; debugpy takes 30 ms to load, and warns of frozen modules."""
    known, sys.modules["debugpy"] = sys.modules.get("debugpy"), cast("Any", None)
    try:
        from ipykernel import debugger  # noqa: PLC0415 - it decides while it is imported
    finally:
        del sys.modules["debugpy"]
        if known is not None:
            sys.modules["debugpy"] = known
    debugger._is_debugpy_available = False  # noqa: SLF001 - and it may have been imported before


class BuildKernel(IPythonKernel):
    """See the module."""

    shell_class = Type(BuildShell)

    async def do_execute(self, *args: Any, **options: Any) -> Any:  # noqa: D102 - ipykernel's
        own = os.getpid()
        reply = await super().do_execute(*args, **options)  # type: ignore[no-untyped-call] # ipykernel's
        if os.getpid() != own:
            sys.stdout.flush()
            os._exit(reply["status"] != "ok")  # a child must not go on as a kernel
        return reply
