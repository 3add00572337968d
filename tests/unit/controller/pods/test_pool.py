"""How many warm workers there are, decided without a cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brignb.controller.pods.pool import Pool
from brignb.controller.pods.seen import Seen
from brignb.model.builds import State
from brignb.model.jobs import JobStatus
from brignb.model.projects import Project

NOW = 1_800_000_000_000
IDLE = 900_000
PROJECT = Project(name="o/r", warm_workers=2)


def pod(name, **facts):
    fields = {
        "project_id": PROJECT.id,
        "attempt": None,
        "made_of": "new",
        "made_at": NOW,
        "started": True,
        "leaving": False,
    }
    return Seen(**{"name": name, **fields, "hindrance": None, "last_words": "", "ended": None, **facts})


def pool(**facts):
    return Pool(PROJECT, "new", **{"stirred": NOW, **facts})


def test_what_is_missing_is_made_what_is_too_much_goes():
    """The oldest stay: they are ready."""
    assert pool().plan([], NOW, IDLE).make == 2
    assert pool().plan([pod("a")], NOW, IDLE).make == 1
    three = pool().plan([pod("a"), pod("b"), pod("c")], NOW, IDLE)
    assert (three.make, three.leave) == (0, ("c",))


def test_one_that_is_leaving_is_replaced_and_not_told_again():
    """It finishes its build, which takes a while."""
    plan = pool().plan([pod("a", leaving=True), pod("b")], NOW, IDLE)
    assert (plan.make, plan.leave) == (1, ())


def test_without_an_event_for_long_all_go_and_an_event_brings_them_back():
    """Pods that wait cost memory."""
    resting = pool(stirred=NOW - IDLE - 1)
    plan = resting.plan([pod("a"), pod("b")], NOW, IDLE)
    assert (plan.make, plan.leave, plan.again) == (0, ("a", "b"), None)
    resting.stir(NOW)
    assert resting.plan([], NOW, IDLE).make == 2


def test_a_new_make_waits_before_the_old_one_goes():
    """A new image must not leave a gap in which builds are slow."""
    old = [pod("a", made_of="old"), pod("b", made_of="old")]
    assert pool().plan(old, NOW, IDLE).leave == ()
    starting = [*old, pod("c", started=False), pod("d", started=False)]
    assert (pool().plan(starting, NOW, IDLE).make, pool().plan(starting, NOW, IDLE).leave) == (0, ())
    half = [*old, pod("c"), pod("d", started=False)]
    assert pool().plan(half, NOW, IDLE).leave == ("b",)
    assert pool().plan([*old, pod("c"), pod("d")], NOW, IDLE).leave == ("a", "b")


@pytest.mark.parametrize(("failures", "pause"), [(1, 2_000), (3, 8_000), (20, 60_000)])
def test_workers_that_die_young_are_made_later_and_later(failures, pause):
    """An image that cannot run must not keep the cluster busy."""
    dying = pool()
    for _ in range(failures):
        dying.died(pod("a", ended=JobStatus(state=State.FAILED, exit_code=1, reason="exit_code")), NOW)
    assert dying.plan([], NOW, IDLE).make == 0
    assert dying.plan([], NOW, IDLE).again == NOW + pause
    assert dying.plan([], NOW + pause, IDLE).make == 2


def test_a_worker_that_has_done_its_builds_is_replaced_at_once():
    """Also one that was told to go, or lived long before it died."""
    ended = JobStatus(state=State.SUCCEEDED, exit_code=0)
    for seen in (
        pod("a", ended=ended),
        pod("a", leaving=True, ended=replace(ended, state=State.FAILED)),
        pod("a", made_at=NOW - 60_000, ended=replace(ended, state=State.LOST)),
    ):
        found = pool(failures=3, pause=NOW + 8_000)
        found.died(seen, NOW)
        assert found.plan([], NOW, IDLE).make == 2
