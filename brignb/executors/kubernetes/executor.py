"""The Kubernetes executor: see the package and the seam."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from brignb.cluster.paths import path
from brignb.errors import BrignbError, JobRefused, NotFound, Refused, Unreachable
from brignb.executors.kubernetes.asking import support
from brignb.executors.kubernetes.cluster import Cluster
from brignb.executors.kubernetes.files import Files, Shelf
from brignb.executors.kubernetes.locks import Rules
from brignb.executors.kubernetes.making import NotMade, bequeath, delete_pod, make
from brignb.executors.kubernetes.naming import storage_claim
from brignb.executors.kubernetes.running import Run
from brignb.executors.kubernetes.settings import Settings
from brignb.model.builds import State
from brignb.model.jobs import Bookmark, JobSpec, JobStatus, Support
from brignb.model.logs import LogLine

_log = logging.getLogger(__name__)


class KubernetesExecutor:
    """See the package.

    Args:
        work: A folder for jobs' artifacts; whoever made it takes it away.
        now_ms: The time, in milliseconds since 1970.
        cluster: Where its pods are.
        shared: Whether others use the cluster too; else it is closed with this executor.
        settings: The operator's.
        rules: What a job may ask for.
        shelf: Where artifacts are kept besides; None: nowhere.
    """

    name = "kubernetes"

    def __init__(
        self,
        work: Path,
        *,
        now_ms: Callable[[], int],
        cluster: Cluster | None = None,
        shared: bool = False,
        settings: Settings | None = None,
        rules: Rules | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._artifacts = work / "artifacts"
        self._now_ms = now_ms
        self._cluster = cluster or Cluster()
        self._shared = shared
        self._settings = settings or Settings.from_environment()
        self._rules = rules or Rules()
        self._shelf = shelf
        self._runs: dict[str, Run] = {}
        self._starts: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def supports(self, spec: JobSpec) -> Support:
        """What it cannot give of this spec."""
        return support(spec, self._rules)

    async def start(self, spec: JobSpec, told: Bookmark | None = None) -> None:
        """Create the job, or adopt the one of that id.

        Args:
            spec: The job. Of one whose source is `SENT`, `bring` brings it.
            told: How far the log of this job was told, by another process, which is gone, or on a connection that was cut: it is adopted,
                or `lost`; never made once more.

        Raises:
            JobRefused: It cannot be started as it is.
        """
        known = self._runs.get(spec.id)
        if known and told and not known.backlog.keeps(told.lines):  # told to nobody: they are read once more
            await known.close()
            del self._starts[spec.id]
        if spec.id not in self._starts:
            said = self.supports(spec)
            refusals = ("the executor is closed",) if self._closed else said.refusals
            if refusals:
                raise JobRefused(name=spec.name, job_id=spec.id, reason="; ".join(refusals))
            self._starts[spec.id] = asyncio.create_task(self._start(spec, said, told), name=f"start {spec.id}")
        await asyncio.shield(self._starts[spec.id])  # somebody else may wait for it too

    async def bring(self, job_id: str, sent: AsyncIterator[bytes]) -> None:
        """The source of a job that waits for it, as a tar without its end; returns when it was taken, or nobody wants it any more."""
        await self._run(job_id).bring(sent)

    def artifacts(self, job_id: str) -> Path:
        """Where a job's artifacts are kept, and looked for."""
        return self._artifacts / job_id

    def logs(self, job_id: str, after: int = 0) -> AsyncIterator[list[LogLine]]:
        """Batches of lines from number `after` on; see the seam."""
        return self._run(job_id).backlog.follow(after)

    def bookmark(self, job_id: str) -> Bookmark:
        """The place after the batch that `logs` gave last, if nothing was awaited since."""
        return self._run(job_id).bookmark

    async def status(self, job_id: str) -> JobStatus:
        """What is known now."""
        return self._run(job_id).status

    async def wait(self, job_id: str) -> JobStatus:
        """The terminal status."""
        return await self._run(job_id).wait()

    async def cancel(self, job_id: str) -> None:
        """Kill it, whole, with the grace; returns when it is gone."""
        run = self._run(job_id)
        run.end(State.CANCELED, "canceled", "canceled")
        await run.wait()

    async def close(self) -> None:
        """Kill what still runs; take away pods, Secrets and the build's storage, unless they are to stay."""
        self._closed = True
        await asyncio.gather(*self._starts.values(), return_exceptions=True)
        live = [run for run in self._runs.values() if not run.done]
        for run in live:
            run.end(State.CANCELED, "canceled", "canceled", grace=1)
        await asyncio.gather(*(run.wait() for run in live))
        if not self._settings.keep_pods:
            await asyncio.gather(*(self._clear(run) for run in self._runs.values()))
        await self.leave()

    async def leave(self) -> None:
        """Let go of everything, and let the jobs go on: whoever starts them again adopts them."""
        self._closed = True
        for start in self._starts.values():
            start.cancel()
        await asyncio.gather(*self._starts.values(), return_exceptions=True)
        await asyncio.gather(*(run.close() for run in self._runs.values()))
        if not self._shared:
            await self._cluster.close()

    async def _start(self, spec: JobSpec, said: Support, told: Bookmark | None) -> None:
        run = Run(spec, settings=self._settings, now_ms=self._now_ms, told=told)
        self._runs[spec.id] = run
        if told is None or not told.lines:
            run.say(*said.reports)
        try:
            await self._make(run)
        except NotMade as error:
            run.fail(error.reason, str(error))
        except (Unreachable, Refused) as error:
            run.fail("unreachable" if isinstance(error, Unreachable) else "unauthorized", str(error))
        except BaseException:
            self._runs.pop(spec.id, None)
            del self._starts[spec.id]
            raise

    async def _make(self, run: Run) -> None:
        connection = await self._cluster.connection()
        namespace = await self._cluster.resolved(run.spec.namespace)
        hub = await self._cluster.hub(namespace)
        hub.listen(run.spec.id, run)
        run.left = lambda: hub.forget(run.spec.id)
        made = await make(connection, namespace, run.spec, self._settings, waits=True, again=run.told is not None)
        hub.made(run.spec.id)
        run.begin(made, connection, namespace, Files(connection, namespace, run.spec, self._artifacts, self._shelf))
        await bequeath(connection, namespace, made.pod)

    async def _clear(self, run: Run) -> None:
        if not run.made:
            return
        connection = await self._cluster.connection()
        try:
            await delete_pod(connection, run.namespace, run.spec.id, grace=1)
            if run.spec.storage.enabled:
                claim = path(run.namespace, "persistentvolumeclaims", storage_claim(run.spec))
                await connection.ask("DELETE", claim)
        except BrignbError as error:
            _log.info("what is left of %s stays: %s", run.spec.id, error)

    def _run(self, job_id: str) -> Run:
        if job_id not in self._runs:
            raise NotFound(f"no job {job_id} was started here")
        return self._runs[job_id]
