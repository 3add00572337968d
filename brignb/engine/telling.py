"""Telling of user code's exceptions: their text, whose frames they show, in one sentence, as a build's reason."""

from __future__ import annotations

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final

from brignb.engine.seam import Failure
from brignb.errors import BrignbError, JobError

MESSAGE_MAX: Final = 500
"""Characters of an outcome's message."""
_IPYTHON = find_spec("IPython")
_FROM = [
    Path(__file__).parents[1],
    Path(asyncio.__file__).parent,
    *map(Path, (_IPYTHON and _IPYTHON.submodule_search_locations) or ()),
]
_OURS = tuple(f"{folder}{os.sep}" for folder in _FROM)
"""Where the frames between the engine and user code are from: ours, asyncio's, IPython's."""


def place_of(cell: int, call: str = "") -> str:
    """`cell 3`, or `cell 3, push(event)`: where it failed, in the record; a handler is known by its name.

    Args:
        cell: Index in the record, from 0.
        call: The source of a cell that is a call.
    """
    return ", ".join(filter(None, (f"cell {cell + 1}", call.partition("#")[0].strip())))


def message_of(failure: Failure) -> str:
    """The build's message, not redacted: where it failed, and by what."""
    return f"{place_of(failure.cell, failure.call)}: {type(failure.error).__name__}: {in_short(failure.error)}"


def error_text(error: BaseException) -> str:
    """What an exception says, if it can say it."""
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - user code's __str__ may do anything
        return f"<no text: its __str__ raised {type(broken).__name__}>"


def has_group(error: BaseException | None) -> bool:
    """Whether an exception group is among it and what it came from."""
    while error is not None:
        if isinstance(error, BaseExceptionGroup):
            return True
        error = error.__context__
    return False


def users_frames(tb: TracebackType | None) -> TracebackType | None:
    """A traceback from its first frame that is not ours; as it is when all are."""
    found = tb
    while found is not None and found.tb_frame.f_code.co_filename.startswith(_OURS):
        found = found.tb_next
    return found or tb


def reason_of(error: BaseException, otherwise: str) -> str:
    """The build's reason."""
    return error.code if isinstance(error, JobError) else otherwise


def in_short(error: BaseException) -> str:
    """The first line; of an error of ours the hint too, since it says what to do. A job's log is shown where the job is."""
    first, *_ = error_text(error).splitlines() or [""]
    hint = error.hint if isinstance(error, BrignbError) and not isinstance(error, JobError) else ""
    return f"{first}\n  {hint}" if hint else first
