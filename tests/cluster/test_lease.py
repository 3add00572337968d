"""Which of several controllers leads, by a Lease of a real cluster."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import kube
import pytest
from e2e.conftest import Server
from e2e.test_parts import gauge
from e2e.test_postgresql import until

from brignb.cluster import lease as leases
from brignb.cluster.connection import connect
from brignb.cluster.lease import Lease
from brignb.cluster.paths import path
from brignb.errors import Conflict, Refused
from brignb.executors.kubernetes.rights import role


@pytest.fixture
async def connection():
    made = await connect()
    yield made
    await made.close()


@pytest.fixture
def quick(monkeypatch):
    """Its times, a sixth of what they are."""
    for name, value in (("SECONDS", 2), ("GIVE_UP", 1.5), ("RENEW", 0.3)):
        monkeypatch.setattr(leases, name, value)


@pytest.fixture
def candidate(connection, namespace, request):
    name = request.node.name.replace("_", "-")
    return lambda holder, to=connection: Lease(to, namespace, name, holder=holder)


async def test_one_has_it_and_the_next_one_when_it_lets_go(quick, candidate):
    first, second = candidate("first"), candidate("second")
    await asyncio.wait_for(first.take(), 20)
    keeping = asyncio.create_task(first.keep())
    waiting = asyncio.create_task(second.take())
    await asyncio.sleep(3 * leases.SECONDS)  # longer than one that says nothing keeps it
    assert not keeping.done()
    assert not waiting.done()
    keeping.cancel()
    await first.release()
    await asyncio.wait_for(waiting, 20)


async def test_who_says_nothing_loses_it_and_does_not_go_on(quick, candidate):
    """Nobody tells a process that stood still; it sees by its own clock that its time is over, before it asks anybody."""
    first, second = candidate("first"), candidate("second")
    await asyncio.wait_for(first.take(), 20)
    await asyncio.wait_for(second.take(), 20)
    with pytest.raises(Conflict, match="stood still"):
        await first.keep()
    keeping = asyncio.create_task(second.keep())
    await first.release()  # it is not ours to let go of
    await asyncio.sleep(2 * leases.RENEW)
    assert not keeping.done()
    keeping.cancel()


async def test_of_those_that_want_it_at_once_one_has_it(quick, candidate):
    """A Lease that is not there yet, and one whose holder has let go: the API server takes one write."""
    waiting = {asyncio.create_task(candidate(f"c{number}").take()) for number in range(5)}
    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    more, waiting = await asyncio.wait(waiting, timeout=leases.SECONDS / 2)
    assert len(done | more) == 1
    for task in waiting:
        task.cancel()


@pytest.fixture
async def account(namespace, kubeconfig, monkeypatch):
    """Connections of accounts that may do nothing but what they are given."""
    made = []

    async def make(name, rights):
        token = kube.token(namespace, name)
        kube.grant(namespace, name, role(name, namespace, rights))
        with monkeypatch.context() as patched:
            patched.setenv("KUBECONFIG", kubeconfig(token=token, namespace=namespace))
            made.append(await connect())
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def test_its_rights_are_enough(quick, account, candidate):
    one = candidate("one", await account("leader", leases.RIGHTS))
    await asyncio.wait_for(one.take(), 20)
    keeping = asyncio.create_task(one.keep())
    await asyncio.sleep(2 * leases.SECONDS)
    assert not keeping.done()
    keeping.cancel()
    await one.release()


async def test_an_account_that_may_not_is_told_so(quick, account, candidate):
    """It would wait for ever, for a Lease that nobody has."""
    less = tuple((kind, tuple(verb for verb in verbs if verb != "create"), why) for kind, verbs, why in leases.RIGHTS)
    with pytest.raises(Refused, match="cannot create"):
        await asyncio.wait_for(candidate("one", await account("poor", less)).take(), 20)


def test_a_controller_that_stands_still_is_replaced(namespace, tmp_path, postgresql, monkeypatch):
    """Two real processes, with the times that they have in life: the first is stopped, and the second leads; the first goes on, and ends."""
    monkeypatch.setenv("BRIGNB_STORE", postgresql())
    shared, where = tmp_path / "first", path(namespace, "leases", "brignb", group="coordination.k8s.io/v1")
    words = ("--parts", "controller", "--workers", "1", "--lease", f"{namespace}/brignb",
             "--key-file", str(shared / "key"), "--token-file", str(shared / "token"))  # fmt: skip

    def holder():
        return kube.asked("GET", where)["spec"].get("holderIdentity")

    with contextlib.ExitStack() as stack:
        running = []
        for name in ("first", "second"):
            server = Server(tmp_path / name, *words)
            server.token = shared / "token"
            stack.callback(lambda one=server: one.process.poll() is None and one.stop(signal.SIGKILL))
            running.append(server.start())
            until(lambda: gauge(running[0], "brignb_leader") == 1)
        first, second = running
        before = holder()
        first.process.send_signal(signal.SIGSTOP)
        until(lambda: gauge(second, "brignb_leader") == 1)
        assert holder() not in {before, ""}
        assert first.stop(signal.SIGCONT) == 2
        assert "Lease" in first.log.read_text()
        assert second.stop() == 0
        assert holder() == ""
