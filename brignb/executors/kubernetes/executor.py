"""The Kubernetes executor: see the package and the seam."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from brignb.cluster.connection import Connection, connect
from brignb.cluster.paths import path
from brignb.errors import BrignbError, JobRefused, NotFound, Refused, Unreachable
from brignb.executors.kubernetes import rights
from brignb.executors.kubernetes.asking import support
from brignb.executors.kubernetes.hub import Hub
from brignb.executors.kubernetes.making import NotMade, bequeath, delete_pod, make
from brignb.executors.kubernetes.naming import storage_claim
from brignb.executors.kubernetes.running import Run
from brignb.executors.kubernetes.settings import Rules, Settings
from brignb.model.builds import State
from brignb.model.jobs import JobSpec, JobStatus, Support
from brignb.model.logs import LogLine

DEFAULT_NAMESPACE: Final = "default"
"""A project that names no namespace has this one; it means the one that the connection is for."""

_log = logging.getLogger(__name__)


class KubernetesExecutor:
    """See the package.

    Args:
        work: A folder for jobs' artifacts; whoever made it takes it away.
        now_ms: The time, in milliseconds since 1970.
        context: Of the kubeconfig; None: its current one, or the pod's own account.
        namespace: Of the jobs whose project names none; None: the context's.
        build_id: Whose jobs these are; None: those of many builds.
        settings: The operator's.
        rules: What a job may ask for.
    """

    name = "kubernetes"

    def __init__(
        self,
        work: Path,
        *,
        now_ms: Callable[[], int],
        context: str | None = None,
        namespace: str | None = None,
        build_id: str | None = None,
        settings: Settings | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._artifacts = work / "artifacts"
        self._now_ms = now_ms
        self._context = context
        self._namespace = namespace
        self._build_id = build_id
        self._settings = settings or Settings.from_environment()
        self._rules = rules or Rules()
        self._connecting: asyncio.Task[Connection] | None = None
        self._hubs: dict[str, Hub] = {}
        self._runs: dict[str, Run] = {}
        self._starts: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def supports(self, spec: JobSpec) -> Support:
        """What it cannot give of this spec."""
        return support(spec, self._rules)

    async def check(self, namespace: str = DEFAULT_NAMESPACE) -> None:
        """Whether jobs can be run: asked before a build starts, so that nothing is begun that cannot go on.

        Args:
            namespace: The project's.

        Raises:
            Unreachable: There is no usable kubeconfig, or the cluster is away.
            Refused: It does not take the credentials, or forbids what is needed.
        """
        connection = await self._connect()
        await rights.check(connection, self._resolved(namespace, connection))

    async def start(self, spec: JobSpec) -> None:
        """Create the job, or adopt the one of that id.

        Raises:
            JobRefused: It cannot be started as it is.
        """
        if spec.id not in self._starts:
            said = self.supports(spec)
            refusals = ("the executor is closed",) if self._closed else said.refusals
            if refusals:
                raise JobRefused(name=spec.name, job_id=spec.id, reason="; ".join(refusals))
            self._starts[spec.id] = asyncio.create_task(self._start(spec, said), name=f"start {spec.id}")
        await asyncio.shield(self._starts[spec.id])  # somebody else may wait for it too

    def artifacts(self, job_id: str) -> Path:
        """Where a job's artifacts are kept, and looked for."""
        return self._artifacts / job_id

    def logs(self, job_id: str, after: int = 0) -> AsyncIterator[list[LogLine]]:
        """Batches of lines from number `after` on; see the seam."""
        return self._run(job_id).backlog.follow(after)

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
        await asyncio.gather(*(run.close() for run in self._runs.values()))
        await asyncio.gather(*(hub.close() for hub in self._hubs.values()))
        if self._connecting:
            await (await self._connecting).close()
            self._connecting = None

    async def _start(self, spec: JobSpec, said: Support) -> None:
        run = Run(spec, settings=self._settings, now_ms=self._now_ms, artifacts=self._artifacts)
        self._runs[spec.id] = run
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
        connection = await self._connect()
        namespace = self._resolved(run.spec.namespace, connection)
        hub = await self._hub(connection, namespace)
        hub.listen(run.spec.id, run)
        made = await make(connection, namespace, run.spec, self._settings, waits=True)
        hub.made(run.spec.id)
        run.begin(made, connection, namespace)
        if not made.adopted:
            await bequeath(connection, namespace, made.pod)

    async def _connect(self) -> Connection:
        if self._connecting is None:
            self._connecting = asyncio.create_task(connect(self._context), name="connect")
        try:
            return await asyncio.shield(self._connecting)
        except BrignbError:
            self._connecting = None
            raise

    async def _hub(self, connection: Connection, namespace: str) -> Hub:
        if namespace not in self._hubs:
            self._hubs[namespace] = Hub(connection, namespace, self._build_id)
        hub = self._hubs[namespace]
        await hub.ready()
        return hub

    def _resolved(self, namespace: str, connection: Connection) -> str:
        if namespace != DEFAULT_NAMESPACE:
            return namespace
        return self._namespace or connection.place.namespace

    async def _clear(self, run: Run) -> None:
        if not run.made:
            return
        connection = await self._connect()
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
