"""ipykernel's application in a forked child: its sockets, its output, its start.

Text takes our capture's way (`brignb.engine.capture`): what programs, C code and Python write keeps its order, a flood goes in few
messages, and a slow reader makes its writer wait. Everything that a kernel says on iopub comes after the text that was written before.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import zmq
from ipykernel.iostream import IOPubThread
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.session import Session
from tornado import ioloop
from traitlets import Type, default
from traitlets.config import Config

from brignb.engine.bundles import clean_text
from brignb.engine.capture import Capture
from brignb.engine.scribe import Item
from brignb.kernels.shell import BuildKernel, BuildShell, no_debugger

_QUEUE: Final = 64
"""Messages that wait for a build's engine before the kernel waits for it."""


def _nothing() -> None:
    return None


class OrderedSession(Session):
    """A session whose messages come after the text that was written before them."""

    settle: Callable[[], None] = staticmethod(_nothing)

    def send(self, stream: Any, msg_or_type: Any, *args: Any, **options: Any) -> Any:  # noqa: D102 - jupyter_client's
        if msg_or_type != "stream" and os.getpid() == self.pid:
            self.settle()
        return super().send(stream, msg_or_type, *args, **options)


class KernelApp(IPKernelApp):
    """A kernel for whoever sits in front of it.

    Nothing is dropped for a slow front end, nobody waits for it: messages wait in memory.
    """

    bound: Callable[[], None] = staticmethod(_nothing)
    """Is called once all sockets take connections."""
    nodrop = False
    queue = 0
    has_heart = True

    @default("session")
    def _session_default(self) -> Session:
        return OrderedSession(parent=self, username="kernel")

    def init_crash_handler(self) -> None:
        """Python's own."""

    def init_iopub(self, context: Any) -> None:
        """ipykernel's, with another queue, and without the pipe for forked children: they write to their fds."""
        socket = context.socket(zmq.XPUB)
        socket.linger = 1000
        socket.sndhwm = self.queue
        if self.nodrop:
            socket.setsockopt(zmq.XPUB_NODROP, 1)
        self._apply_curve_server_options(socket)
        self.iopub_port = self._bind_socket(socket, self.iopub_port)  # type: ignore[no-untyped-call] # ipykernel's
        self.configure_tornado_logger()  # type: ignore[no-untyped-call] # ipykernel's
        self.iopub_thread = IOPubThread(socket, pipe=False, session=self.session)
        self.iopub_thread.start()
        self.iopub_socket = self.iopub_thread.background_socket

    def init_sockets(self) -> None:
        """ipykernel's, then `bound`."""
        super().init_sockets()  # type: ignore[no-untyped-call] # ipykernel's
        if not self.has_heart:
            self.bound()

    def init_heartbeat(self) -> None:
        """For front ends that listen for it."""
        if self.has_heart:
            super().init_heartbeat()  # type: ignore[no-untyped-call] # ipykernel's
            self.bound()

    def init_io(self) -> None:
        """Our capture instead of ipykernel's streams."""
        super().init_io()  # type: ignore[no-untyped-call] # ipykernel's
        self.capture = Capture(self._publish)
        self.session.settle = self.capture.settle
        self.capture.start()

    def _publish(self, batch: Iterable[Item]) -> None:
        parent = self.kernel.get_parent("shell") if self.kernel is not None else {}
        for stream, items in groupby(batch, key=itemgetter(0)):
            text = "".join(text for _, text in items)
            content = {"name": stream, "text": clean_text(text)}
            self.session.send(self.iopub_socket, "stream", content, parent=parent, ident=f"stream.{stream}".encode())
        sent = threading.Event()
        self.iopub_thread.schedule(sent.set)
        sent.wait()

    def start(self) -> None:
        """ipykernel's, on a loop that wakes when a signal comes: else a cell that awaits hears of an interrupt when it is over."""
        loop = ioloop.IOLoop.current().asyncio_loop  # type: ignore[attr-defined] # tornado's own, on asyncio
        loop.add_signal_handler(signal.SIGURG, _nothing)  # nobody sends it; from here on asyncio listens to all
        super().start()  # type: ignore[no-untyped-call] # ipykernel's


class BuildApp(KernelApp):
    """A kernel for a build: it waits for its engine rather than to fill the memory, and has nothing of a person's."""

    kernel_class = Type(BuildKernel, klass=IPythonKernel)
    nodrop = True
    queue = _QUEUE
    has_heart = False

    def init_kernel(self) -> None:
        """ipykernel's, without a debugger."""
        no_debugger()
        super().init_kernel()  # type: ignore[no-untyped-call] # ipykernel's


def configured(connection_file: str) -> Config:
    """A kernel's configuration.

    Args:
        connection_file: Where to listen.
    """
    config = Config()
    config.IPKernelApp.connection_file = connection_file
    config.IPKernelApp.outstream_class = None
    config.IPKernelApp.parent_handle = 1  # there is somebody, who need not be polled for, and no terminal to greet
    return config


def for_a_build(connection_file: str, folder: str) -> Config:
    """The same, with nothing read from or written to anybody's home.

    Args:
        connection_file: Where to listen.
        folder: Takes IPython's own files.
    """
    config = configured(connection_file)
    config.BaseIPythonApplication.ipython_dir = folder
    config.HistoryManager.hist_file = ":memory:"
    return config


def serve(kind: type[KernelApp], config: Config, bound: Callable[[], None]) -> None:
    """Be a kernel, until told to end.

    Args:
        kind: Whose.
        config: See `configured`.
        bound: Is called once all sockets take connections.
    """
    logging.getLogger("tornado").propagate = False
    for each in {*BuildShell.__mro__, *kind.__mro__}:
        if vars(each).get("_instance") is not None:
            each._instance = None  # type: ignore[attr-defined]  # noqa: SLF001 - a shell of the process that we were forked from
    sys.argv = ["ipykernel"]
    app = kind.instance(config=config)
    app.bound = bound
    app.initialize([])  # type: ignore[no-untyped-call] # ipykernel's
    app.start()
