"""What befalls worker pods, on a real cluster and a real store: each build ends, or waits again, for the reason that is true.

What the worker itself does is not asked here: a shell script stands in its place.
"""

from __future__ import annotations

import json
from dataclasses import replace

import kube
import pytest

from brignb.cluster.connection import connect
from brignb.controller.pods import looking, manifest
from brignb.controller.pods.rights import RIGHTS
from brignb.controller.pods.starting import CANCELED
from brignb.errors import Refused
from brignb.executors.kubernetes.rights import role
from brignb.model.builds import State
from brignb.model.projects import Limits

SECRET = "correct-horse-battery"


async def begun(ground, build_id):
    """The build's first cell runs, as its worker would say."""
    build = await ground.until_build(build_id, lambda build: build.state is State.RUNNING)
    await ground.until_running()
    await ground.site.store.note_first_cell(build_id, attempt=build.attempt, at=ground.site.now_ms())


async def test_an_image_that_is_not_there_fails_the_build_with_the_registrys_words(ground):
    """After the grace; in the build's log, too, since there is no worker to say it."""
    await ground.project(v1={"worker.registry": "localhost", "worker.name": "no-such-image", "worker.tag": "1"})
    build = await ground.event()
    await ground.lead()
    ended = await ground.ended(build)
    assert (ended.state, ended.reason) == (State.FAILED, "image_pull")
    assert "localhost/no-such-image:1" in ended.message
    assert "no-such-image" in ground.said(build)
    await ground.until_nothing()


async def test_a_pod_that_no_node_takes_fails_the_build(ground):
    """When there is nobody whose end could make room."""
    await ground.project()
    await ground.lead(cpu_request="1000")
    ended = await ground.ended(await ground.event())
    assert (ended.state, ended.reason) == (State.FAILED, "unschedulable")
    assert "Insufficient cpu" in ended.message


async def test_an_image_without_brignb_fails_the_build(ground):
    """It would not have it at the next try either."""
    await ground.project()
    await ground.lead()
    ended = await ground.ended(await ground.event())
    assert (ended.state, ended.reason) == (State.FAILED, "start")
    assert "brignb" in ended.message


async def test_a_worker_that_is_out_of_memory_before_its_first_cell_is_tried_again_then_lost(ground, runs):
    """A node may have been short of it; five times in a row it is the build."""
    runs("x=y; while :; do x=$x$x; done")
    await ground.project(limits=Limits(memory=1))
    await ground.lead()
    ended = await ground.ended(await ground.event())
    assert (ended.state, ended.reason, ended.attempt) == (State.LOST, "oom", 5)
    assert "memory" in ended.message
    await ground.until_nothing()


async def test_a_worker_that_is_out_of_memory_after_its_first_cell_is_lost(ground, runs):
    """Its cells may have done anything: it is not run again unless the project says so."""
    runs("until [ -e /tmp/go ]; do sleep 0.1; done; x=y; while :; do x=$x$x; done")
    await ground.project(limits=Limits(memory=1))
    await ground.lead()
    build = await ground.event()
    await begun(ground, build)
    (pod,) = await ground.until_running()
    await kube.run(ground.namespace, pod, "touch /tmp/go")
    ended = await ground.ended(build)
    assert (ended.state, ended.reason, ended.attempt) == (State.LOST, "oom", 1)


async def test_a_pod_deleted_before_the_first_cell_is_queued_again(ground, runs):
    """Another pod, of another attempt, takes its place; nothing of the first one stays."""
    runs("sleep 100")
    await ground.project()
    await ground.lead()
    build = await ground.event()
    (pod,) = await ground.until_running()
    await ground.delete(pod)
    again = await ground.until_build(build, lambda build: build.attempt == 2 and build.state is State.RUNNING)
    assert again.first_cell_at is None
    assert await ground.until_running() == [f"{pod}-2"]
    assert "somebody deleted its worker pod" in ground.said(build)


async def test_a_pod_deleted_after_the_first_cell_is_lost_or_retried_by_the_projects_word(ground, runs):
    """As of any dead worker."""
    runs("sleep 100")
    await ground.project(retries=1)
    await ground.lead()
    build = await ground.event()
    await begun(ground, build)
    await ground.delete((await ground.pods())[0])
    again = await ground.until_build(build, lambda build: build.attempt == 2 and build.state is State.RUNNING)
    assert again.losses == 1
    await begun(ground, build)
    await ground.delete((await ground.pods())[0])
    ended = await ground.ended(build)
    assert (ended.state, ended.reason, ended.message) == (State.LOST, "deleted", "somebody deleted its worker pod")


async def test_a_worker_that_ends_without_a_word_has_its_last_line_told_redacted(ground, runs):
    """Whatever it was, it is in the worker pod's log, which goes with the pod."""
    runs("cat /etc/brignb/secrets.json; echo; echo no route to the server; echo using " + SECRET + "; exit 3")
    await ground.project(secrets={"PASSWORD": SECRET})
    await ground.lead()
    build = await ground.event()
    ended = await ground.ended(build)
    assert (ended.state, ended.reason) == (State.LOST, "worker_died")
    assert "exit code 3" in ended.message
    assert "using" in ended.message
    assert SECRET not in ended.message + ground.said(build)


async def test_no_more_are_started_at_once_than_the_operator_says(ground):
    """A node that starts too many starts none in time; the others wait in the queue, which costs nothing."""
    await ground.project(v1={"worker.registry": "localhost", "worker.name": "no-such-image", "worker.tag": "1"})
    builds = [await ground.event() for _ in range(4)]
    await ground.lead(starts=2, pull_grace=600)
    await ground.until_build(builds[1], lambda build: build.state is State.RUNNING)
    await ground.until(lambda: counted(ground, 2))
    await ground.site.store.cancel(builds[0], at=ground.site.now_ms())
    await ground.ended(builds[0])
    await ground.until_build(builds[2], lambda build: build.state is State.RUNNING)
    assert (await ground.site.store.build(builds[3])).state is State.PENDING


async def counted(ground, number):
    return len(await ground.pods()) == number


async def test_a_cancel_while_the_pod_starts_ends_the_build_and_takes_the_pod_away(ground):
    """There is no worker yet that could be told."""
    await ground.project(v1={"worker.registry": "localhost", "worker.name": "no-such-image", "worker.tag": "1"})
    await ground.lead(pull_grace=600)
    build = await ground.event()
    await ground.until(ground.pods)
    await ground.site.store.cancel(build, at=ground.site.now_ms())
    assert (await ground.ended(build)).state is State.CANCELED
    await ground.until_nothing()


async def test_a_leader_that_is_killed_is_followed_by_one_that_finds_its_pods(ground, runs):
    """What starts is waited for, what runs is left alone, what ended or went meanwhile is concluded."""
    runs("sleep 100")
    await ground.project()
    await ground.lead()
    running, deleted = await ground.event(), await ground.event()
    names = dict(zip([running, deleted], [manifest.cold_name(each, 1) for each in (running, deleted)], strict=True))
    await ground.until_running(2)
    await ground.resign()
    await ground.delete(names[deleted])
    waiting = await ground.event()
    await ground.lead()
    again = await ground.until_build(deleted, lambda build: build.attempt == 2 and build.state is State.RUNNING)
    assert again.holder == "pod/own"
    await ground.until_build(waiting, lambda build: build.state is State.RUNNING)
    await ground.until_running(3)
    left = await ground.site.store.build(running)
    assert (left.state, left.attempt) == (State.RUNNING, 1)
    assert names[running] in await ground.pods()


async def test_ended_pods_are_kept_for_people_as_long_as_their_builds(ground, runs, monkeypatch):
    """Who wants to look at them says so; retention takes them with the build."""
    monkeypatch.setattr(looking, "_KEPT_EVERY", 1)
    runs("exit 1")
    await ground.project()
    await ground.lead(keep=True)
    build = await ground.event()
    assert (await ground.ended(build)).attempt == 5
    kept = await ground.pods()
    assert {manifest.cold_name(build, attempt) for attempt in range(1, 6)} <= set(kept)
    await ground.site.store.expire(at=ground.site.now_ms(), keep_ms=None, keep_builds=0)
    await ground.until_nothing()


async def test_what_a_leader_left_half_made_is_finished_or_goes(ground, runs):
    """Killed between a claim and a pod, between a Secret and its pod, between a pod and what makes its Secret go with it."""
    runs("sleep 100")
    project = await ground.project()
    build = await ground.event()
    await ground.lead()
    await ground.until_running()
    await ground.resign()
    (pod,) = await ground.objects("pods")
    where = f"/api/v1/namespaces/{ground.namespace}/secrets"
    orphan, _pod = manifest.warm(project, ground.settings, random="orphan", token="t", authority="")
    await kube.ask("POST", where, orphan)
    name = pod["metadata"]["name"]
    await kube.ask("DELETE", f"{where}/{name}")
    bare = manifest.cold(project, await ground.site.store.build(build), ground.settings, token="t", authority="")[0]
    await kube.ask("POST", where, bare)
    await ground.lead()

    async def owned():
        found = await ground.objects("secrets")
        return found if [bool(each["metadata"].get("ownerReferences")) for each in found] == [True] else None

    (secret,) = await ground.until(owned)
    assert secret["metadata"]["name"] == name


async def test_a_pod_of_an_attempt_that_is_over_goes(ground, runs):
    """Its node was cut off, say: the build has long been somebody else's, and ended."""
    runs("trap '' TERM; sleep 100 & wait; wait")
    await ground.project()
    await ground.lead()
    build = await ground.event()
    await ground.until_running()
    await ground.site.store.cancel(build, at=ground.site.now_ms())
    await ground.site.store.finish(build, attempt=1, outcome=CANCELED, at=ground.site.now_ms())
    await ground.until_nothing()


async def test_a_worker_has_no_account_and_nothing_to_read_but_its_secrets_files(ground, runs):
    """Everybody who may list pods reads their words; everybody in the pod its environment."""
    runs(
        "ls /var/run/secrets/kubernetes.io 2>/tmp/no; env > /tmp/env; touch /x 2>/tmp/root; id -u > /tmp/id; sleep 100"
    )
    await ground.project(secrets={"PASSWORD": SECRET}, shared_secret="never-in-a-pod")
    await ground.lead()
    build = await ground.event()
    await ground.until_running()
    (pod,), (secret,) = await ground.objects("pods"), await ground.objects("secrets")
    token = ground.tokens.build(build, 1)
    assert not pod["spec"].get("automountServiceAccountToken")
    assert SECRET not in json.dumps(pod)
    assert token not in json.dumps(pod)
    name = pod["metadata"]["name"]
    inside = await kube.run(
        ground.namespace,
        name,
        "cat /tmp/env /tmp/no /tmp/root /tmp/id; ls -l /etc/brignb/..data/; mount | grep etc/brignb",
    )
    assert SECRET not in inside
    assert token not in inside
    assert "No such file" in inside
    assert "Read-only file system" in inside
    assert "\n1000\n" in inside
    assert "tmpfs" in inside
    assert set(secret["data"]) == {"token", "secrets.json"}
    assert SECRET in await kube.run(ground.namespace, name, "cat /etc/brignb/secrets.json")
    assert "never-in-a-pod" not in await kube.run(ground.namespace, name, "cat /etc/brignb/*")


async def test_another_servers_pods_are_left_alone(ground, runs):
    """Two may share a namespace; their builds are nobody else's."""
    runs("sleep 100")
    project = await ground.project()
    build = await ground.event()
    await ground.lead(mark="one")
    await ground.until_running()
    other = await ground.event()
    await ground.site.store.claim(at=ground.site.now_ms(), limit=1)
    claimed = replace(await ground.site.store.build(other), attempt=7)
    theirs = replace(ground.settings, mark="two")
    for kind, manifest_ in zip(
        ("secrets", "pods"), manifest.cold(project, claimed, theirs, token="t", authority=""), strict=True
    ):
        await kube.ask("POST", f"/api/v1/namespaces/{ground.namespace}/{kind}", manifest_)
    await ground.until_running(2)
    await ground.site.store.cancel(build, at=ground.site.now_ms())
    await ground.site.store.finish(build, attempt=1, outcome=CANCELED, at=ground.site.now_ms())
    await ground.until(lambda: left_with(ground, manifest.cold_name(other, 7)))


async def left_with(ground, name):
    return await ground.pods() == [name]


async def test_an_account_with_these_rights_can_do_it_all(ground, runs, kubeconfig, monkeypatch):
    """The list that the chart's Role is made of is enough."""
    runs("until [ -e /tmp/go ]; do sleep 0.1; done; exit 1")
    token = kube.token(ground.namespace, "controller")
    kube.grant(ground.namespace, "controller", role("controller", ground.namespace, RIGHTS))
    with monkeypatch.context() as patched:
        patched.setenv("KUBECONFIG", kubeconfig(token=token, namespace=ground.namespace))
        connection = await connect()
    await ground.project("owner/warm", warm_workers=1)
    await ground.project()
    await ground.lead(connection=connection)
    warm, build = await ground.event("owner/warm"), await ground.event()
    pods = await ground.until_running(3)
    for pod in pods:
        await kube.run(ground.namespace, pod, "touch /tmp/go")
    for each in (warm, build):
        await ground.until_build(each, lambda build: build.attempt == 2)


async def test_missing_rights_are_named_at_once(ground, kubeconfig, monkeypatch):
    """A controller that claims builds and cannot make pods would lose them one after the other."""
    token = kube.token(ground.namespace, "little")
    kube.grant(ground.namespace, "little", role("little", ground.namespace, RIGHTS[:1]))
    with monkeypatch.context() as patched:
        patched.setenv("KUBECONFIG", kubeconfig(token=token, namespace=ground.namespace))
        connection = await connect()
    await ground.lead(connection=connection)
    with pytest.raises(Refused, match="create secrets"):
        await ground.leading
    await connection.close()
