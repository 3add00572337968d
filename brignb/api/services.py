"""What the app is made of, as `wiring` hands it in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from brignb.archive.seam import Archive
from brignb.model.builds import Build, JobRecord, Outcome
from brignb.model.events import DedupeKey, Event
from brignb.model.gateway import Gateway
from brignb.model.jobs import Bookmark, Heard, JobSpec, JobStatus
from brignb.model.names import new_id
from brignb.model.tokens import BuildClaim, Claim, PoolClaim
from brignb.source.seam import Source
from brignb.store.news import News
from brignb.store.seam import Store, Wanted

_RANDOM_BYTES = 10


class Notebooks(Protocol):
    """Notebooks that listen, by their leases; `brignb.controller.notebooks` has them.

    Raises (every method but `open`):
        NotFound: The lease is over.
        Conflict: It does not hold that attempt of that build.
    """

    seconds: float

    def open(self, wanted: Wanted) -> str:
        """A new lease; answers its id."""

    async def renew(self, lease_id: str) -> Build | None:
        """The build that it holds, as it is now."""

    async def close(self, lease_id: str) -> None:
        """It is over."""

    async def next(
        self, lease_id: str, *, seconds: float, gone: Callable[[], Coroutine[Any, Any, None]]
    ) -> tuple[Build, Event] | None:
        """The build that it holds, else the next one, within so many seconds; nothing for who is gone."""

    async def started(self, lease_id: str, build_id: str, attempt: int, notebook: bytes) -> Mapping[str, int]:
        """The first line is about to run; answers the sizes of the build's own streams."""

    async def job(self, lease_id: str, job: JobRecord) -> None:
        """A job's state."""

    async def append(
        self, lease_id: str, build_id: str, attempt: int, stream: str, *, offset: int, data: bytes
    ) -> None:
        """A stream has grown."""

    async def emit(
        self, lease_id: str, build_id: str, attempt: int, event_type: str, payload: str
    ) -> Mapping[str, Any]:
        """An event is raised; answers its ids."""

    async def finish(self, lease_id: str, build_id: str, attempt: int, outcome: Outcome) -> None:
        """The build has ended."""


class Runs(Protocol):
    """Jobs that are started for workers; `brignb.controller.runs` has them, and says what each raises."""

    async def start(self, claim: BuildClaim, spec: JobSpec, told: Bookmark | None) -> JobStatus:
        """Start a job of the worker's build, or adopt it."""

    async def bring(self, claim: BuildClaim, job_id: str, sent: AsyncIterator[bytes]) -> None:
        """The source of a job that waits for it."""

    def follow(self, claim: BuildClaim, job_id: str, after: int) -> AsyncIterator[Heard]:
        """Its lines from number `after` on, as they come; last how it ended."""

    async def status(self, claim: BuildClaim, job_id: str, *, seconds: float) -> JobStatus:
        """How a job is; once it has ended, or after so many seconds."""

    async def cancel(self, claim: BuildClaim, job_id: str) -> JobStatus:
        """Kill a job; answers how it ended."""

    async def end(self, claim: BuildClaim) -> dict[str, JobStatus]:
        """The worker starts no more; answers how each job is."""


class Desk(Protocol):
    """Where workers in pods take builds and tell of them; `brignb.controller.desk` has it.

    Raises (every method that takes a `BuildClaim`):
        Conflict: That attempt is over.
    """

    seconds: float

    async def next(
        self, claim: PoolClaim, worker: str, *, seconds: float, gone: Callable[[], Coroutine[Any, Any, None]]
    ) -> Offered | None:
        """The project's next build, within so many seconds; nothing for who is gone."""

    async def take(self, claim: BuildClaim, worker: str) -> Offered:
        """The build that was claimed for this worker."""

    async def theirs(self, claim: BuildClaim) -> Build:
        """The build."""

    async def renew(self, claim: BuildClaim) -> bool:
        """The worker lives; whether somebody wants the build to end."""

    async def streams(self, claim: BuildClaim) -> Mapping[str, int]:
        """Where the build's own streams go on."""

    async def started(self, claim: BuildClaim) -> None:
        """The first cell is about to run."""

    async def job(self, claim: BuildClaim, job: JobRecord) -> None:
        """A job's state."""

    async def append(self, claim: BuildClaim, stream: str, *, offset: int, data: bytes) -> None:
        """A stream has grown."""

    async def document(self, claim: BuildClaim, name: str, data: bytes) -> None:
        """A whole document."""

    async def spill(self, claim: BuildClaim, name: str, *, offset: int, data: bytes) -> None:
        """A side file has grown."""

    async def artifacts(self, claim: BuildClaim, job_id: str, pieces: Iterable[bytes]) -> None:
        """What a job left for others."""

    async def emit(
        self, claim: BuildClaim, event_type: str, payload: str, *, keys: tuple[DedupeKey, ...]
    ) -> Mapping[str, Any]:
        """An event is raised; answers its ids."""

    async def finished(self, claim: BuildClaim, outcome: Outcome) -> None:
        """The build has ended."""


class Offered(Protocol):
    """A build, for a worker."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""


def _no_worker(_token: str) -> Claim | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """See the module.

    Args:
        store: Opened.
        news: Rung after each change of a build.
        api: Whether `/api` is served, or gateways only.
        cr: Whether container registries may send webhooks.
        token: Of the API's callers.
        source: Where repositories are read.
        artifacts: Writes a tar archive of what a job of a build left for others; False: nothing is kept.
        now_ms: Milliseconds since 1970.
        randomness: So many random bytes.
        wake: Tells the controller that builds wait.
        cancel: Ends a build, waiting or running; answers it as it is then, None when there is none.
        notebooks: Those that listen.
        record: The record as it is now; None when no notebook has been seen yet.
        version: Ours.
        listens: Whether notebooks may listen: the controller knows of them only where it is the same process.
        leads: Whether this process leads; None: it never does.
        ending: Whether the server was asked to end: it is not ready for more.
        zygotes: Bytes of memory of the zygotes, by the modules that each has preloaded.
        claim: What a worker's token claims; None: it is none of ours.
        runs: Jobs that are started for workers; None: workers start their own.
        desk: Where workers in pods take builds; None: this process has none.
        hosts: Names by which callers may address this server; `*` takes any.
    """

    store: Store
    archive: Archive
    source: Source
    artifacts: Callable[[str, str, IO[bytes]], bool]
    news: News
    gateways: Sequence[Gateway]
    api: bool = True
    cr: bool
    token: str
    now_ms: Callable[[], int]
    randomness: Callable[[int], bytes]
    wake: Callable[[], None]
    cancel: Callable[[str], Awaitable[Build | None]]
    notebooks: Notebooks
    record: Callable[[str], Awaitable[bytes | None]]
    version: str
    hosts: tuple[str, ...]
    listens: bool = True
    leads: Callable[[], bool] | None = None
    ending: Callable[[], bool] = lambda: False
    zygotes: Callable[[], Mapping[tuple[str, ...], int]] = dict
    claim: Callable[[str], Claim | None] = _no_worker
    runs: Runs | None = None
    desk: Desk | None = None

    def fresh_id(self, at: int) -> str:
        """A ULID of a time."""
        return new_id(at, self.randomness(_RANDOM_BYTES))
