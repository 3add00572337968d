"""What is PostgreSQL's own: settings, who writes at once, two processes, and a database that goes away and comes back."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import postgresql as databases
import psycopg
import pytest

from brignb.errors import Away, BadInput, Conflict, Unavailable
from brignb.model.builds import State
from brignb.model.projects import Project
from brignb.store.leadership import Leadership
from brignb.store.line import Line
from brignb.store.news import SharedNews
from brignb.store.patience import patient
from brignb.store.sealing import Sealer
from brignb.store.sql import SqlStore

PROJECT = "acme/site"


@pytest.fixture
def url(postgresql) -> str:
    return postgresql()


@pytest.fixture
async def opened(url, sealer):
    """Opens as many stores on one database as a test asks for, as so many processes would."""
    stores = []

    async def make(**settings):
        store = SqlStore(settings.pop("url", url), sealer, **settings)
        await store.open()
        stores.append(store)
        return store

    yield make
    await asyncio.gather(*(store.close() for store in stores))


@pytest.fixture
def cluster():
    """To be killed."""
    made = databases.cluster()
    yield made
    made.stop()


# words


@pytest.mark.parametrize(
    "url", ["postgresql://u:hunter2@h", "postgresql+psycopg2://u:hunter2@h/db", "postgresql://u:hunter2@h:p/db"]
)
def test_urls_that_cannot_be_used_are_refused_without_their_password(url, sealer):
    with pytest.raises(BadInput) as refused:
        SqlStore(url, sealer)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@h/db", "postgres://u@h/db?password=hunter2"])
def test_a_missing_driver_is_said_with_its_extra(url, sealer, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "brignb.store.postgresql", raising=False)
    monkeypatch.delattr("brignb.store.postgresql", raising=False)
    with pytest.raises(BadInput, match="driver") as refused:
        SqlStore(url, sealer)
    assert "brignb[postgresql]" in refused.value.hint
    assert "hunter2" not in str(refused.value)


@pytest.mark.slow
def test_sqlite_does_not_pay_for_the_driver():
    code = "import brignb.wiring.serving, sys; sys.exit('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("extra", ["?password=hunter2", "?application_name=hunter2", "?no_such_word=hunter2"])
async def test_no_error_tells_what_the_url_holds(url, sealer, extra):
    """libpq's words may hold a password too."""
    store = SqlStore(url.replace(f":{databases.PASSWORD}@", ":wrong@") + extra, sealer)
    with pytest.raises(Unavailable) as refused:
        await store.open()
    assert "hunter2" not in str(refused.value)
    assert databases.PASSWORD not in str(refused.value)


# settings


@pytest.mark.slow
async def test_what_a_server_has_switched_off_is_switched_on_or_refused(sealer):
    """Commits before they are on the disk: switched on. A server that never writes to the disk: refused."""
    cluster = databases.cluster(synchronous_commit="off")
    store = SqlStore(f"{cluster.url}/postgres", sealer)
    await store.open()

    def setting(connection, name):
        return connection.exec_driver_sql(f"SHOW {name}").scalar()

    assert await store._database.write(setting, "synchronous_commit") == "on"
    assert await store._database.write(setting, "idle_in_transaction_session_timeout") == "10s"
    await store.close()
    with psycopg.connect(f"{cluster.url}/postgres", autocommit=True) as operator:
        operator.execute("ALTER SYSTEM SET fsync = off")
        operator.execute("SELECT pg_reload_conf()")
        operator.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    with pytest.raises(Unavailable, match="fsync=off"):
        await store_of(f"{cluster.url}/postgres", sealer).open()
    with pytest.raises(Unavailable, match="encoding is LATIN1"):
        await store_of(f"{cluster.url}/latin", sealer).open()
    cluster.stop()


def store_of(url, sealer):
    return SqlStore(url, sealer)


@pytest.mark.slow
async def test_readers_cannot_write(opened):
    store = await opened()
    with pytest.raises(Unavailable, match="read-only"):
        await store._database.read(lambda connection: connection.exec_driver_sql("DELETE FROM projects"))


@pytest.mark.slow
async def test_secrets_are_sealed_in_the_database(opened, url):
    """With the home's key, as in a file; another key is noticed at the start."""
    store = await opened()
    project = Project(name="acme/x", shared_secret="shared-0123456789", secrets={"SLACK": "slack-0123456789"})
    await store.put_project(project, at=1)
    assert await store.project("acme/x") == project
    with psycopg.connect(url) as other:
        (row,) = other.execute("SELECT row_to_json(projects)::text FROM projects").fetchone()
    assert "acme/x" in row
    assert b"0123456789".hex() not in row
    assert "0123456789" not in row
    with pytest.raises(Unavailable, match="another key"):
        await SqlStore(url, Sealer(b"j" * 32)).open()


@pytest.mark.slow
async def test_a_writer_that_stands_still_does_not_hold_the_others_up(opened, url, arrival):
    """One waits as long as it is told to, is told so, and the database itself is fine."""
    store = await opened(busy_ms=50)
    await store.put_project(Project(name=PROJECT), at=1)
    with psycopg.connect(url) as silent:
        silent.execute("SELECT pg_advisory_xact_lock(%s)", (0x6272_6967_6E62,))
        with pytest.raises(Unavailable, match="lock"):
            await store.accept([arrival(1)])
        assert (await store.builds()).items == ()
    assert await store.accept([arrival(1)])


# several processes


@pytest.mark.slow
async def test_two_that_start_at_once_migrate_once(url, sealer):
    stores = [SqlStore(url, sealer) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(store.put_project(Project(name=f"acme/{n}"), at=1) for n, store in enumerate(stores)))
    assert len(await stores[0].projects()) == 4
    await asyncio.gather(*(store.close() for store in stores))


@pytest.mark.slow
async def test_two_gateways_and_two_controllers_do_nothing_twice(opened, arrival):
    """Each delivery comes in at both at once and makes one build; each build is claimed once, in the order of arrival."""
    one, two = await opened(), await opened()
    await one.put_project(Project(name=PROJECT), at=1)
    calls = [(n, store) for n in range(200) for store in (one, two)]
    answers = await asyncio.gather(*(store.accept([arrival(n, f"d{n}")]) for n, store in calls))
    assert sum(not accepted.duplicate for (accepted,) in answers) == 200
    assert len({accepted.build_id for (accepted,) in answers}) == 200
    order = [build.id for build in (await one.builds(limit=1000)).items][::-1]
    claims = await asyncio.gather(*(store.claim(at=2_000, limit=7) for _ in range(20) for store in (one, two)))
    claimed = [build.id for claim in claims for build in claim]
    assert sorted(claimed) == sorted(order)
    for claim in claims:
        places = [order.index(build.id) for build in claim]
        assert places == list(range(places[0], places[0] + len(places))) if places else True


@pytest.mark.slow
async def test_word_goes_between_processes(url, opened, arrival):
    """News, its end, projects, and that a build waits; nobody hears himself."""
    heard = {name: asyncio.Queue() for name in "ab"}
    stores = {name: await opened() for name in "ab"}
    lines = {
        name: Line(url, heard=lambda *word, name=name: heard[name].put_nowait(word), own=store.own)
        for name, store in stores.items()
    }
    news = {name: SharedNews(line.tell) for name, line in lines.items()}
    async with running(*lines.values()):
        news["a"].ring("B1")
        assert await soon(heard["b"]) == ("build", "B1")
        await stores["a"].put_project(Project(name=PROJECT), at=1)
        assert await soon(heard["b"]) == ("projects", "")
        await stores["a"].accept([arrival(1)])
        assert await soon(heard["b"]) == ("pending", "")
        (build,) = await stores["a"].claim(at=2, limit=1)
        await stores["a"].requeue(build.id, attempt=1, lost=False)
        assert await soon(heard["b"]) == ("pending", "")
        seen = news["b"].seen("B1")
        waiting = asyncio.create_task(news["b"].wait("B1", seen))
        await asyncio.sleep(0)
        news["a"].forget("B1")
        news["b"].heard(*await soon(heard["b"]))
        await asyncio.wait_for(waiting, 5)
        lines["b"].tell("last")
        assert await soon(heard["a"]) == ("last", "")
        assert heard["b"].empty()


@pytest.mark.slow
async def test_projects_are_looked_at_again_when_another_process_has_changed_them(opened):
    one, two = await opened(), await opened()
    await one.put_project(Project(name=PROJECT, timeout=1), at=1)
    assert (await two.project(PROJECT)).timeout == 1
    await one.put_project(Project(name=PROJECT, timeout=2), at=2, replace=True)
    two.look_again()
    assert (await two.project(PROJECT)).timeout == 2


@pytest.fixture
async def leader(url, opened):
    """Makes candidates for one database, each a store and its leadership."""
    made = []

    async def make(**settings):
        store = await opened()
        made.append(Leadership(url, store, **settings))
        return store, made[-1]

    yield make
    for leadership in made:
        await leadership.close()


@pytest.mark.slow
async def test_one_server_has_a_database(leader):
    """A second one is told so, or waits until the first has let go."""
    (_, first), (_, second), (_, third) = [await leader() for _ in range(3)]
    await first.take(wait=False)
    with pytest.raises(Conflict, match="another server has this database"):
        await second.take(wait=False)
    waiting = asyncio.create_task(third.take(wait=True))
    await until_waits(first)
    await first.close()
    await asyncio.wait_for(waiting, 10)


@pytest.mark.slow
async def test_who_stood_still_is_replaced_and_writes_nothing_more(leader, arrival):
    """As a SIGSTOP would have it: its event loop says nothing, its connections are open; and then it goes on, and wants to write at
    once, before it has heard of anything."""
    (old, first), (new, second), (gateway, _) = [await leader(silence=0.3) for _ in range(3)]
    await new.put_project(Project(name=PROJECT), at=1)
    await first.take(wait=False)
    keeping = asyncio.create_task(second.take(wait=True))
    await gateway.accept([arrival(1)])
    await asyncio.wait_for(keeping, 10)
    with pytest.raises(Away):
        await old.claim(at=2, limit=1)
    with pytest.raises(Away):
        await old.put_project(Project(name="owner/other"), at=2)
    with pytest.raises(Conflict):
        await asyncio.wait_for(first.keep(), 10)
    (build,) = await new.claim(at=3, limit=1)
    assert build.attempt == 1
    await gateway.accept([arrival(2)])  # who only takes events needs no lock


# away and back


@pytest.mark.slow
async def test_a_database_that_dies_is_away_and_then_back(cluster, sealer, arrival):
    """kill -9: what waits is told, what was acknowledged is there, the patient go on, and the line is heard again."""
    url = f"{cluster.url}/postgres"
    store, told = SqlStore(url, sealer), asyncio.Queue()
    await store.open()
    await store.put_project(Project(name=PROJECT), at=1)
    line, other = Line(url, heard=lambda *word: told.put_nowait(word)), Line(url, heard=print)
    accepted = []
    async with running(line, other):
        for round_number in range(2):
            numbers = range(round_number * 100, round_number * 100 + 20)
            accepted += await asyncio.gather(*(store.accept([arrival(n)]) for n in numbers))
            cluster.kill()
            answers = await asyncio.gather(
                store.accept([arrival(1_000)]), store.counts(), store.check(), return_exceptions=True
            )
            assert {type(answer) for answer in answers} == {Away}
            assert databases.PASSWORD not in str(answers)
            other.tell("build", "told while it was away")  # heard, or covered by `all`
            waiting = asyncio.create_task(patient(store, in_doubt=print).counts())
            cluster.start()
            assert (await waiting)[State.PENDING] == len(accepted)
            assert await store.check() == {"database": "postgresql"}
            while await soon(told) != ("all", ""):  # after the words of the store's own commits, before the death
                pass
            other.tell("build", f"B{round_number}")
            while await soon(told) != ("build", f"B{round_number}"):
                pass
        found = {build.id for build in (await store.builds(limit=1000)).items}
        assert found == {one.build_id for (one,) in accepted}
    await store.close()


@pytest.mark.slow
async def test_a_leader_that_is_cut_off_leads_again_unless_it_was_replaced(url, leader, arrival):
    """Its sessions end, as by a proxy's restart; the second time another one stands in the queue."""
    (store, first), (other, second) = await leader(), await leader()
    await first.take(wait=False)
    await store.put_project(Project(name=PROJECT), at=1)
    keeping = asyncio.create_task(first.keep())
    cut_off(url)
    await until_holds(first, 1)
    assert await patient(store, in_doubt=print).delete_project(PROJECT) is not None
    await store.put_project(Project(name=PROJECT), at=1)
    waiting = asyncio.create_task(second.take(wait=True))
    await until_waits(first)
    cut_off(url)
    await asyncio.wait_for(waiting, 10)
    with pytest.raises(Conflict):
        await asyncio.wait_for(keeping, 10)
    await other.accept([arrival(1)])
    assert len(await other.claim(at=3, limit=1)) == 1


_OURS = "locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"


def cut_off(url):
    """End all sessions that have one of our locks."""
    with psycopg.connect(url, autocommit=True) as operator:
        operator.execute(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {_OURS} AND granted")


async def until_waits(leadership):
    """Until somebody waits for its lock."""
    await until_holds(leadership, 1, granted=False)


async def until_holds(leadership, number, *, granted=True):
    """Until so many of our locks are held. The database says so to nobody."""
    asking = f"SELECT count(*) FROM pg_locks WHERE {_OURS} AND granted = %s"
    async with asyncio.timeout(20), await leadership._reach.connected() as looking:
        while (await (await looking.execute(asking, (granted,))).fetchone())[0] != number:  # noqa: ASYNC110 - as it says
            await asyncio.sleep(0)


class running:  # noqa: N801 - reads as a word
    def __init__(self, *lines):
        self.lines = lines

    async def __aenter__(self):
        for line in self.lines:
            await line.open()
        self.tasks = [asyncio.create_task(line.run()) for line in self.lines]

    async def __aexit__(self, *_):
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)
        for line in self.lines:
            await line.close()


async def soon(queue):
    return await asyncio.wait_for(queue.get(), 10)
