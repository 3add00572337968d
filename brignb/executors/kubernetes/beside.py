"""What a job's sidecars say, in the job's own log: each line with its container's name before it.

Nobody waits for them: when the job has had its last word, theirs is not heard any more. What must never happen: a sidecar whose silence,
or whose missing log, keeps a job from ending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from brignb.executors.kubernetes.following import Follower
from brignb.executors.kubernetes.naming import MAIN, SOURCE
from brignb.executors.kubernetes.output import Output
from brignb.executors.kubernetes.telling import Telling


async def follow(output: Output, started: Mapping[str, asyncio.Event], telling: Telling) -> None:
    """Until it is canceled.

    Args:
        output: The job's own.
        started: The pod's containers; set when one has started.
        telling: Of the job.
    """
    names = [name for name in started if name not in {MAIN, SOURCE}]
    await asyncio.gather(*(_tell(name, started[name], output.of(name), telling) for name in names))


async def _tell(name: str, started: asyncio.Event, follower: Follower, telling: Telling) -> None:
    await started.wait()
    rest = ""
    async for batch in follower.batches():
        for at, content in batch:
            *lines, rest = (rest + content.decode("utf-8", "replace")).split("\n")
            telling.say(*(f"{name} | {line}" for line in lines), at=at)
        await telling.until_there_is_room()
