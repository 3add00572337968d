"""A worker's side of the server's desk: a build is taken, and everything that becomes of it is told.

    Desk (a pod's token) ── next | take ──▶ Offer ──▶ Held (a token of that build) ── started, jobs, streams, … ──▶ finished

The token names the build and its attempt, so no path does. What is told twice has happened once. What must never happen: a word that is
told under the token of another build.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Self
from urllib.parse import quote

import httpx

from brignb.client.address import checked_url
from brignb.client.calls import JSON, Calls
from brignb.model.assignment import Assignment
from brignb.model.builds import JobRecord, Outcome

SILENCE: Final = 5.0
"""Seconds without an answer, after which a word is told again."""
PREPARING: Final = 60.0
"""Seconds without an answer to who asks for a build: the server may have to fetch its source first."""
PUTTING: Final = 60.0
"""Seconds for the answer to a whole document: it may be large, and has to be durable."""
_PIECE: Final = 1 << 20
_API: Final = "/api/worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A build to be run, as the desk hands it out.

    Args:
        assignment: Its folders are the worker's own to fill in; `source` is None where it has none.
        secrets: The project's, in clear text; none where the worker has them already.
        token: For everything that is said of this build.
        lease_seconds: For which it is the worker's from one renewal to the next.
        seconds: Until its time is up.
        preload: Modules that the project wants to be imported before a build comes.
    """

    assignment: Assignment
    secrets: Mapping[str, str] = field(repr=False)
    token: str = field(repr=False)
    lease_seconds: float
    seconds: float
    preload: tuple[str, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Of the desk's answer."""
        return cls(
            assignment=Assignment.from_json(data["assignment"]),
            secrets=data["secrets"],
            token=data["token"],
            lease_seconds=float(data["lease_seconds"]),
            seconds=float(data["seconds"]),
            preload=tuple(data["preload"]),
        )


class Desk(Calls):
    """See the module. Several threads may use it.

    Args:
        server: Its address.
        token: The pod's: of one build, or of a project's pool.
        ca: A file with the certificates that vouch for the server; None: those that this machine trusts.

    Raises:
        BadInput: The address is none, or the file holds no certificate.
    """

    def __init__(self, server: str, token: str, *, ca: Path | None = None) -> None:
        super().__init__(checked_url(server), token, seconds=SILENCE, ca=ca)

    def next(self, worker: str, seconds: float) -> Offer | None:
        """The project's oldest build that waits; the same one again, while it has not started. None came in time: None.

        Args:
            worker: Who asks.
            seconds: How long the desk waits for one.
        """
        return self._offered("next", worker, {"seconds": seconds})

    def take(self, worker: str) -> Offer:
        """The token's own build.

        Raises:
            Conflict: That attempt of it is over.
        """
        offer = self._offered("take", worker, {})
        assert offer is not None  # noqa: S101 - it is answered, or refused
        return offer

    def held(self, token: str) -> Held:
        """Who tells of a build that was offered, by the same connections."""
        return Held(self._server, self._http, token)

    def _offered(self, how: str, worker: str, query: Mapping[str, float]) -> Offer | None:
        timeout = httpx.Timeout(SILENCE, read=PREPARING)
        answer = self._answer("POST", f"{_API}/{how}", params=query, json={"worker": worker}, timeout=timeout)
        return Offer.from_json(answer.json()) if answer.content else None


class Held(Calls):
    """What is told of one attempt of one build; made by `Desk.held`.

    Raises (every method, besides what `Calls` raises):
        Conflict: The attempt is over; it is not this worker's any more.
    """

    def __init__(self, server: str, http: httpx.Client, token: str) -> None:
        self._server = server
        self._http = http
        self._headers = {"authorization": f"Bearer {token}"}

    def renew(self) -> bool:
        """The worker lives; whether somebody wants the build to end."""
        return bool(self._say("renew")["cancel"])

    def streams(self) -> Mapping[str, int]:
        """Where its streams go on that have bytes of earlier attempts, or the server's own."""
        sizes: JSON = self._answer("GET", f"{_API}/streams", headers=self._headers).json()
        return sizes

    def source(self, file: IO[bytes]) -> None:
        """Write the work tree of its commit, a tar archive, into a file."""
        self._write(f"{_API}/source", file, headers=self._headers)

    def started(self) -> None:
        """Its first cell runs once this has answered."""
        self._tell("started")

    def job(self, job: JobRecord) -> None:
        """A job's state."""
        facts = {name: value for name, value in job.to_wire().items() if name not in {"build_id", "attempt"}}
        self._tell("jobs", **facts)

    def append(self, stream: str, offset: int, data: bytes) -> None:
        """A stream has grown."""
        self._append(f"streams/{quote(stream, safe='')}", offset, data)

    def spill(self, name: str, offset: int, data: bytes) -> None:
        """A side file has grown."""
        self._append(f"spill/{quote(name, safe='')}", offset, data)

    def document(self, name: str, data: bytes) -> None:
        """A whole document, in place of one of that name."""
        self._put(f"documents/{quote(name, safe='')}", data)

    def artifacts(self, job_id: str, file: IO[bytes]) -> None:
        """What a job left for others: a tar archive, from its beginning."""
        file.seek(0)
        self._put(f"artifacts/{quote(job_id, safe='')}", _pieces(file))

    def emit(self, event_type: str, payload: str, *, key: str) -> JSON:
        """Raise the next event; answers `event` and `build`. With the same key twice, it is one event."""
        return self._say("events", headers={"idempotency-key": key}, type=event_type, payload=payload)

    def finished(self, outcome: Outcome) -> None:
        """How it ended; `lost`: its process died without a word, and what becomes of it is the server's decision."""
        self._tell("finished", state=str(outcome.state), reason=outcome.reason, message=outcome.message)

    def _say(self, word: str, *, headers: Mapping[str, str] | None = None, **facts: Any) -> JSON:
        """In ASCII: whatever user code has put into a text is the server's to judge, and no error of ours."""
        every = {**self._headers, **(headers or {}), "content-type": "application/json"}
        return self._json("POST", f"{_API}/{word}", content=json.dumps(facts), headers=every)

    def _tell(self, word: str, **facts: Any) -> None:
        every = {**self._headers, "content-type": "application/json"}
        self._answer("POST", f"{_API}/{word}", content=json.dumps(facts), headers=every)

    def _append(self, what: str, offset: int, data: bytes) -> None:
        self._answer("POST", f"{_API}/{what}", params={"offset": offset}, content=data, headers=self._headers)

    def _put(self, what: str, data: bytes | Iterator[bytes]) -> None:
        timeout = httpx.Timeout(SILENCE, read=PUTTING)
        self._answer("PUT", f"{_API}/{what}", content=data, headers=self._headers, timeout=timeout)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
