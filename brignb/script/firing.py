"""`events.fire`: an event made up while authoring, answered here and now by the handlers, as a build would answer it.

    await events.fire("push", {"ref": "refs/heads/main"})      # in a notebook
    events.fire("push").wait()                                 # in a script

Handlers run where it is awaited, so that a debugger finds them. `after` and `error` handlers run too.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import fields, replace
from typing import Any, TypeVar

from brignb.errors import BadInput
from brignb.model.events import Event, Image, Revision, event_type
from brignb.model.names import new_id
from brignb.script import causes, portal
from brignb.script.answered import Answered
from brignb.script.calling import run_handler
from brignb.script.handlers import Handler
from brignb.script.payloads import payload_text
from brignb.script.project import project
from brignb.script.scope import Scope
from brignb.script.session import current

T = TypeVar("T")
Matching = Callable[[Event], Sequence[Handler]]


class Firing:
    """Handlers about to run: await it, or `wait()`. Like a coroutine, it does nothing before, and runs once.

    Args:
        event: What they answer.
        matching: The handlers for an event.
    """

    def __init__(self, event: Event, matching: Matching) -> None:
        self.event = event
        self._run = _fired(matching, event)

    def __await__(self) -> Generator[Any, None, Answered]:
        """Run them on this event loop; answers those that ran."""
        return self._run.__await__()

    def wait(self) -> Answered:
        """Run them from plain code, and answer those that ran; under a running event loop, in a thread with a loop of its own."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._run)
        return _aside(self._run)

    def __repr__(self) -> str:
        return f"<{self.event.type}, to be awaited>"


def fire(
    matching: Matching,
    kind: str,
    payload: Any,
    *,
    commit: str | None,
    ref: str | None,
    image: Image | Mapping[str, str] | None,
) -> Firing:
    """Make an event and what runs its handlers; `Events.fire` is this.

    Raises:
        BadInput: No type, a revision that is none, or an unknown part of an image.
        PayloadError: The payload cannot be one.
    """
    where = "events.fire"
    session = current()
    event = Event(
        id=new_id(session.now_ms(), os.urandom(10)),
        type=event_type(kind, where=where),
        source="cli",
        project=session.project_name,
        build_id=session.build_id,
        payload=payload_text(payload, where=where),
        revision=Revision(Revision.parse(commit).commit, Revision.parse(ref).ref),
        image=_image(image, where),
    )
    return Firing(event, matching)


def replay(matching: Matching, event: Event) -> Firing:
    """What runs the handlers for an event that there was; `Events.replay` is this. All of it stays but the build it is of, which is this kernel's."""
    return Firing(replace(event, build_id=current().build_id), matching)


def _image(image: Image | Mapping[str, str] | None, where: str) -> Image | None:
    if image is None or isinstance(image, Image):
        return image
    if unknown := image.keys() - {each.name for each in fields(Image)}:
        raise BadInput(f"an image has no {min(unknown)!r}", where=where, hint="registry, repository, tag, digest")
    return Image(**image)


async def _fired(matching: Matching, event: Event) -> Answered:
    __tracebackhide__ = True  # IPython leaves this frame out of an author's traceback
    handlers = Answered(matching(event))
    try:
        await _called(handlers, event)
    except Exception as failure:
        about = causes.error(event, failure)
        await _called(matching(about), about)
        raise
    if handlers:
        about = causes.after(event)
        await _called(matching(about), about)
    return handlers


async def _called(handlers: Sequence[Handler], event: Event) -> None:
    __tracebackhide__ = True  # the same
    for handler in handlers:
        await run_handler(handler, event, project)


def _aside(run: Coroutine[Any, Any, T]) -> T:
    """Run it on another thread's loop, since this thread's is taken; an interrupt cancels the jobs that it started."""
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(asyncio.run(run))
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            answer.set_exception(error)

    scope = Scope()
    with scope.entered():
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(work,), name="brignb-fire")
        thread.start()
        try:
            return answer.result()
        except KeyboardInterrupt:
            portal.submit(scope.abandon()).result()
            raise
