"""A worker pod as it was last heard of: pure, from its manifest with its status to what the controller asks of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from brignb.controller.pods.naming import MADE_OF, MAIN, attempt_of
from brignb.executors.kubernetes import fate
from brignb.model.jobs import JobStatus
from brignb.model.times import parse_rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """See the module.

    Args:
        name: The pod's.
        project_id: Whose it is.
        attempt: The build and attempt that it was made for; None: it is a warm one.
        made_of: Of a warm one: see `naming.MADE_OF`.
        made_at: When, milliseconds since 1970.
        owned: Whether its Secret goes with it; not known of a pod that was just made.
        started: Whether its container runs, or has run.
        leaving: Whether it is being deleted.
        hindrance: What keeps it from starting.
        last_words: What its container wrote last.
        ended: How it ended; None: it has not.
        there: Whether it is there at all.
    """

    name: str
    project_id: str
    attempt: tuple[str, int] | None
    made_of: str
    made_at: int
    started: bool
    leaving: bool
    hindrance: fate.Hindrance | None
    last_words: str
    ended: JobStatus | None
    there: bool = True

    @property
    def waits(self) -> bool:
        """Whether it is a warm worker that can take builds."""
        return self.attempt is None and self.started and not self.leaving and self.ended is None

    def gone(self, last: JobStatus) -> Seen:
        """The same, when it is not there any more."""
        return replace(self, ended=self.ended or last, there=False)


def seen(pod: dict[str, Any], graces: fate.Graces) -> Seen:
    """What of a pod counts."""
    meta = pod["metadata"]
    labels, status = meta.get("labels", {}), pod.get("status", {})
    whole = {**pod, "status": status}
    terminated = fate.main_status(whole, MAIN).get("state", {}).get("terminated") or {}
    return Seen(
        name=meta["name"],
        project_id=labels.get("project", ""),
        attempt=attempt_of(labels),
        made_of=meta.get("annotations", {}).get(MADE_OF, ""),
        made_at=parse_rfc3339(meta["creationTimestamp"]),
        started=fate.running_since(whole, MAIN) is not None,
        leaving="deletionTimestamp" in meta,
        hindrance=fate.hindrance(whole, graces),
        last_words=_last_line(str(terminated.get("message") or "")),
        ended=fate.verdict(whole, MAIN),
    )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
