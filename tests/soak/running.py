"""One run: events come in, parts are killed, and what was promised is held against what became of it.

sender ──┐
killer ──┼──▶ all acknowledged, the last kill ──▶ all ended ──▶ judged: state, witness, log, record of each build
         │
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.parts import Victim, took
from tests.soak.system import LINES, PROJECTS, System, system

STUCK = 35.0
"""Seconds after recovery within which nothing may be stuck (issue 7)."""
OVER = 900.0
"""Seconds after which a build that has not ended never will."""
PAUSE = (0.5, 4.0)
"""Seconds between two kills: from and to."""
DOWN = 2
"""Parts that are away at a time, at most."""
MOVED = 10.0
"""Seconds after its end within which a build's log can be read from everywhere."""
LOOK = 0.5


@dataclass
class Run:
    """What came of it.

    Args:
        kind: Of workers.
        facts: What was measured, by its name.
        broken: Promises that were not kept.
    """

    kind: str
    facts: dict[str, object] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def promise(self, kept: bool, what: str) -> None:  # noqa: FBT001 - an assertion
        """Note that it was not."""
        if not kept:
            self.broken.append(what)


def soak(folder: Path, kind: str, *, away: int, builds: int, seed: int) -> Run:
    """Run it.

    Args:
        folder: For homes and logs; it stays.
        kind: Of workers, for people.
        away: See `system`.
        builds: How many events are sent.
        seed: Of what is killed, and when.
    """
    run, choose = Run(kind), random.Random(seed)
    with system(folder, away=away) as whole:
        acknowledged: dict[tuple[str, int], str] = {}
        sending = threading.Thread(target=_send, args=(whole, builds, acknowledged), daemon=True)
        sending.start()
        recoveries = _kill_while(whole, choose, builds)
        sending.join()
        stuck = _until_moved_on(whole, run)
        found = _until_ended(whole, run)
        run.promise(len(acknowledged) == builds, f"{builds - len(acknowledged)} events were never acknowledged")
        _judge(run, whole, set(acknowledged.values()), found)
        run.facts |= {
            "kills": ", ".join(f"{name} {len(each)}" for name, each in sorted(recoveries.items())),
            "killed part there again, median / longest (s)": " / ".join(
                f"{of(list(_flat(recoveries.values()))):.1f}" for of in (statistics.median, max)
            ),
            "what ran at the last kill has moved on after (s)": f"{stuck:.1f}",
        }
    return run


def _send(whole: System, builds: int, acknowledged: dict[tuple[str, int], str]) -> None:
    names = list(PROJECTS)
    for number in range(builds):
        project = names[number % len(names)]
        acknowledged[project, number] = whole.push(project, number)


def _kill_while(whole: System, choose: random.Random, builds: int) -> dict[str, list[float]]:
    """Kill parts until nearly all builds have ended, also while others come back; seconds until each was there again."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    until = time.monotonic() + OVER
    coming: dict[Future[float], Victim] = {}
    with ThreadPoolExecutor() as restarting:
        while _ended(whole) < builds * 0.95 and time.monotonic() < until:
            time.sleep(choose.uniform(*PAUSE))
            for back in [each for each in coming if each.done()]:
                found[coming.pop(back).name].append(back.result())
            if len(coming) < DOWN:
                victim = choose.choice([each for each in whole.victims if each not in coming.values()])
                coming[restarting.submit(took, victim.kill)] = victim
    for back, victim in coming.items():
        found[victim.name].append(back.result())
    return found


def _ended(whole: System) -> int:
    return sum(1 for build in whole.builds() if build["state"] not in {"pending", "running"})


def _until_moved_on(whole: System, run: Run) -> float:
    """Seconds until none of the attempts that run now does so any more."""
    begun = time.monotonic()
    running = {(build["id"], build["attempt"]) for build in whole.builds(state="running")}
    while running:
        running &= {(build["id"], build["attempt"]) for build in whole.builds(state="running")}
        if time.monotonic() - begun > STUCK:
            run.broken.append(f"after {STUCK:g} s still stuck: {sorted(running)}")
            break
        time.sleep(LOOK)
    return time.monotonic() - begun


def _until_ended(whole: System, run: Run) -> dict[str, dict]:
    """All builds, once all have ended."""
    until = time.monotonic() + OVER
    while left := [build["id"] for build in whole.builds() if build["state"] in {"pending", "running"}]:
        if time.monotonic() > until:
            run.broken.append(f"never ended: {left}")
            break
        time.sleep(LOOK)
    return {build["id"]: build for build in whole.builds()}


def _judge(run: Run, whole: System, acknowledged: set[str], found: dict[str, dict]) -> None:
    began, ended = whole.witness.counts("began"), whole.witness.counts("ended")
    run.promise(acknowledged <= found.keys(), f"acknowledged and gone: {sorted(acknowledged - found.keys())}")
    run.promise(found.keys() <= acknowledged, f"builds of no event: {sorted(found.keys() - acknowledged)}")
    for build_id, build in found.items():
        once, state = PROJECTS[build["project"]] == 0, build["state"]
        what = f"{build_id} ({build['project']}, {state}, attempt {build['attempt']})"
        run.promise(state in {"succeeded", "lost"}, f"{what}: {build['reason']}: {build['message']}")
        run.promise(state != "lost" or once, f"{what} is lost though it may be run again")
        if once:
            run.promise(began[build_id] <= 1, f"{what} began {began[build_id]} times")
        run.promise(state != "succeeded" or ended[build_id] >= 1, f"{what} never came to its end")
        run.promise(began[build_id] <= build["attempt"], f"{what} began {began[build_id]} times")
        if state == "succeeded":
            _whole(run, whole, build, what)
    states, attempts = Counter(b["state"] for b in found.values()), Counter(b["attempt"] for b in found.values())
    run.facts |= {
        "acknowledged, with a build, ended": f"{len(acknowledged)}, {len(found)}, {sum(states.values())}",
        "states": ", ".join(f"{state} {number}" for state, number in states.most_common()),
        "attempts (how many took how many)": ", ".join(
            f"{number} of {attempt}" for attempt, number in sorted(attempts.items())
        ),
        "without retries: begun twice": sum(
            began[b] > 1 for b, build in found.items() if not PROJECTS[build["project"]]
        ),
        "with retries: came to their end more than once (the worker died before it could tell)": sum(
            ended[b] > 1 for b in found
        ),
    }


def _whole(run: Run, whole: System, build: dict, what: str) -> None:
    """The log of the attempt that succeeded has each line once and in order, its record is there, and so is its job."""
    log = _moved(whole, build["id"])
    lines = [int(line.rpartition("line ")[2]) for line in log.splitlines() if "line 0" in line]
    kept = lines if build["attempt"] == 1 else lines[-LINES:]
    run.promise(kept == list(range(LINES)), f"{what}: its log has other lines: {lines}")
    run.promise("from a job" in log, f"{what}: its job's log is not there")
    record = whole.asked(f"/api/builds/{build['id']}/record")
    run.promise(record.status_code == 200 and "line 019" in record.text, f"{what}: its record is not whole")
    mine = [job["state"] for job in build["jobs"] if job.get("attempt", build["attempt"]) == build["attempt"]]
    run.promise(mine == ["succeeded"], f"{what}: its jobs are {mine}")


def _moved(whole: System, build_id: str) -> str:
    """Its log, once it can be read: a build of the controller's machine is moved to where the APIs look soon after its end."""
    until = time.monotonic() + MOVED
    while not (log := whole.asked(f"/api/builds/{build_id}/logs").text) and time.monotonic() < until:
        time.sleep(LOOK)
    return log


def _flat(lists: Iterable[list[float]]) -> Iterable[float]:
    return (one for each in lists for one in each)
