"""`%brig`'s commands: what each takes, what it does, how it is used. Help, parsing and completion are read off this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from brignb.errors import BadInput
from brignb.magics import calls
from brignb.magics.words import Word, nearest, usage
from brignb.model.builds import State
from brignb.model.times import duration_ms

Call = Callable[[Mapping[str, Any], dict[str, Any]], Any]
"""(what was given, the notebook's variables) → nothing, something to display, or a `Later`."""


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


def _duration(text: str) -> float:
    try:
        return duration_ms(text) / 1000
    except ValueError as error:
        raise ValueError(f"{error}; such as 30s, 10m or 2h") from None


COMMANDS: Final[dict[str, Command]] = {
    each.name: each
    for each in (
        Command(
            name="fire",
            summary="run the handlers here for an event",
            example='%brig fire push --payload {"ref": "refs/heads/main"}',
            call=calls.call_fire,
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
            call=calls.call_form,
            twin="form",
            words=(Word(name="TYPE", kind="type", help="what it fires; else exec"), _PAYLOAD, _NOTEBOOK),
        ),
        Command(
            name="inbox",
            summary="the server's events: look into them, fire them here, run them again there",
            example="%brig inbox --type push",
            call=calls.call_inbox,
            twin="inbox",
            words=(_TYPE, _PROJECT, _LIMIT, _SERVER),
        ),
        Command(
            name="replay",
            summary="run the handlers here, as they are now, for the event of a build",
            example="%brig replay 01JGZ…",
            call=calls.call_replay,
            twin="replay",
            words=(_BUILD, _SERVER),
        ),
        Command(
            name="listen",
            summary="take the project's real events into this kernel, one at a time, until Interrupt",
            example="%brig listen --type push --for 10m",
            call=calls.call_listen,
            twin="listen",
            words=(
                Word(
                    name="--type",
                    short="-t",
                    value="TYPE",
                    kind="type",
                    many=True,
                    help="else what the handlers answer",
                ),
                Word(name="--for", value="TIME", take=_duration, help="30s, 10m, 2h; else until Interrupt"),
                Word(name="--project", short="-P", value="OWNER/REPO", kind="project", help="else project.yaml's"),
                _SERVER,
            ),
        ),
        Command(
            name="debug",
            summary="a build's notebook with its event and source, to be run and mended here",
            example="%brig debug 01JGZ…",
            call=calls.call_debug,
            twin="debug",
            words=(_BUILD, Word(name="--dir", value="FOLDER", help="where; else brignb-debug-BUILD, here"), _SERVER),
        ),
        Command(
            name="builds",
            summary="the server's builds, newest first",
            example="%brig builds --state failed",
            call=calls.call_builds,
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
            call=calls.call_build,
            twin="build",
            words=(_BUILD, _SERVER),
        ),
        Command(
            name="check",
            summary="what an export of this notebook, as it was saved, would say",
            example="%brig check",
            call=calls.call_check,
            twin="check",
            words=(_NOTEBOOK,),
        ),
        Command(
            name="export",
            summary="check this notebook, as it was saved, and write the worker notebook",
            example="%brig export -o worker.ipynb",
            call=calls.call_export,
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
            call=calls.call_help,
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
