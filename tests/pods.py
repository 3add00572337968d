"""An executor for one namespace of a cluster, and short words to try it with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import kube
from ulid import ULID

from brignb.executors.kubernetes.executor import KubernetesExecutor
from brignb.model.jobs import JobSpec

WITHIN = 60
"""Seconds for anything here."""
BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"


@dataclass
class Cluster:
    """An executor for one namespace, and short words to try it with."""

    executor: KubernetesExecutor
    namespace: str
    folder: Path

    def spec(self, *tasks: str, name: str = "job", **fields) -> JobSpec:
        facts = {"id": f"{name}-{ULID()}".lower(), "build_id": BUILD, "project": "owner/repo", "image": kube.IMAGE}
        return JobSpec(name=name, tasks=tasks, **{**facts, **fields})

    async def start(self, *tasks: str, **fields) -> str:
        spec = self.spec(*tasks, **fields)
        await self.executor.start(spec)
        return spec.id

    async def lines(self, job: str) -> list:
        async with asyncio.timeout(WITHIN):
            return [line async for batch in self.executor.logs(job) for line in batch]

    async def said(self, job: str, stream: str = "stdout") -> list[str]:
        return [line.text for line in await self.lines(job) if line.stream == stream]

    async def until_it_says(self, job: str, word: str) -> None:
        async with asyncio.timeout(WITHIN):
            async for batch in self.executor.logs(job):
                if any(word in line.text for line in batch):
                    return
        raise AssertionError(f"{job} ended without {word!r}")

    async def ended(self, job: str):
        async with asyncio.timeout(WITHIN):
            return await self.executor.wait(job)

    def path(self, kind: str, name: str = "") -> str:
        return f"/api/v1/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    async def ask(self, method: str, kind: str, name: str = "", body=None, **params):
        return await kube.ask(method, self.path(kind, name), body, **params)

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        """Ask the cluster until it is so."""
        async with asyncio.timeout(WITHIN):
            while not await true():  # noqa: ASYNC110 - it is somewhere else that it becomes so
                await asyncio.sleep(0.2)

    async def until_gone(self, kind: str, name: str) -> None:
        """There is no object of that name any more."""

        async def gone() -> bool:
            there = (await self.ask("GET", kind))["items"]
            return name not in {each["metadata"]["name"] for each in there}

        await self.until(gone)

    async def until_ended(self, pod: str) -> dict:
        """The pod, once it has ended."""
        found = {}

        async def ended() -> bool:
            found.update(await self.ask("GET", "pods", pod))
            return found["status"]["phase"] in {"Succeeded", "Failed"}

        await self.until(ended)
        return found
