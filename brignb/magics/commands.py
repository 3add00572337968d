"""`%brig`'s commands: what each takes, what it does, how it is used. Help, parsing and completion are read off this table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from brignb.errors import BadInput
from brignb.magics.words import Word, nearest, usage
from brignb.model.builds import State

Call = Callable[[Mapping[str, Any], dict[str, Any]], Any]
"""(what was given, the notebook's variables) → nothing, something to display, or a `Later`."""


class Waits(Awaitable[Any], Protocol):
    """What can be awaited, and waited for."""

    def wait(self) -> Any:
        """Do it from plain code."""


@dataclass(frozen=True, slots=True)
class Later:
    """What a command answers that has handlers to run: where it can be it is awaited, else waited for.

    Args:
        waits: The work.
        told: What is printed of its answer.
    """

    waits: Waits
    told: Callable[[Any], str]

    def wait(self) -> None:
        """Do it, from plain code."""
        __tracebackhide__ = True  # IPython leaves this frame out of an author's traceback
        print(self.told(self.waits.wait()))  # noqa: T201 - the cell's output is the place

    async def done(self) -> None:
        """Do it on this event loop."""
        __tracebackhide__ = True  # the same
        print(self.told(await self.waits))  # noqa: T201 - the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One of them; `twin` is the function of `brignb.magics` that does the same."""

    name: str
    summary: str
    example: str
    call: Call
    words: tuple[Word, ...] = field(default=())
    twin: str = ""

    @property
    def usage(self) -> str:
        """One line."""
        return usage(f"%brig {self.name}", self.words)


_SERVER: Final = Word(name="--server", value="URL", help="the server's address; else $BRIGNB_SERVER, else the one here")
_NOTEBOOK: Final = Word(name="--notebook", value="FILE", kind="notebook", help="when nobody tells which one this is")
_TYPE: Final = Word(name="--type", short="-t", value="TYPE", kind="type", help="only events of this type")
_PROJECT: Final = Word(name="--project", short="-P", value="OWNER/REPO", kind="project", help="only this project's")
_LIMIT: Final = Word(name="--limit", value="N", take=int, help="how many")
_BUILD: Final = Word(name="BUILD", kind="build", needed=True, help="a build's id")
_PAYLOAD: Final = Word(
    name="--payload",
    value="FILE",
    kind="payload",
    help="a file, JSON as it stands, a variable of the notebook, or - to be asked",
)


def _state(text: str) -> str:
    try:
        return str(State(text))
    except ValueError:
        hint = nearest(text, list(State)) or f"one of {', '.join(State)}"
        raise ValueError(f"{text!r:.40} is no state; {hint}") from None


def _fire(given: Mapping[str, Any], variables: dict[str, Any]) -> Later:
    from brignb.magics.firing import fire, told, written_payload  # noqa: PLC0415 - each command pays for itself

    if given["type"] is None and given["event"] is None:
        raise BadInput("which event?", where="%brig fire", hint="a type, such as push, or --event ID")
    payload = None if given["payload"] is None else written_payload(given["payload"], variables)
    about = {name: given[name] for name in ("event", "commit", "ref", "server")}
    firing = fire(given["type"], payload, **about)
    return Later(firing, lambda ran: told(firing, ran))


def _replay(given: Mapping[str, Any], _variables: dict[str, Any]) -> Later:
    from brignb.magics.firing import replay, told  # noqa: PLC0415 - the same

    firing = replay(given["build"], server=given["server"])
    return Later(firing, lambda ran: told(firing, ran))


def _builds(given: Mapping[str, Any], _variables: dict[str, Any]) -> Any:
    from brignb.magics.buildlist import builds  # noqa: PLC0415 - the same

    return builds(state=given["state"], project=given["project"], limit=given["limit"] or 20, server=given["server"])


def _build(given: Mapping[str, Any], _variables: dict[str, Any]) -> Any:
    from brignb.magics.buildview import build  # noqa: PLC0415 - the same

    return build(given["build"], server=given["server"])


def _export(given: Mapping[str, Any], _variables: dict[str, Any]) -> Any:
    from brignb.magics.exporting import export  # noqa: PLC0415 - the same

    return export(given["output"], notebook=given["notebook"])


def _check(given: Mapping[str, Any], _variables: dict[str, Any]) -> Any:
    from brignb.magics.exporting import check  # noqa: PLC0415 - the same

    return check(given["notebook"])


def _form(given: Mapping[str, Any], variables: dict[str, Any]) -> Any:
    from brignb.magics.firing import written_payload  # noqa: PLC0415 - the same
    from brignb.magics.forms import form  # noqa: PLC0415 - the same

    payload = None if given["payload"] is None else written_payload(given["payload"], variables)
    return form(given["type"], payload, notebook=given["notebook"])


def _inbox(given: Mapping[str, Any], _variables: dict[str, Any]) -> Any:
    from brignb.magics.inboxes import inbox  # noqa: PLC0415 - the same

    about = {name: given[name] for name in ("project", "server")}
    return inbox(given["type"], limit=given["limit"] or 50, **about)


def _help(given: Mapping[str, Any], _variables: dict[str, Any]) -> Any:
    from brignb.magics.helping import help_for  # noqa: PLC0415 - the same

    return help_for(given["name"])


COMMANDS: Final[dict[str, Command]] = {
    each.name: each
    for each in (
        Command(
            name="fire",
            summary="run the handlers here for an event",
            example='%brig fire push --payload {"ref": "refs/heads/main"}',
            call=_fire,
            twin="fire",
            words=(
                Word(name="TYPE", kind="type", help="the event's type"),
                _PAYLOAD,
                Word(name="--event", value="ID", kind="event", help="one that the server has, as it came"),
                Word(name="--ref", value="REF", help="what event.revision.ref shall be"),
                Word(name="--commit", value="COMMIT", help="what event.revision.commit shall be"),
                _SERVER,
            ),
        ),
        Command(
            name="form",
            summary="a form of the declared parameters, with a button that fires",
            example="%brig form push",
            call=_form,
            twin="form",
            words=(Word(name="TYPE", kind="type", help="what it fires; else exec"), _PAYLOAD, _NOTEBOOK),
        ),
        Command(
            name="inbox",
            summary="the server's events: look into them, fire them here, run them again there",
            example="%brig inbox --type push",
            call=_inbox,
            twin="inbox",
            words=(_TYPE, _PROJECT, _LIMIT, _SERVER),
        ),
        Command(
            name="replay",
            summary="run the handlers here, as they are now, for the event of a build",
            example="%brig replay 01JGZ…",
            call=_replay,
            twin="replay",
            words=(_BUILD, _SERVER),
        ),
        Command(
            name="builds",
            summary="the server's builds, newest first",
            example="%brig builds --state failed",
            call=_builds,
            twin="builds",
            words=(
                Word(name="--state", value="STATE", kind="state", take=_state, help=", ".join(State)),
                _PROJECT,
                _LIMIT,
                _SERVER,
            ),
        ),
        Command(
            name="build",
            summary="one build: its event, cells, jobs and time line",
            example="%brig build 01JGZ…",
            call=_build,
            twin="build",
            words=(_BUILD, _SERVER),
        ),
        Command(
            name="check",
            summary="what an export of this notebook, as it was saved, would say",
            example="%brig check",
            call=_check,
            twin="check",
            words=(_NOTEBOOK,),
        ),
        Command(
            name="export",
            summary="check this notebook, as it was saved, and write the worker notebook",
            example="%brig export -o worker.ipynb",
            call=_export,
            twin="export",
            words=(
                Word(
                    name="--output", short="-o", value="FILE", kind="notebook", help="else NAME-worker.ipynb beside it"
                ),
                _NOTEBOOK,
            ),
        ),
        Command(
            name="help",
            summary="this, or more of one",
            example="%brig help fire",
            call=_help,
            words=(Word(name="NAME", kind="command", help="fire, %%job, …"),),
        ),
    )
}


def command(name: str) -> Command:
    """A command.

    Raises:
        BadInput: There is none of that name; the nearest is named.
    """
    if name in COMMANDS:
        return COMMANDS[name]
    hint = nearest(name, COMMANDS) or f"there are {', '.join(COMMANDS)}"
    raise BadInput(f"knows no {name!r:.60}", where="%brig", hint=hint)
