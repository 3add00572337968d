"""The stage: what user code finds around it, and that it is put back afterwards.

No standard input, an `input()` that fails at once, `__main__` as the notebook's own module, root loggers without our handlers, the
environment that ipykernel gives, a shell that `get_ipython()` finds. The caller's own are back when the run is over; the working
directory too, if it is still there.
"""

from __future__ import annotations

import builtins
import contextlib
import getpass
import logging
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell

from brignb.engine.shell import Shell

ENVIRONMENT: Final = {
    "TERM": "xterm-color",
    "CLICOLOR": "1",
    "FORCE_COLOR": "1",
    "CLICOLOR_FORCE": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
}
"""As ipykernel sets it: programs that a cell calls print as they do in Jupyter."""
_BACKEND = "module://matplotlib_inline.backend_inline"


@contextlib.contextmanager
def stage(shell: Shell, before_exit: Callable[[], None]) -> Iterator[None]:
    """Set it for `shell`, and put everything back.

    Args:
        shell: Whose namespace is `__main__`.
        before_exit: Is called when user code ends the process by `os._exit`.
    """
    with contextlib.ExitStack() as stack:
        for change in (_no_stdin(), _shell(shell), _environment(), _folder(), _logging(), _last_words(before_exit)):
            stack.enter_context(change)
        yield


@contextlib.contextmanager
def _no_stdin() -> Iterator[None]:
    saved = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    previous = (sys.stdin, builtins.input, getpass.getpass)
    try:
        with open(os.devnull, encoding="utf-8") as sys.stdin:  # noqa: PTH123 - the null device
            builtins.input = _refuse_input
            getpass.getpass = _refuse_input
            yield
    finally:
        sys.stdin, builtins.input, getpass.getpass = previous
        os.dup2(saved, 0)
        os.close(saved)


def _refuse_input(prompt: object = "", *_args: Any, **_options: Any) -> NoReturn:
    asked = f" ({str(prompt)[:80]!r})" if prompt else ""
    raise StdinNotImplementedError(
        f"input was asked for{asked}, but nobody answers in a build: use a parameter or a secret"
    )


@contextlib.contextmanager
def _shell(shell: Shell) -> Iterator[None]:
    main, previous = sys.modules.get("__main__"), vars(InteractiveShell).get("_instance")
    sys.modules["__main__"] = shell.user_module
    _make_current(shell)
    added = "" not in sys.path
    if added:
        sys.path.insert(0, "")
    try:
        yield
    finally:
        if main is not None:
            sys.modules["__main__"] = main
        if previous is not None:  # else it stays: a job that ends late still updates its display
            _make_current(previous)
        if added and "" in sys.path:
            sys.path.remove("")


def _make_current(shell: InteractiveShell) -> None:
    for kind in {InteractiveShell, Shell, type(shell)}:
        setattr(kind, "_instance", shell)  # noqa: B010 - traitlets declares it None


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    wanted = {**ENVIRONMENT, "MPLBACKEND": os.environ.get("MPLBACKEND", _BACKEND)}
    previous = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in previous.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _folder() -> Iterator[None]:
    before = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # user code may have deleted it; there is nowhere to go back to
            os.fchdir(before)
        os.close(before)


@contextlib.contextmanager
def _logging() -> Iterator[None]:
    """`logging.basicConfig` of user code works, and no handler of ours writes into a cell."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@contextlib.contextmanager
def _last_words(before_exit: Callable[[], None]) -> Iterator[None]:
    """`os._exit` of user code ends the process, but not before what it wrote was delivered."""
    leave, pid = os._exit, os.getpid()

    def flush_and_leave(status: int) -> NoReturn:
        try:
            if os.getpid() == pid:
                before_exit()
        finally:
            leave(status)

    os._exit = flush_and_leave
    try:
        yield
    finally:
        os._exit = leave
