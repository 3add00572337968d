"""The Gateway seam: a request goes in, a verdict comes out; nothing is stored and nothing is sent here.

    Inbound ──▶ gateway.project(inbound) ──▶ (the caller looks the project up) ──▶ gateway.judge(inbound, project) ──▶ Verdict

A gateway proves the sender as that sender can be proved, before it believes a byte of the body. A project that does not exist gets
the same answer as a bad signature, and costs the same time. What must never happen: a 5xx or an exception for any body or header
that a stranger sends; a comparison of secrets that is not constant-time; an unknown *action* refused (it is stored as it is, or
ignored).

Every implementation passes `tests/contract/test_gateway.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from brignb.errors import BrignbError
from brignb.model.events import Draft
from brignb.model.payload import Document, document
from brignb.model.projects import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """An HTTP request, read whole within its gateway's limit.

    Args:
        path: Path parameters, percent-decoded: `owner`, `repo`, `commit`, `project`, `secret`.
        headers: Names in lower case.
        query: The last value of each name.
        body: As received; a Content-Encoding has been refused before.
        at: Milliseconds since 1970.
    """

    path: Mapping[str, str]
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    at: int
    # not a cached_property: in Python 3.11 its lock is shared by all instances, so one large body would hold up the others
    _documents: list[Document] = field(default_factory=list, init=False, repr=False, compare=False)

    def document(self) -> Document:
        """The body as JSON, parsed once, however often it is asked for.

        Raises:
            PayloadError: It is not the JSON that the contract takes.
        """
        if not self._documents:
            self._documents.append(document(self.body))
        return self._documents[0]


@dataclass(frozen=True, slots=True)
class Take:
    """Accepted: one draft, or one for each element of an envelope.

    Args:
        envelope: Whether the answer lists `events` rather than one event.
    """

    drafts: tuple[Draft, ...]
    envelope: bool = False


@dataclass(frozen=True, slots=True)
class Ignore:
    """Understood, and nothing is to be done: 200 with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not taken.

    Args:
        status: 400, 401, 404, 413 or 415.
    """

    status: int
    error: BrignbError


Verdict = Take | Ignore | Refuse


@dataclass(frozen=True, slots=True)
class Route:
    """Where a gateway listens.

    Args:
        path: In Starlette's notation.
        limit: Bytes of a body.
        media_types: Content types it reads; empty: any. Others are 415 with `media_hint`.
    """

    path: str
    limit: int
    media_types: tuple[str, ...] = ()
    media_hint: str = field(default="")


class Gateway(Protocol):
    """See the module."""

    @property
    def name(self) -> str:
        """What deliveries are told apart by."""

    @property
    def routes(self) -> tuple[Route, ...]:
        """Where it listens."""

    def project(self, inbound: Inbound) -> str | Refuse:
        """The name (or v1 id) of the project that this request is for, before anything is believed."""

    def judge(self, inbound: Inbound, project: Project | None) -> Verdict:
        """The verdict; `project` is None when there is none of that name."""


@runtime_checkable
class Greets(Protocol):
    """A gateway whose senders ask by OPTIONS whether they may send, before they do."""

    def project(self, inbound: Inbound) -> str | Refuse:
        """As a gateway does."""

    def greet(self, inbound: Inbound, project: Project | None) -> Mapping[str, str]:
        """The headers that grant it; none: it is not granted."""
