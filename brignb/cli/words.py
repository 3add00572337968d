"""Options that several commands share, and what their words mean."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from brignb.errors import BadInput, NotFound
from brignb.model import times
from brignb.model.options import LOCKS, PARTS
from brignb.model.projectvalues import EXECUTORS


class Format(StrEnum):
    """How data are printed."""

    TEXT = "text"
    JSON = "json"


Output = Annotated[Format, typer.Option("-o", "--format", help="For people, or one JSON document.")]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="The server's address; else $BRIGNB_SERVER, else the one that runs here.",
        show_default=False,
    ),
]
Payload = Annotated[
    str | None, typer.Option("--payload", metavar="FILE", help="The event's payload, from a file; - is standard input.")
]


def duration_ms(text: str) -> int:
    """Milliseconds of `30d`, `12h`, `90m`, `45s`, `2w`.

    Raises:
        BadInput: It is none of these.
    """
    try:
        return times.duration_ms(text)
    except ValueError as error:
        raise BadInput(str(error), where="--keep", hint="such as 30d, 12h or 90m") from None


def locks(text: str) -> frozenset[str]:
    """The locks of a comma list.

    Raises:
        BadInput: One is unknown.
    """
    asked = {word.strip() for word in text.split(",") if word.strip()}
    if unknown := sorted(asked - set(LOCKS)):
        raise BadInput(f"{', '.join(unknown)} cannot be allowed", where="--allow", hint=f"of {', '.join(LOCKS)}")
    return frozenset(asked)


def parts(text: str) -> frozenset[str]:
    """The parts of a comma list.

    Raises:
        BadInput: One is unknown, or there is none.
    """
    asked = {word.strip() for word in text.split(",") if word.strip()}
    if not asked or (unknown := sorted(asked - set(PARTS))):
        what = f"{', '.join(unknown)}: no such part" if asked else "no part at all"
        raise BadInput(what, where="--parts", hint=f"of {', '.join(PARTS)}, by commas")
    return frozenset(asked)


def executor(name: str, *, there: Sequence[str] = ("process", "kubernetes")) -> str:
    """An executor that is there.

    Args:
        name: As it was given.
        there: Those that the command has.

    Raises:
        BadInput: It is not, or not yet.
    """
    if name in there:
        return name
    hint = f"use {' or '.join(there)}"
    if name in EXECUTORS:
        raise BadInput(f"the {name} executor comes later", where="--executor", hint=hint)
    raise BadInput(f"{name!r:.40} is no executor", where="--executor", hint=hint)


def payload(given: str | None) -> str | None:
    """The text of `--payload FILE`; None when it was not given.

    Raises:
        NotFound: There is no such file.
        BadInput: It is not UTF-8.
    """
    if given is None:
        return None
    return _text(sys.stdin.buffer.read() if given == "-" else read(Path(given)), where=f"--payload {given}")


def read(path: Path) -> bytes:
    """A file's content.

    Raises:
        NotFound: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"cannot be read: {error.strerror}", where=str(path)) from error


def write(path: Path, content: bytes) -> None:
    """Put a file's content.

    Raises:
        BadInput: It cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}", where=str(path)) from error


def _text(content: bytes, *, where: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise BadInput("it is not UTF-8 text", where=where) from None
