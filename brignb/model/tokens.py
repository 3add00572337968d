"""Tokens of workers: what a pod is given instead of the API's token, good for one build's attempt, or for one project's builds.

    key ──▶ Tokens ──▶ build(…), pool(…) ──▶ a worker ──▶ claim(…) ──▶ BuildClaim, PoolClaim

A token is what it claims and an HMAC-SHA256 of that (RFC 2104), so that any server with the same key knows it, also after a restart.
What must never happen: a token of one kind, build or project that is taken for another's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

_BUILD: Final = "brignb-build"
_POOL: Final = "brignb-pool"
_LABEL: Final = b"brignb: tokens of workers"


@dataclass(frozen=True, slots=True)
class BuildClaim:
    """Whose bearer runs one attempt of one build."""

    build_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class PoolClaim:
    """Whose bearer takes the builds of one project, `owner/repo`, one after the other.

    Args:
        worker: Under this name alone; empty: under any.
    """

    project: str
    worker: str = ""


Claim = BuildClaim | PoolClaim


class Tokens:
    """See the module.

    Args:
        key: The server's, which seals its secrets too; a key of its own is derived from it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, _LABEL, hashlib.sha256)

    def build(self, build_id: str, attempt: int) -> str:
        """For the worker of one attempt of a build."""
        return self._signed(_BUILD, build_id, str(attempt))

    def pool(self, project: str, worker: str = "") -> str:
        """For a worker that waits for builds of a project; with its name it is nobody else's."""
        return self._signed(_POOL, _encoded(project), _encoded(worker))

    def claim(self, token: str) -> Claim | None:
        """What a token claims; None: it is none of ours."""
        signed, _, _mac = token.rpartition(".")
        kind, *facts = signed.split(".")
        if not hmac.compare_digest(self._signed(kind, *facts).encode(), token.encode()):
            return None
        match kind, facts:
            case "brignb-build", [build_id, attempt]:
                return BuildClaim(build_id, int(attempt))
            case "brignb-pool", [project, worker]:
                return PoolClaim(_decoded(project), _decoded(worker))
        return None

    @staticmethod
    def is_pools(token: str) -> bool:
        """Whether it says that it is a pool's; who has no key can know no more of it."""
        return token.startswith(f"{_POOL}.")

    def _signed(self, kind: str, *facts: str) -> str:
        claimed = ".".join((kind, *facts))
        return f"{claimed}.{hmac.new(self._key, claimed.encode(), hashlib.sha256).hexdigest()}"


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(text: str) -> str:
    """What `pool` has encoded: it bears our signature."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
