"""What GitSource does beyond the contract of a source: how often it asks, what it survives, how it ends what it started."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop
from repos import Repo

from brignb.errors import SourceError
from brignb.model.events import Revision
from brignb.model.projects import Project
from brignb.source import git as git_module
from brignb.source import mirror as mirror_module
from brignb.source import objects as objects_module
from brignb.source.git import GitSource

MAIN = Revision(ref="main")


@pytest.fixture
async def source(tmp_path) -> AsyncIterator[GitSource]:
    made = GitSource(tmp_path / "sources", tmp_path / "trees")
    yield made
    await made.close()


@pytest.fixture
async def counting(tmp_path, counted) -> AsyncIterator[GitSource]:
    made = GitSource(tmp_path / "sources", tmp_path / "trees", git=str(counted))
    yield made
    await made.close()


def asked(tmp_path: Path, *commands: str) -> int:
    """How many git commands of a kind there were."""
    return sum(
        any(f" {word} " in f" {line} " for word in commands) for line in (tmp_path / "git.log").read_text().splitlines()
    )


async def test_a_commit_that_is_there_costs_no_network_and_no_process(counting, project, repo, tmp_path):
    """A push to a warm mirror whose commit came along before: the usual case of a busy repository."""
    commit = await counting.resolve(project, MAIN, any_commit=False)
    await counting.resolve(project, Revision(commit=commit), any_commit=False)
    with await counting.tree(project, commit):
        before = len((tmp_path / "git.log").read_text().splitlines())
    for _ in range(5):
        assert await counting.resolve(project, Revision(commit=commit), any_commit=False) == commit
        assert await counting.resolve(project, Revision(commit=commit), any_commit=True) == commit
        assert await counting.notebook(project, commit, "brignb.ipynb") == b"one"
        (await counting.tree(project, commit)).release()
    assert len((tmp_path / "git.log").read_text().splitlines()) == before


async def test_resolves_at_once_share_a_fetch(counting, project, repo, tmp_path):
    """Ten builds that wait for the mirror make it once; ten that ask for a branch fetch it once."""
    first = await asyncio.gather(*(counting.resolve(project, MAIN, any_commit=False) for _ in range(10)))
    assert (asked(tmp_path, "clone"), asked(tmp_path, "fetch")) == (1, 0)
    second = repo.commit({"x": "2"})
    assert set(await asyncio.gather(*(counting.resolve(project, MAIN, any_commit=False) for _ in range(10)))) == {
        second
    }
    assert asked(tmp_path, "fetch") == 1
    assert set(first) != {second}


async def test_a_failure_is_shared_too(counting, project, tmp_path):
    """Ten builds of a repository that hangs must not wait one after the other."""
    gone = replace(project, clone_url=(tmp_path / "gone").as_uri())
    results = await asyncio.gather(
        *(counting.resolve(gone, MAIN, any_commit=False) for _ in range(10)), return_exceptions=True
    )
    assert {getattr(result, "reason", None) for result in results} == {"repository_unreachable"}
    assert asked(tmp_path, "clone") == 1


async def test_two_sources_on_one_folder(source, project, repo, tmp_path):
    """Another process may work on the same mirrors."""
    other = GitSource(tmp_path / "sources", tmp_path / "trees")
    for _ in range(3):
        commit = repo.commit({})
        both = [each.resolve(project, MAIN, any_commit=False) for each in (source, other) for _ in range(3)]
        assert set(await asyncio.gather(*both)) == {commit}
    await other.close()


async def test_waiting_for_another_process_can_be_canceled(source, project, tmp_path):
    """Its lock is waited for in a thread that cannot be called off; what it gets late must not stay locked."""
    await source.resolve(project, MAIN, any_commit=False)
    held = os.open(tmp_path / "sources" / f"{project.id}.lock", os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(source.resolve(project, MAIN, any_commit=False), 0.05)
    os.close(held)
    assert await asyncio.wait_for(source.resolve(project, MAIN, any_commit=False), 5)


@pytest.fixture
def silent():
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def running(port: int) -> list[int]:
    """Processes that have a port on their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f":{port}".encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue  # it has ended
    return found


async def test_a_server_that_says_nothing_is_unreachable(project, silent, tmp_path):
    """A build fails within seconds even then, and nothing is left running."""
    port = silent.getsockname()[1]
    source = GitSource(tmp_path / "sources", tmp_path / "trees", stall=0.3)
    begin = time.monotonic()
    for revision in (Revision(), MAIN):
        with pytest.raises(SourceError, match=r"no answer within 0\.3 seconds") as caught:
            await source.resolve(replace(project, clone_url=f"git://127.0.0.1:{port}/x"), revision, any_commit=False)
        assert caught.value.reason == "repository_unreachable"
    assert time.monotonic() - begin < 5
    assert running(port) == []
    assert not list((tmp_path / "sources").glob("*.new"))


async def test_canceling_ends_git(source, project, silent):
    """A build that is canceled while its source is fetched leaves no process behind."""
    port = silent.getsockname()[1]
    url = f"git://127.0.0.1:{port}/x"
    task = asyncio.create_task(source.resolve(replace(project, clone_url=url), MAIN, any_commit=False))
    connection, _ = await asyncio.to_thread(silent.accept)
    assert running(port)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    connection.close()
    assert running(port) == []


async def test_canceling_a_read_loses_no_answers(source, project, repo):
    """The reader must not give the next one the answer to a question that nobody waits for."""
    repo.commit({f"{n}.ipynb": f"{n}" * 200_000 for n in range(20)} | {f"small-{n}.ipynb": f"{n}" for n in range(20)})
    commit = await source.resolve(project, MAIN, any_commit=False)
    for n in range(20):
        task = asyncio.create_task(source.notebook(project, commit, f"{n}.ipynb"))
        for _ in range(n):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await source.notebook(project, commit, f"small-{n}.ipynb") == f"{n}".encode()


async def test_readers_at_once_get_their_own_answers(source, project, repo):
    """One process answers all of a mirror."""
    repo.commit({f"{n}.ipynb": f"{n}" for n in range(20)})
    commit = await source.resolve(project, MAIN, any_commit=False)
    texts = await asyncio.gather(*(source.notebook(project, commit, f"{n}.ipynb") for n in range(20)))
    assert texts == [f"{n}".encode() for n in range(20)]


async def test_notebooks_that_are_too_large(source, project, repo, monkeypatch):
    """They are refused by their size, before they are in memory, and the reader goes on."""
    monkeypatch.setattr(objects_module, "SIZE_MAX", 1000)
    repo.commit({"large.ipynb": "x" * 1001, "fits.ipynb": "x" * 1000})
    commit = await source.resolve(project, MAIN, any_commit=False)
    with pytest.raises(SourceError) as caught:
        await source.notebook(project, commit, "large.ipynb")
    assert caught.value.reason == "notebook_invalid"
    assert await source.notebook(project, commit, "fits.ipynb") == b"x" * 1000


def _cut_objects(mirror: Path) -> None:
    for path in (mirror / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:20])


DAMAGE = {
    "objects cut off": _cut_objects,
    "objects gone": lambda mirror: shutil.rmtree(mirror / "objects"),
    "HEAD gone": lambda mirror: (mirror / "HEAD").unlink(),
    "HEAD garbled": lambda mirror: (mirror / "HEAD").write_bytes(b"\0\1"),
    "config gone": lambda mirror: (mirror / "config").unlink(),
    "config garbled": lambda mirror: (mirror / "config").write_text("[["),
    "refs gone": lambda mirror: (mirror / "packed-refs").unlink(),
    "refs garbled": lambda mirror: (mirror / "packed-refs").write_text("what?\n"),
    "all gone": shutil.rmtree,
    "empty": lambda mirror: (shutil.rmtree(mirror), mirror.mkdir()),
    "no folder": lambda mirror: (shutil.rmtree(mirror), mirror.write_text("")),
    "lock left behind": lambda mirror: (mirror / "packed-refs.lock").touch(),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("restarted", [True, False])
@pytest.mark.slow
async def test_a_damaged_mirror_is_made_afresh(source, project, repo, tmp_path, damage, restarted):
    """A crash, a full disk or a person in the wrong folder: the next build works all the same."""
    repo.git("branch", "doomed")
    commit = await source.resolve(project, MAIN, any_commit=False)
    mirror = tmp_path / "sources" / project.id
    await source.notebook(project, commit, "brignb.ipynb")
    if restarted:
        await source.close()
    DAMAGE[damage](mirror)
    repo.git("branch", "-D", "doomed")  # a fetch has to write, prune and unlock
    after = GitSource(tmp_path / "sources", tmp_path / "trees") if restarted else source
    await after.checkout(project, commit, tmp_path / "src")
    assert (tmp_path / "src" / "brignb.ipynb").read_text() == "one"
    assert await after.notebook(project, commit, "brignb.ipynb") == b"one"
    latest = repo.commit({"brignb.ipynb": "two"})
    assert await after.resolve(project, MAIN, any_commit=False) == latest
    assert await after.resolve(project, Revision(commit=commit), any_commit=False) == commit
    await after.checkout(project, latest, tmp_path / "src2")
    await after.close()


async def test_a_repository_that_is_itself_damaged(source, project, repo):
    """Making the mirror afresh does not help then, and is tried once."""
    await source.resolve(project, MAIN, any_commit=False)
    repo.commit({"brignb.ipynb": "two"})
    _cut_objects(repo.folder / ".git")
    with pytest.raises(SourceError) as caught:
        await source.resolve(project, MAIN, any_commit=False)
    assert caught.value.reason == "repository_unreachable"


async def test_tidying_keeps_what_builds_need(source, project, repo, tmp_path, monkeypatch):
    """Collecting garbage must not take a commit that a build was just resolved to."""
    repo.git("checkout", "--quiet", "--detach")
    stranger = repo.commit({"x": "stranger"})
    repo.git("checkout", "--quiet", "main")
    assert await source.resolve(project, Revision(commit=stranger), any_commit=True) == stranger
    monkeypatch.setattr(mirror_module, "PACKS", -1)
    repo.commit({"x": "2"})
    await source.resolve(project, MAIN, any_commit=False)
    mirror = tmp_path / "sources" / project.id
    assert len(list((mirror / "objects" / "pack").glob("*.pack"))) >= 1, "it was tidied"
    await source.checkout(project, stranger, tmp_path / "src")
    assert (tmp_path / "src" / "x").read_text() == "stranger"


@pytest.mark.slow
async def test_huge_histories_are_cut(project, repo, tmp_path):
    """A checkout of a repository with gigabytes of history has its last commits."""
    source = GitSource(tmp_path / "sources", tmp_path / "trees", history_max=0)
    for n in range(60):
        repo.commit({"x": f"{n}"})
    repo.git("checkout", "--quiet", "--detach", "main~1")
    stranger = repo.commit({"y": ""})
    repo.git("checkout", "--quiet", "main")
    for revision in (MAIN, Revision(commit=stranger)):
        commit = await source.resolve(project, revision, any_commit=True)
        await source.checkout(project, commit, tmp_path / commit)
        tree = Repo(tmp_path / commit)
        assert tree.git("rev-parse", "HEAD") == commit
        assert len(tree.git("log", "--format=%h").splitlines()) == 50
        assert tree.git("status", "--porcelain") == ""
        assert tree.git("remote", "get-url", "origin") == repo.url
        tree.git("fsck")
    await source.close()


async def test_readers_of_idle_projects_are_ended(source, repo, monkeypatch):
    """A server of a thousand projects does not keep a thousand processes."""
    monkeypatch.setattr(git_module, "OPEN_MAX", 2)
    projects = [Project(name=f"owner/{n}", clone_url=repo.url) for n in range(5)]
    for project in projects * 2:
        commit = await source.resolve(project, MAIN, any_commit=False)
        assert await source.notebook(project, commit, "brignb.ipynb") == b"one"
    assert sum(mirror.objects.idle for mirror in source._mirrors.values()) <= 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_a_repository_of_another_user(source, project, repo):
    """A `file:` remote is often another user's; git calls that dubious."""
    for path in (repo.folder, *repo.folder.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    assert await source.resolve(project, Revision(), any_commit=False)


async def test_without_git(project, tmp_path):
    """The message says what to install, not which file was not found."""
    source = GitSource(tmp_path / "sources", tmp_path / "trees", git="no-such-git")
    with pytest.raises(SourceError, match="install git"):
        await source.resolve(project, MAIN, any_commit=False)


async def test_a_checkout_that_cannot_be_made(source, project, tmp_path):
    """A file where the folder should be: the reason and git's words, not a traceback."""
    commit = await source.resolve(project, MAIN, any_commit=False)
    (tmp_path / "src").write_text("")
    with pytest.raises(SourceError) as caught:
        await source.checkout(project, commit, tmp_path / "src")
    assert caught.value.reason == "no_source"


async def test_files_are_private(source, project, tmp_path):
    """Mirrors hold private code."""
    await source.resolve(project, MAIN, any_commit=False)
    assert (tmp_path / "sources").stat().st_mode & 0o777 == 0o700
    assert not [path for path in (tmp_path / "sources").iterdir() if path.suffix in {".new", ".old"}]


def test_under_the_servers_event_loop(project, tmp_path):
    """`brignb serve` runs on uvloop, whose subprocesses are its own."""

    async def all_of_it() -> None:
        source = GitSource(tmp_path / "sources", tmp_path / "trees")
        commit = await source.resolve(project, MAIN, any_commit=False)
        assert await source.notebook(project, commit, "brignb.ipynb") == b"one"
        await source.checkout(project, commit, tmp_path / "src")
        await source.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_of_it())
