"""`fire`: a notebook's handlers answer an event, here and now, and what they did is told.

    done = fire("brignb.ipynb", payloads.github("push"), secrets={"TOKEN": "t"})
    done.job_names, done.job("build").env, done.emitted, done.failure

What is fired at: a notebook (its exported cells run first, as in a build), a module whose import registers handlers, or `events`. It
happens as in a build: handlers in their order, each in a scope of its own, then those for `after` or `error`. Nothing leaves this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from brignb.archive.files import FileArchive
from brignb.errors import NotFound
from brignb.model.events import Event
from brignb.model.redaction import Redactor
from brignb.model.secrets import Secrets
from brignb.script import causes, portal
from brignb.script.calling import run_handler
from brignb.script.handlers import Handler
from brignb.script.project import project
from brignb.script.registry import Events, events
from brignb.script.scope import Scope
from brignb.script.session import Session, acting
from brignb.testing.book import Book
from brignb.testing.executor import FakeExecutor, Ran
from brignb.testing.payloads import event as made_up

Target = str | PathLike[str] | ModuleType | Events


@dataclass
class Fired:
    """What happened.

    Args:
        event: Which was answered.
        handlers: Names of the handlers that ran, in their order; `after` and `error` ones too.
        jobs: Runs of jobs, in the order in which they began.
        emitted: Events that were raised, (type, payload), in their order.
        failure: What failed, as a build would tell it; None: all went well.
    """

    event: Event
    handlers: list[str] = field(default_factory=list)
    jobs: list[Ran] = field(default_factory=list)
    emitted: list[tuple[str, str]] = field(default_factory=list)
    failure: BaseException | None = None

    @property
    def succeeded(self) -> bool:
        """Whether a build would have."""
        return self.failure is None

    @property
    def job_names(self) -> list[str]:
        """Of the runs, in their order."""
        return [job.name for job in self.jobs]

    def job(self, name: str) -> Ran:
        """The last run of a job.

        Raises:
            NotFound: There was none; it names those that there were.
        """
        for job in reversed(self.jobs):
            if job.name == name:
                return job
        raise NotFound(
            f"no job {name!r} ran", where=repr(self), hint=f"there were {', '.join(self.job_names) or 'none'}"
        )

    def check(self) -> Fired:
        """Itself, if all went well.

        Raises:
            Exception: The failure.
        """
        if self.failure is not None:
            raise self.failure
        return self

    def __repr__(self) -> str:
        ran = (
            f"{self.event.type}: {', '.join(self.handlers) or 'no handler'}; jobs {', '.join(self.job_names) or 'none'}"
        )
        return f"<{ran}; {type(self.failure).__name__}: {self.failure}>" if self.failure else f"<{ran}>"


def fire(
    target: Target,
    event: Event | str,
    *,
    executor: FakeExecutor | None = None,
    secrets: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Fired:
    """See the module. A failure of a handler is told in `Fired.failure`, not raised; one of a notebook's cells likewise.

    Args:
        target: A notebook's path, a module, or `events`.
        event: One of `payloads`, or a type alone.
        executor: What jobs would do.
        secrets: The project's.
        parameters: A notebook's, as `-p` takes them.

    Raises:
        NotFound: There is no such notebook.
        NotebookError: It is none.
    """
    told = event if isinstance(event, Event) else made_up(event)
    fake = executor or FakeExecutor()
    done = Fired(told)
    before = len(fake.jobs)
    with acting_on(told, fake, secrets or {}, done.emitted):
        if isinstance(target, str | PathLike):
            book = Book(Path(target))
            with book.open():
                run(_built(book, done, parameters or {}))
        else:
            run(_answered(_handlers(target), done))
    done.jobs = fake.jobs[before:]
    return done


@contextlib.contextmanager
def acting_on(
    event: Event, executor: FakeExecutor, secrets: Mapping[str, str], emitted: list[tuple[str, str]]
) -> Iterator[Session]:
    """A session of a build that is none: jobs go to `executor`, logs into a folder that is gone afterwards."""

    async def emit(kind: str, payload: str) -> None:
        emitted.append((kind, payload))

    with tempfile.TemporaryDirectory(prefix="brignb-test-", ignore_cleanup_errors=True) as folder:
        session = Session(
            build_id=event.build_id,
            build_ms=time.time_ns() // 1_000_000,
            project_name=event.project,
            secrets=Secrets(secrets, project=event.project),
            executor=executor,
            archive=FileArchive(Path(folder)),
            redactor=Redactor(secrets.values()),
            source=lambda: None,
            emit=emit,
        )
        with acting(session):
            yield session


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end, whether or not an event loop runs here already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    context = contextvars.copy_context()
    failures: list[BaseException] = []

    def aside() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised to the caller below
            failures.append(error)

    thread = threading.Thread(target=context.run, args=(aside,), name="brignb-fire")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


async def _built(book: Book, done: Fired, parameters: Mapping[str, str]) -> None:
    """A notebook's cells, then its handlers."""
    async with _leaving_nothing():
        try:
            async with Scope():
                await book.run(done.event, project, parameters)
        except Exception as failure:  # noqa: BLE001 - told, as a build does
            await _failed(book.handlers, done, failure)
        else:
            await _answered(book.handlers, done)


async def _answered(handlers: Sequence[Handler], done: Fired) -> None:
    event = done.event
    matching = [each for each in handlers if each.answers(event)]
    try:
        for handler in matching:
            await _call(handler, event, done)
    except Exception as failure:  # noqa: BLE001 - told, as a build does
        await _failed(handlers, done, failure)
    else:
        about = causes.after(event)
        for handler in handlers if matching else ():
            if handler.answers(about):
                await _call(handler, about, done)


async def _failed(handlers: Sequence[Handler], done: Fired, failure: Exception) -> None:
    done.failure = failure
    about = causes.error(done.event, failure)
    for handler in handlers:
        if handler.answers(about):
            await _call(handler, about, done)


async def _call(handler: Handler, event: Event, done: Fired) -> None:
    done.handlers.append(handler.name)
    await run_handler(handler, event, project)


@contextlib.asynccontextmanager
async def _leaving_nothing() -> Any:
    """What a failed cell left running ends with it."""
    scope = Scope()
    with scope.entered():
        try:
            yield
        finally:
            if portal.running():
                await asyncio.wrap_future(portal.submit(scope.abandon()))


def _handlers(target: ModuleType | Events) -> list[Handler]:
    every = (target if isinstance(target, Events) else events)._handlers  # noqa: SLF001 - of the same product
    if isinstance(target, Events):
        return list(every)
    return [each for each in every if getattr(each.function, "__module__", None) == target.__name__]
