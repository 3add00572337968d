"""A server that starts jobs for workers, and a worker's executor for each of its builds, which run all the time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import kube
from appsite import services_in, serving

from brignb.api.services import Services
from brignb.archive.files import FileArchive
from brignb.client.jobs import ServerExecutor
from brignb.controller.runs import Runs
from brignb.errors import NotFound
from brignb.executors.kubernetes.cluster import Cluster
from brignb.executors.seam import Adopting
from brignb.model.assignment import Server
from brignb.model.builds import Build
from brignb.model.events import Draft
from brignb.model.jobs import JobSpec, JobStatus, Support
from brignb.model.names import id_time_ms, new_id
from brignb.model.projects import Project
from brignb.model.tokens import BuildClaim, Tokens
from brignb.store.seam import Accept, Store
from brignb.wiring.shelves import Shelf

TOKENS = Tokens(bytes(32))


async def claimed(store: Store, build_id: str, project: str = "owner/repo") -> BuildClaim:
    """A build of that id, running."""
    at = id_time_ms(build_id)
    if await store.project(project) is None:
        await store.put_project(Project(name=project), at=at)
    draft = Draft(gateway="api", source="api", type="push")
    event_id = new_id(at, secrets.token_bytes(10))
    await store.accept([Accept(project=project, draft=draft, event_id=event_id, build_id=build_id, at=at)])
    (build,) = await store.claim(at=at, limit=1)
    assert build.id == build_id
    return BuildClaim(build.id, build.attempt)


def worker(url: str, claim: BuildClaim) -> ServerExecutor:
    """Of that build, at that server."""
    return ServerExecutor(Server(url, TOKENS.build(claim.build_id, claim.attempt)))


class Workers:
    """The seam, with a worker for each build: who runs a job of another build is another worker.

    Args:
        services: The server's, with `runs`.
        url: Its address.
    """

    name = "server"

    def __init__(self, services: Services, url: str) -> None:
        self._services = services
        self.url = url
        self._executors: dict[tuple[str, str], ServerExecutor] = {}
        self._closed = False
        self._making = asyncio.Lock()

    async def claim(self, build_id: str, project: str) -> BuildClaim:
        """A build of that time, claimed; of another id, since what a test before has left of that one may be going still."""
        build_id = new_id(id_time_ms(build_id), secrets.token_bytes(10))
        return await claimed(self._services.store, build_id, project)

    async def start(self, spec: JobSpec) -> None:
        key = (spec.build_id, spec.project)
        async with self._making:
            if key not in self._executors:
                self._executors[key] = worker(self.url, await self.claim(*key))
                if self._closed:
                    await self._executors[key].close()
        await self._executors[key].start(spec)

    @property
    def _runs(self) -> dict[str, object]:
        return {job_id: run for each in self._executors.values() for job_id, run in each._runs.items()}

    def supports(self, spec: JobSpec) -> Support:
        return self._of(spec.id).supports(spec)

    def logs(self, job_id: str, after: int = 0) -> AsyncIterator[list]:
        return self._of(job_id).logs(job_id, after)

    async def status(self, job_id: str) -> JobStatus:
        return await self._of(job_id).status(job_id)

    async def wait(self, job_id: str) -> JobStatus:
        return await self._of(job_id).wait(job_id)

    async def cancel(self, job_id: str) -> None:
        await self._of(job_id).cancel(job_id)

    async def close(self) -> None:
        self._closed = True
        for executor in self._executors.values():
            await executor.close()

    def _of(self, job_id: str) -> ServerExecutor:
        for executor in self._executors.values():
            if job_id in executor._runs:
                return executor
        raise NotFound(job_id)


@contextlib.asynccontextmanager
async def served(folder: Path, make: Callable[[Build, Project], Adopting], port: int = 0):
    """A server; gives what it is made of, and its address.

    Args:
        folder: The server's.
        make: Its executor for a build.
        port: Where; 0: anywhere.
    """
    async with services_in(folder) as services:
        runs = Runs(services.store, services.news, make)
        async with serving(replace(services, runs=runs, claim=TOKENS.claim), port) as address:
            yield services, f"http://{address[0]}:{address[1]}"
        await runs.leave()


@contextlib.asynccontextmanager
async def workers(folder: Path, make: Callable[[Build, Project], Adopting]):
    """Workers whose jobs a server starts."""
    async with served(folder, make) as (services, url):
        yield Workers(services, url)


async def main(folder: Path, port: int, namespace: str) -> None:
    """A server as a process of its own, until it is killed: `python -m serverside FOLDER PORT NAMESPACE`."""
    cluster = Cluster(namespace=namespace)
    work = folder / f"work-{os.getpid()}"  # another process has not its files

    def make(build: Build, _project: Project) -> Adopting:
        shelf = Shelf(archive, archive.artifacts, build.id)
        return kube.executor(work / build.id, namespace, cluster=cluster, shared=True, shelf=shelf)

    archive = FileArchive(folder / "builds")
    async with served(folder, make, port):
        print("up", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
