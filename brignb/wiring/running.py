"""`brignb run`: one build here, no server. The same export, worker, engine and executor as a server's; logs go to the terminal.

    notebook ──▶ export ──▶ worker, on a copy of the author's files ──▶ record, exit code

What the notebook asks for by `events.emit` is said and not done: there is nobody to take the event.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from brignb.archive.files import FileArchive
from brignb.archive.follow import Follower, Text
from brignb.archive.seam import RECORD, WORKER, WORKER_NOTEBOOK
from brignb.controller.hosting import Died, Order, host
from brignb.controller.records import materialise
from brignb.controller.spawning import Sandbox, spawn
from brignb.errors import BadInput, BrignbError, NotFound
from brignb.executors import sandbox
from brignb.executors.sandbox import Bind
from brignb.export import FORK, choose, review, to_bytes
from brignb.model.assignment import Assignment
from brignb.model.builds import JobRecord, Outcome, State
from brignb.model.events import Event, Revision
from brignb.model.names import id_time_ms
from brignb.model.options import RunOptions
from brignb.model.parameters import resolve
from brignb.model.projects import Project
from brignb.source.copying import WorkCopy
from brignb.wiring import executing
from brignb.wiring.clock import fresh_id, now_ms
from brignb.wiring.keeping import keep
from brignb.wiring.sessions import LocalSecrets, local_project
from brignb.zygote.walls import SRC

INTERRUPTED: Final = 130


def run(options: RunOptions) -> int:
    """Run the notebook for one event; 0 when the build succeeded, 1 when it did not, 130 when it was interrupted.

    Raises:
        BadInput: The notebook, the project file, a parameter or the executor cannot be taken.
        NotFound: There is no such notebook.
        Unreachable: There is no cluster to run jobs in, where they are to run in one.
        Refused: It refuses the caller.
    """
    try:
        raw = options.notebook.read_bytes()
    except OSError as error:
        raise NotFound(f"cannot be read: {error.strerror}", where=str(options.notebook)) from error
    project = local_project(options.project, beside=options.notebook.parent)
    if options.record and (options.record.is_dir() or not options.record.parent.is_dir()):
        raise BadInput("there is no such folder, or it is one", where=f"--record {options.record}", hint="name a file")
    executor = executing.choose(project, options.executor)
    with tempfile.TemporaryDirectory(prefix="brignb-run-", ignore_cleanup_errors=True) as folder:
        build = _Run(options, project, Path(folder), executor)
        build.prepare(raw)
        return asyncio.run(build.run())


class _Run:
    """One build in a folder of its own."""

    def __init__(self, options: RunOptions, project: Project, folder: Path, executor: str) -> None:
        self._options = options
        self._project = project
        self._folder = folder
        self._executor = executor
        self._build_id = fresh_id(now_ms())
        self._archive = FileArchive(folder / "builds")
        self._secrets = LocalSecrets(project)
        self._event = Event(
            id=fresh_id(now_ms()),
            type=options.event or "exec",
            source="cli",
            project=project.name,
            build_id=self._build_id,
            payload=options.payload or "",
            revision=Revision(),
        )

    def prepare(self, raw: bytes) -> None:
        """Export the notebook, copy the source; every error of the caller's shows before anything runs."""
        found = review(raw, name=str(self._options.notebook), redactor=self._secrets.redactor)
        exported = found.accepted()
        for warning in found.warnings:
            print(f"warning: {warning}", file=sys.stderr)  # noqa: T201 - the terminal is the place
        resolve(exported.parameters, self._event, dict(self._options.parameters))
        tier, self._why = choose(exported.worker_notebook, self._project.tier)
        self._tier = "shell" if tier == FORK else tier  # there is no zygote to fork from
        self._archive.put(self._build_id, WORKER_NOTEBOOK, to_bytes(exported))
        executing.check(self._executor, self._project, build_id=self._build_id)
        start = self._options.notebook.absolute().parent
        self._source = WorkCopy(start, self._folder / "work" / "src").refresh()

    async def run(self) -> int:
        """Host a worker, report how it ended."""
        order, listener = Order(), _Listener(self._archive, self._build_id)
        with _interruptible(order):
            for _ in range(sandbox.TRIES):
                ended = await self._hosted(order, listener)
                if not (isinstance(ended, Died) and sandbox.unmade(ended.words)):
                    break
        listener.show(last=True)
        return self._report(ended if isinstance(ended, Outcome) else self._bury(ended, order), order)

    async def _hosted(self, order: Order, listener: _Listener) -> Outcome | Died:
        """How one worker's life ended."""
        return await host(
            await spawn(
                self._sandbox(self._source),
                self._source if sandbox.why_not() else SRC,
                more=executing.surroundings(self._executor),
            ),
            self._assignment(self._source),
            {**self._secrets},
            listener=listener,
            order=order,
            seconds=self._project.timeout,
        )

    def _sandbox(self, source: Path) -> Sandbox | None:
        if (why := sandbox.why_not()) is not None:
            print(f"worker | /src is not there: {why}; the copy is {source}", file=sys.stderr)  # noqa: T201
            return None
        binds = [Bind(source, SRC, writable=True), Bind(self._folder, self._folder, writable=True)]
        binds += [Bind(file, file) for file in executing.files(self._executor)]
        return Sandbox(binds=binds)

    def _assignment(self, source: Path) -> Assignment:
        return Assignment(
            build_id=self._build_id,
            attempt=1,
            created_ms=id_time_ms(self._build_id),
            project=self._project.stored(),
            event=self._event,
            parameters=dict(self._options.parameters),
            source=str(source if sandbox.why_not() else SRC),
            builds=str(self._folder / "builds"),
            work=str(self._folder / "work"),
            cache=str(self._folder / "cache"),
            executor=self._executor,
            tier=self._tier,
            why=self._why,
        )

    def _bury(self, died: Died, order: Order) -> Outcome:
        outcome = order.outcome() or Outcome(
            state=State.LOST, reason="worker_died", message=self._secrets.redactor(str(died))
        )
        materialise(self._archive, self._build_id, outcome)
        return outcome

    def _report(self, outcome: Outcome, order: Order) -> int:
        because = f" ({outcome.reason})" if outcome.reason else ""
        print(f"{self._event.type}: {outcome.state}{because}", file=sys.stderr)  # noqa: T201 - the terminal is the place
        if outcome.reason == "no_handler":
            print(f"no handler of {self._options.notebook} answers {self._event.type}", file=sys.stderr)  # noqa: T201 - the same
        if outcome.message and outcome.state is not State.SUCCEEDED:
            print(outcome.message, file=sys.stderr)  # noqa: T201 - the same
        if self._options.record and (record := self._archive.get(self._build_id, RECORD)):
            self._keep(record, self._options.record)
            print(f"record: {self._options.record}", file=sys.stderr)  # noqa: T201 - the same
        if order.reason == "canceled":
            return INTERRUPTED
        return 0 if outcome.state is State.SUCCEEDED else 1

    def _keep(self, record: bytes, path: Path) -> None:
        try:
            keep(record, self._folder / "builds" / self._build_id / "spill", path)
        except OSError as error:
            raise BadInput(f"the record cannot be written: {error.strerror}", where=str(path)) from error


@contextlib.contextmanager
def _interruptible(order: Order) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, order.cancel, "canceled")
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


class _Listener:
    """Prints lines as they come."""

    def __init__(self, archive: FileArchive, build_id: str) -> None:
        self._follower = Follower(archive, build_id)
        self._follower.add(WORKER, "worker")
        self._text = Text(prefixed=True)

    async def first_cell(self) -> None:
        """Nothing outlives this process, so nothing is to be noted."""

    async def emit(self, event_type: str, _payload: str) -> Mapping[str, Any]:
        raise BrignbError(
            f"{event_type!r} was not raised: there is no server; in a build of `brignb serve` it would be"
        )

    async def job(self, job: JobRecord) -> None:
        self._follower.add(job.id, job.name)
        if job.state.terminal:
            self.show()
            how = f" (exit code {job.exit_code})" if job.exit_code else ""
            print(f"{job.name} | {job.state}{how}", file=sys.stderr)  # noqa: T201 - the terminal is the place

    def news(self, stream: str) -> None:
        del stream
        self.show()

    def show(self, *, last: bool = False) -> None:
        """What has come since the last time."""
        while told := self._follower.read():
            sys.stdout.writelines(map(self._text.show, told))
        if last:
            sys.stdout.write(self._text.end())
        sys.stdout.flush()
