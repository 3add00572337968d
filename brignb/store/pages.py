"""Pages of lists that grow at their head: the cursor is the last item's `seq`, so nothing new shifts what follows."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, Select

from brignb.errors import BadInput
from brignb.store.tables import builds

LONGEST: Final = 1000
"""Items in a page, whatever is asked for."""

_SEQ: Final = struct.Struct(">q")


def paged(statement: Select[*tuple[Any, ...]], *, limit: int, cursor: str | None) -> Select[*tuple[Any, ...]]:
    """The statement's part after the cursor, newest first, with one row more than asked: it tells whether there is a next page.

    Raises:
        BadInput: The cursor is none of ours, or the limit is below 1.
    """
    if cursor is not None:
        statement = statement.where(builds.c.seq < _seq(cursor))
    return statement.order_by(builds.c.seq.desc()).limit(clamped(limit) + 1)


def clamped(limit: int) -> int:
    """A page's size.

    Raises:
        BadInput: It is below 1.
    """
    if limit < 1:
        raise BadInput(f"a page has at least one item, not {limit}", where="limit")
    return min(limit, LONGEST)


def cut(rows: Sequence[Row[*tuple[Any, ...]]], limit: int) -> tuple[Sequence[Row[*tuple[Any, ...]]], str | None]:
    """A page's rows and the cursor of the next; the inverse of the one row more."""
    page = rows[: clamped(limit)]
    return page, _cursor(page[-1].seq) if len(rows) > len(page) else None


def _cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(_SEQ.pack(seq)).decode().rstrip("=")


def _seq(cursor: str) -> int:
    try:
        (seq,) = _SEQ.unpack(base64.b64decode(cursor + "=", altchars=b"-_", validate=True))
    except (ValueError, struct.error):
        raise BadInput(
            f"{cursor!r:.80} is no cursor", where="cursor", hint="take it from the `next` of the page before"
        ) from None
    return int(seq)
