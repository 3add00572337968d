"""Warm worker pods on a real cluster: how many there are, and what becomes of the builds in their hands. A shell script stands in for them."""

from __future__ import annotations

from brignb.controller.pods.naming import holder
from brignb.model.builds import State
from brignb.store.seam import Lease, Wanted

WAITS = "trap 'exit 0' TERM; until [ -e /tmp/go ]; do sleep 0.1; done; exit 1"


async def warm(ground) -> list[str]:
    """Names of warm pods that are there to stay."""
    found = await ground.objects("pods", "component=warm-worker")
    return [each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"]]


async def until_warm(ground, count: int) -> list[str]:
    async def there():
        found = await warm(ground)
        return [found] if len(found) == count else None

    (names,) = await ground.until(there)
    return names


async def taken(ground, name: str) -> str:
    """A warm worker of that name takes the project's next build, as the desk would for it."""
    at = ground.site.now_ms()
    lease = Lease(holder(name), at + 60_000)
    (build,) = await ground.site.store.claim(at=at, limit=1, only=Wanted("owner/repo"), lease=lease)
    return build.id


async def test_they_come_with_events_and_go_without(ground, runs):
    """Pods that wait cost memory; an event of a project that has none is not kept waiting for them."""
    runs(WAITS)
    await ground.project(warm_workers=2)
    await ground.lead(warm_idle=3)
    assert not await warm(ground)
    build = await ground.event()
    assert (await ground.until_build(build, lambda build: build.state is State.RUNNING)).holder == "pod/own"
    await until_warm(ground, 2)
    await until_warm(ground, 0)


async def test_a_build_is_left_to_those_that_wait_but_not_for_long(ground, runs):
    """They take it in milliseconds, or are all busy."""
    runs(WAITS)
    await ground.project(warm_workers=1)
    await ground.lead()
    first = await ground.event()
    await until_warm(ground, 1)
    await ground.until_running(2)
    await ground.until(lambda: waits(ground))
    build = await ground.event()
    started = await ground.until_build(build, lambda build: build.state is State.RUNNING)
    assert started.started_at - started.created_at >= 2000
    assert started.holder == "pod/own"
    assert (await ground.site.store.build(first)).state is State.RUNNING


async def waits(ground) -> bool:
    """Whether the controller has heard that a warm one waits."""
    return any(pod.waits for pod in ground.controller._sight)


async def test_the_build_of_one_that_dies_is_queued_again_and_another_takes_its_place(ground, runs):
    """As of any dead worker; its name is in the store."""
    runs(WAITS)
    await ground.project(warm_workers=1)
    await ground.event()
    await ground.lead()
    (name,) = await until_warm(ground, 1)
    await ground.until_running(2)
    await ground.until(lambda: waits(ground))
    await ground.event()
    build = await taken(ground, name)
    await ground.delete(name)
    await ground.until_build(build, lambda build: build.attempt == 2)
    assert "somebody deleted its worker pod" in ground.said(build)
    (other,) = await until_warm(ground, 1)
    assert other != name


async def test_a_new_image_replaces_them_without_a_gap(ground, runs):
    """The old one goes when the new one waits."""
    runs(WAITS)
    project = await ground.project(warm_workers=1)
    await ground.event()
    await ground.lead()
    (name,) = await until_warm(ground, 1)
    await ground.until(lambda: waits(ground))
    await ground.project(warm_workers=1, preload=("json",))
    await until_warm(ground, 2)
    (other,) = await until_warm(ground, 1)
    assert other != name
    assert project.preload == ()


async def test_a_project_that_wants_none_any_more_has_none(ground, runs):
    """Also one that was deleted."""
    runs(WAITS)
    await ground.project(warm_workers=1)
    await ground.event()
    await ground.lead()
    await until_warm(ground, 1)
    await ground.project()
    await until_warm(ground, 0)


async def test_another_leader_finds_them(ground, runs):
    """And makes no more."""
    runs(WAITS)
    await ground.project(warm_workers=2)
    await ground.event()
    await ground.lead()
    names = await until_warm(ground, 2)
    await ground.resign()
    await ground.lead()
    await ground.event()
    await ground.until(lambda: waits(ground))
    assert await warm(ground) == names
