"""`events`: which function answers which event.

    @events.on("push")                      # several types at once, and "*", are fine
    async def push(event, project): …

    await events.fire("push", {"ref": "refs/heads/main"})      # while authoring: run the handlers here
    await events.emit("deployed", {"tag": tag})                # in a build: raise the next event, durably

Registering runs nothing. A cell that is executed again replaces what it had registered, in its place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, overload

from brignb.errors import BadInput
from brignb.model.events import Event, Image
from brignb.script.emitting import Emission, emit
from brignb.script.firing import Firing, fire, replay
from brignb.script.handlers import LIFECYCLE, Handler, handler

F = TypeVar("F", bound=Callable[..., Any])


class Events:
    """See the module."""

    def __init__(self) -> None:
        self._handlers: list[Handler] = []

    @overload
    def on(self, first: str, /, *more: str) -> Callable[[F], F]: ...

    @overload
    def on(self, first: str, second: F, /) -> F: ...

    def on(self, *given: Any) -> Any:
        """Register a function: `@events.on("push", "tag")` above it, or `events.on("push", function)`.

        Raises:
            BadInput: No type, no function, or a parameter that nobody can fill; it says where.
        """
        if given and callable(given[-1]):
            return self._register(given[:-1], given[-1])
        if not given:
            raise BadInput("which type of event?", where="events.on", hint='@events.on("push")')
        return lambda function: self._register(given, function)

    def matching(self, event: Event) -> list[Handler]:
        """The handlers for an event, in the order in which they were registered, each once."""
        return [each for each in self._handlers if each.answers(event)]

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """All, in the order in which they were registered."""
        return tuple(self._handlers)

    def has(self, event_type: str) -> bool:
        """Whether some handler is registered for exactly this type (Brigade v1's `has`)."""
        return any(event_type in each.types for each in self._handlers)

    @property
    def types(self) -> tuple[str, ...]:
        """The types that handlers are registered for, each once; not those of events about a build."""
        named = [kind for each in self._handlers for kind in each.types if kind not in LIFECYCLE]
        return tuple(dict.fromkeys(named))

    def clear(self) -> None:
        """Forget all handlers."""
        self._handlers.clear()

    @contextlib.contextmanager
    def apart(self, handlers: list[Handler]) -> Iterator[None]:
        """Have these handlers for a while, and register into them; then again those that there were."""
        mine, self._handlers = self._handlers, handlers
        try:
            yield
        finally:
            self._handlers = mine

    def fire(
        self,
        event_type: str,
        payload: Any = None,
        *,
        commit: str | None = None,
        ref: str | None = None,
        image: Image | Mapping[str, str] | None = None,
    ) -> Firing:
        """Run the handlers here, as a build would, while authoring; await it, or `.wait()` for it.

        Args:
            event_type: Such as `push`.
            payload: Text, bytes, or anything that JSON can hold.
            commit: What `event.revision.commit` shall be.
            ref: What `event.revision.ref` shall be.
            image: What `event.image` shall be: `{"registry": …, "repository": …, "tag": …, "digest": …}`.

        Raises:
            BadInput: No type, a revision that is none, or an unknown part of an image.
            PayloadError: The payload cannot be one.
        """
        return fire(self.matching, event_type, payload, commit=commit, ref=ref, image=image)

    def replay(self, event: Event) -> Firing:
        """Run the handlers here for an event that there was, as it was: its id, type, source, payload and revision stay."""
        return replay(self.matching, event)

    def emit(self, event_type: str, payload: Any = None) -> Emission:
        """Raise the next event in the same project. It is durable once this was awaited, or the handler has ended.

        Args:
            event_type: Such as `deployed`.
            payload: Text, bytes, or anything that JSON can hold.

        Raises:
            BadInput: No type.
            PayloadError: The payload cannot be one.
        """
        return emit(event_type, payload)

    def _register(self, types: tuple[Any, ...], function: F) -> F:
        if not types:
            raise BadInput("which type of event?", where="events.on", hint='@events.on("push")')
        new = handler(types, function)
        for index, old in enumerate(self._handlers):
            if new.replaces(old):
                self._handlers[index] = new
                return function
        self._handlers.append(new)
        return function

    def __len__(self) -> int:
        return len(self._handlers)

    def __repr__(self) -> str:
        rows = [f"{', '.join(each.types)} → {each.name}({', '.join(each.wants)})" for each in self._handlers]
        return "\n".join(["events:", *(f"  {row}" for row in rows)]) if rows else "events: no handlers yet"

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        """The pipeline: handlers, their sources, what they last did."""
        from brignb.script.pipelineview import render_html, render_text  # noqa: PLC0415 - nobody pays who shows nothing

        return {"text/plain": render_text(self.handlers), "text/html": render_html(self.handlers)}


events = Events()
"""The handlers of this process."""
