"""Handlers: the author's functions that answer events, checked when they are registered.

A handler is plain or async. It takes `event`, `project`, both or neither, by these names; other parameters need defaults.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from brignb.errors import BadInput
from brignb.model.events import Event

if TYPE_CHECKING:
    from brignb.script.ran import Ran

GIVEN: Final = ("event", "project")
"""What a handler may ask for, by these names."""
LIFECYCLE: Final = frozenset({"after", "error"})
"""Events about a build, which `*` does not answer: it has answered the build's own."""
_TAKEN: Final = frozenset({inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY})
_STARRED: Final = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})


@dataclass(slots=True)
class Memory:
    """What a handler last did; None before it was called."""

    last: Ran | None = None


@dataclass(frozen=True, slots=True)
class Handler:
    """A registered function.

    Args:
        types: The event types that it answers; `*` is all of them.
        function: The author's.
        wants: Which of `event` and `project` it takes, in its order.
        where: File and line.
        memory: Of its runs; the same function defined anew begins with an empty one.
    """

    types: tuple[str, ...]
    function: Callable[..., Any]
    wants: tuple[str, ...]
    where: str
    memory: Memory = field(default_factory=Memory, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The function's."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def answers(self, event: Event) -> bool:
        """Whether it is called for an event."""
        about_a_build = event.type in LIFECYCLE and event.cause is not None
        return any(event.matches(each) for each in self.types if not (about_a_build and each == "*"))

    def replaces(self, other: Handler) -> bool:
        """Whether it is the same function of the same place, defined anew: a cell that was executed again.

        Functions within functions, and lambdas, are never the same: one factory may make many of them.
        """
        return self._place is not None and self._place == other._place and self.types == other.types

    @property
    def _place(self) -> tuple[str, str] | None:
        name = str(getattr(self.function, "__qualname__", "<"))
        return None if "<" in name else (str(getattr(self.function, "__module__", "")), name)

    def __call__(self, event: Event, project: object) -> Any:
        """Call the function with what it wants."""
        given = {"event": event, "project": project}
        return self.function(**{name: given[name] for name in self.wants})


def handler(types: tuple[str, ...], function: object) -> Handler:
    """Check a function and its types.

    Raises:
        BadInput: No function, no type, or parameters that nobody can fill.
    """
    if not callable(function):
        raise BadInput(
            f"{type(function).__name__} is no function",
            where="events.on",
            hint='write it above one: @events.on("push")',
        )
    where = place(function)
    for each in types:
        if not isinstance(each, str) or not each or each != each.strip():
            raise BadInput(f"{each!r:.80} is no event type", where=where, hint='such as "push" or "*"')
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise BadInput("a handler cannot yield", where=where)
    return Handler(tuple(dict.fromkeys(types)), function, _wants(function, where), where)


def place(function: object) -> str:
    """`name (file:line)`, as far as it is known."""
    name = getattr(function, "__qualname__", type(function).__name__)
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else str(name)


def _wants(function: Callable[..., Any], where: str) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise BadInput(f"its parameters cannot be known: {error}", where=where) from error
    for each in parameters:
        fillable = each.kind in _TAKEN and (each.name in GIVEN or each.default is not each.empty)
        if not fillable and each.kind not in _STARRED:
            raise BadInput(
                f"parameter {each.name!r} cannot be filled",
                where=where,
                hint="a handler takes `event` and `project`, by these names; either may be left out",
            )
    return tuple(each.name for each in parameters if each.kind in _TAKEN and each.name in GIVEN)
