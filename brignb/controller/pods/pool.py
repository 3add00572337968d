"""A project's warm workers: how many there should be, and which have to go. Pure.

    Project, its pods, the time ──▶ plan ──▶ so many to make, these to let go

They are there while events come, and go when none has come for a while; an event of a project that has none brings them back (its own
build gets a pod of its own meanwhile). One of another make (image, certificate, modules) goes when its successor waits. What must never
happen: pods made in a circle because each dies at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from brignb.controller.pods.seen import Seen
from brignb.model.projects import Project

_PAUSE_MAX_MS: Final = 60_000
_LIVED_MS: Final = 30_000
"""A worker that lived so long has not failed to start."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Args:
        make: How many to make.
        leave: Names of pods that have to go.
        again: When to look again, milliseconds since 1970; None: when something happens.
    """

    make: int = 0
    leave: tuple[str, ...] = ()
    again: int | None = None


@dataclass(slots=True)
class Pool:
    """Of one project.

    Args:
        project: As it is now.
        made_of: What a worker of now is made of.
        stirred: When its last event came, as far as is known; milliseconds since 1970.
        asleep: Whether it is known that none came since, until `stir`.
        failures: How many workers have died young, one after the other.
        pause: Until when none is made.
    """

    project: Project
    made_of: str
    stirred: int = 0
    asleep: bool = False
    failures: int = 0
    pause: int = 0

    def stir(self, at: int) -> None:
        """An event has come."""
        self.stirred, self.asleep = max(at, self.stirred), False

    def rests(self, now: int, idle_ms: int) -> bool:
        """Whether no event has come for so long that none of its workers stays."""
        return now - self.stirred > idle_ms

    def died(self, pod: Seen, now: int) -> None:
        """One of its workers has ended, or is gone."""
        if pod.leaving or now - pod.made_at >= _LIVED_MS or (pod.ended and pod.ended.succeeded):
            self.failures = self.pause = 0
        else:
            self.failed(now)

    def failed(self, now: int) -> None:
        """One could not be made, or died young: the next one is made later, and later each time."""
        self.failures += 1
        self.pause = now + min(1000 * 2**self.failures, _PAUSE_MAX_MS)

    def plan(self, pods: Sequence[Seen], now: int, idle_ms: int) -> Plan:
        """What is to be done with its pods of now; ended ones are not among them."""
        staying = [pod for pod in pods if not pod.leaving]
        if self.rests(now, idle_ms):
            return Plan(leave=tuple(pod.name for pod in staying))
        wanted = self.project.warm_workers
        new = [pod for pod in staying if pod.made_of == self.made_of]
        old = [pod.name for pod in staying if pod.made_of != self.made_of]
        needed = wanted - sum(pod.waits for pod in new)  # of the old ones, until their successors wait
        surplus = [*(pod.name for pod in new[wanted:]), *old[max(needed, 0) :]]
        if now < self.pause:
            return Plan(leave=tuple(surplus), again=self.pause)
        return Plan(max(wanted - len(new), 0), tuple(surplus), self.stirred + idle_ms + 1)
