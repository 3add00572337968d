"""What the app is made of, as `wiring` hands it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from brignb.archive.seam import Archive
from brignb.model.builds import Build
from brignb.model.gateway import Gateway
from brignb.model.names import new_id
from brignb.store.news import News
from brignb.store.seam import Store

_RANDOM_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """See the module.

    Args:
        store: Opened.
        news: Rung after each change of a build.
        cr: Whether container registries may send webhooks.
        token: Of the API's callers.
        now_ms: Milliseconds since 1970.
        randomness: So many random bytes.
        wake: Tells the controller that builds wait.
        cancel: Ends a build, waiting or running; answers it as it is then, None when there is none.
        record: The record as it is now; None when no notebook has been seen yet.
        version: Ours.
        zygotes: Bytes of memory of the zygotes, by the modules that each has preloaded.
        hosts: Names by which callers may address this server; `*` takes any.
    """

    store: Store
    archive: Archive
    news: News
    gateways: Sequence[Gateway]
    cr: bool
    token: str
    now_ms: Callable[[], int]
    randomness: Callable[[int], bytes]
    wake: Callable[[], None]
    cancel: Callable[[str], Awaitable[Build | None]]
    record: Callable[[str], Awaitable[bytes | None]]
    version: str
    hosts: tuple[str, ...]
    zygotes: Callable[[], Mapping[tuple[str, ...], int]] = dict

    def fresh_id(self, at: int) -> str:
        """A ULID of a time."""
        return new_id(at, self.randomness(_RANDOM_BYTES))
