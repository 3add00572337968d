"""What becomes of a build whose pod has ended, or is gone, and whose worker has not said how it ended."""

from __future__ import annotations

import asyncio
from typing import Final

from brignb.controller import losing
from brignb.controller.pods.seen import Seen
from brignb.controller.saying import say
from brignb.controller.site import Site
from brignb.model.builds import CANCELED, Build, Outcome, State
from brignb.model.jobs import JobStatus
from brignb.model.redaction import Redactor

_OWN: Final = {
    "oom": "its worker pod was killed: it took more memory than its limit",
    "deleted": "somebody deleted its worker pod",
}
_NOT_THERE: Final = JobStatus(
    state=State.LOST, reason="missing", message="it is not there, and nobody saw its end: deleted, or never made"
)
_BY_ITSELF: Final = frozenset({None, "exit_code", "signal"})


async def conclude(site: Site, build_id: str, attempt: int, pod: Seen | None) -> None:
    """Write down what a pod's end means for the build in its hands; nothing when its worker has said how it ended.

    Args:
        site: Its store and archive.
        build_id: The build.
        attempt: Which the pod had in its hands: the fence.
        pod: As it ended; None: it is not there, and nobody saw its end.
    """
    build = await site.store.build(build_id)
    if build is None or build.state is not State.RUNNING or build.attempt != attempt:
        return
    status = pod.ended if pod and pod.ended else _NOT_THERE
    if build.cancel_requested:
        await finish(site, build_id, attempt, CANCELED)
    elif status.state is State.TIMED_OUT:
        message = "the build's time was up; its worker was killed"
        await finish(site, build_id, attempt, Outcome(state=State.TIMED_OUT, reason="timeout", message=message))
    elif status.reason == "start":
        message = f"its worker could not be started: {status.message}"
        await finish(site, build_id, attempt, Outcome(state=State.FAILED, reason="start", message=message))
    else:
        why = await _redacted(site, build, _why(status, pod.last_words if pod else ""))
        await _tell(site, build_id, why)
        await losing.lose(site, build_id, why=why, reason=_word(status), attempt=attempt)


async def finish(site: Site, build_id: str, attempt: int, outcome: Outcome) -> None:
    """End an attempt without its worker's help, with a truthful record and the reason in its log."""
    if outcome.message:
        await _tell(site, build_id, outcome.message)
    await losing.finish(site, build_id, attempt, outcome)


async def _tell(site: Site, build_id: str, text: str) -> None:
    await asyncio.to_thread(say, site, build_id, text)
    site.news.ring(build_id)


async def _redacted(site: Site, build: Build, text: str) -> str:
    """Last words of a process may hold anything."""
    project = await site.store.project(build.project)
    return Redactor(project.secret_values())(text) if project else text


def _why(status: JobStatus, last_words: str) -> str:
    if status.reason in _OWN:
        return _OWN[status.reason]
    if status.reason not in _BY_ITSELF:
        return f"its worker pod ended: {status.message}"
    said = f": {last_words}" if last_words else ""
    return f"its worker ended without a word (exit code {status.exit_code}){said}"


def _word(status: JobStatus) -> str:
    return "worker_died" if status.reason in _BY_ITSELF else str(status.reason)
