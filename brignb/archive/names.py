"""Names of what the archive keeps, checked: they come from URLs, and from workers."""

from __future__ import annotations

import re
from typing import Final

from brignb.archive.seam import JOURNAL, RECORD, WORKER, WORKER_NOTEBOOK
from brignb.errors import BadInput
from brignb.model.names import is_id, is_job_id

SPILL: Final = "spill"
"""The folder, or what is one to the record, of side files."""
_STREAMS: Final = frozenset({WORKER, JOURNAL})
_DOCUMENTS: Final = frozenset({WORKER_NOTEBOOK, RECORD})
_SPILL_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


def build(build_id: str) -> str:
    """The same.

    Raises:
        BadInput: It is no build's id.
    """
    if not is_id(build_id):
        raise BadInput(f"{build_id!r:.120} is not a build's id", where="archive")
    return build_id


def stream(name: str) -> str:
    """The same.

    Raises:
        BadInput: It is no stream's name.
    """
    if name not in _STREAMS and not is_job_id(name):
        raise BadInput(f"{name!r:.120} is not a stream of a build", where="archive")
    return name


def document(name: str) -> str:
    """The same.

    Raises:
        BadInput: There is no such document.
    """
    if name not in _DOCUMENTS:
        raise BadInput(f"{name!r:.120} is not a document of a build", where="archive")
    return name


def is_side_file(name: str) -> bool:
    """Whether it is a plain name of at most 100 characters."""
    return _SPILL_NAME.match(name) is not None


def side_file(name: str) -> str:
    """The same.

    Raises:
        BadInput: It is none for a side file.
    """
    if not is_side_file(name):
        raise BadInput(f"{name!r:.120} is not a name of a side file", where="archive")
    return name


def artifacts(job_id: str) -> str:
    """The side file of what a job left for others, a tar archive."""
    return f"artifacts-{job_id}.tar"


def known(there: bytes, data: bytes, name: str) -> int:
    """How many bytes of `data` are there already, as they should be.

    Args:
        there: What the stream has where `data` is to be, up to the stream's end.
        data: To be appended.
        name: The stream's.

    Raises:
        BadInput: Something else is there.
    """
    if not data.startswith(there):
        raise BadInput(f"{name} has other bytes there already", where="archive", hint="it has another writer")
    return len(there)


def no_gap(offset: int, size: int, name: str) -> None:
    """Whether something can be appended there.

    Raises:
        BadInput: It cannot.
    """
    if not 0 <= offset <= size:
        raise BadInput(f"{name} has {size} bytes, so nothing can be appended at {offset}", where="archive")
