"""Held work trees: who waits for whom, what stays, what goes, what a crash leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from repos import ENVIRONMENT, Repo

from brignb.errors import SourceError
from brignb.model.events import Revision
from brignb.source import treecopy
from brignb.source.git import GitSource
from brignb.source.treecopy import copy_tree
from brignb.source.trees import Trees

MAIN = Revision(ref="main")


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "trees"


async def simple(folder: Path) -> None:
    """A tree of one file."""
    await asyncio.to_thread(folder.mkdir)
    await asyncio.to_thread((folder / "file").write_text, "x" * 10_000)


async def used(trees: Trees, *names: str) -> None:
    for name in names:
        (await trees.hold("p", name, simple)).release()


def there(root: Path) -> set[str]:
    return {path.name for path in (root / "p").iterdir() if path.is_dir()}


async def test_those_used_longest_ago_go_first(root):
    """The bound by count; a use counts, not the making."""
    trees = Trees(root, count=2)
    await used(trees, "a", "b", "a", "c")
    await trees.close()
    assert there(root) == {"a", "c"}
    assert {path.name for path in (root / "p").iterdir()} == {"a", "a.stamp", "c", "c.stamp"}


async def test_the_bound_by_size(root):
    """Three small trees are as bad as one large."""
    trees = Trees(root, size=30_000)
    await used(trees, "a", "b", "c", "d")
    await trees.close()
    assert there(root) == {"d", "c"}


async def test_a_held_tree_stays(root):
    """It is the lower layer of an overlay: its build would lose its files. Its holder's end makes room."""
    trees = Trees(root, count=1)
    a, b = await trees.hold("p", "a", simple), await trees.hold("p", "a", simple)
    held = await trees.hold("p", "held", simple)
    await used(trees, "c")
    a.release()
    a.release()
    await trees.close()
    assert there(root) == {"a", "held"}
    b.release()
    await trees.close()
    assert there(root) == {"held"}
    held.release()
    await trees.close()
    assert there(root) == {"held"}


async def test_a_tree_larger_than_the_bound(root):
    """It is made and used all the same, and goes when nobody has it."""
    trees = Trees(root, size=1)
    with await trees.hold("p", "a", simple) as folder:
        assert (folder / "file").exists()
    await trees.close()
    assert there(root) == set()


async def test_a_restart_finds_them(root):
    """The next server has them, and knows which was used last."""
    before = Trees(root)
    await used(before, "a", "b", "c")
    for at, name in enumerate(("b", "c", "a")):
        os.utime(root / "p" / f"{name}.stamp", (at, at))
    after = Trees(root, count=2)
    made = []

    async def make(folder: Path) -> None:
        made.append(folder)
        await simple(folder)

    for name in ("c", "a"):
        (await after.hold("p", name, make)).release()
    await after.close()
    assert made == []
    assert there(root) == {"a", "c"}


async def test_what_a_crash_left_is_no_tree(root, monkeypatch):
    """Half a tree, half a deletion, a stamp without a tree; and trees whose files a crash of the machine may have emptied."""
    before = Trees(root)
    await used(before, "a", "b")
    (root / "p" / ".x.1.1").mkdir()
    (root / "p" / "unstamped").mkdir()
    (root / "p" / "gone.stamp").write_text("{}")
    (root / "p" / "b.stamp").write_text("")
    after = Trees(root)
    await used(after, "a")
    await after.close()
    assert {path.name for path in (root / "p").iterdir()} == {"a", "a.stamp"}
    stamp = json.loads((root / "p" / "a.stamp").read_text())
    (root / "p" / "a.stamp").write_text(json.dumps({**stamp, "boot": "another"}))
    rebooted = Trees(root)
    await used(rebooted, "b")
    await rebooted.close()
    assert there(root) == {"b"}


async def test_a_tree_that_somebody_took_away_is_made_again(root):
    """A person who tidies up the home."""
    trees = Trees(root)
    await used(trees, "a")
    shutil.rmtree(root / "p")
    with await trees.hold("p", "a", simple) as folder:
        assert (folder / "file").exists()


async def test_a_failure_is_everybodys_and_is_not_kept(root):
    """All who waited hear it, the next one tries anew, and nothing stays on the disk."""
    trees = Trees(root)

    async def fail(folder: Path) -> None:
        await simple(folder)
        await asyncio.sleep(0)
        raise SourceError("no_source", "no")

    results = await asyncio.gather(*(trees.hold("p", "a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [SourceError] * 3
    await trees.close()
    assert list((root / "p").iterdir()) == []
    await used(trees, "a")


async def test_canceling_one_who_waits_leaves_the_others(root):
    """Two builds of a commit, one of which is canceled, be it the one that began to make the tree; without any the making ends."""
    trees = Trees(root)
    began, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(folder: Path) -> None:
        began.set()
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            ended.set()
            raise
        await simple(folder)

    first, second = (asyncio.create_task(trees.hold("p", "a", slow)) for _ in range(2))
    await began.wait()
    first.cancel()
    await asyncio.wait({first})
    assert not ended.is_set()
    second.cancel()
    third = asyncio.create_task(trees.hold("p", "a", slow))  # between the cancellation and its effect
    await asyncio.wait({second})
    go_on.set()
    (await third).release()
    assert first.cancelled()
    assert second.cancelled()
    go_on.clear()
    began.clear()
    only = asyncio.create_task(trees.hold("p", "b", slow))
    await began.wait()
    only.cancel()
    await asyncio.wait({only})
    assert ended.is_set()
    await trees.close()
    assert there(root) == {"a"}


async def test_a_tree_outlives_its_mirror(project, repo, tmp_path):
    """It shares packs with the mirror, which git deletes and makes anew; what it links it has."""
    source = GitSource(tmp_path / "sources", tmp_path / "trees")
    commit = await source.resolve(project, MAIN, any_commit=False)
    with await source.tree(project, commit) as tree:
        shutil.rmtree(tmp_path / "sources" / project.id)
        shutil.rmtree(repo.folder)
        Repo(tree).git("fsck", "--full")
        said = b"".join(path.read_bytes() for path in (tree / ".git").iterdir() if path.is_file())
        assert str(tmp_path / "sources").encode() not in said
    await source.close()


async def test_a_restarted_source_starts_no_git_for_a_tree(project, repo, tmp_path, counted):
    """After a restart it is found: nothing is cloned or checked out again."""
    before = GitSource(tmp_path / "sources", tmp_path / "trees")
    commit = await before.resolve(project, MAIN, any_commit=False)
    with await before.tree(project, commit) as made:
        was = (made / "brignb.ipynb").stat()
    await before.close()
    after = GitSource(tmp_path / "sources", tmp_path / "trees", git=str(counted))
    with await after.tree(project, commit) as found:
        assert (found / "brignb.ipynb").stat() == was
    commands = [line.split()[1] for line in (tmp_path / "git.log").read_text().splitlines()]
    assert set(commands) == {"config", "cat-file", "for-each-ref"}
    await after.close()


async def test_a_disk_that_refuses(project, repo, tmp_path):
    """A reason and a place, not a traceback: a build says so in its log."""
    source = GitSource(tmp_path / "sources", tmp_path / "trees")
    commit = await source.resolve(project, MAIN, any_commit=False)
    (tmp_path / "trees").write_text("")
    with pytest.raises(SourceError, match="cannot be kept") as caught:
        await source.tree(project, commit)
    assert caught.value.reason == "no_source"
    await source.close()


async def test_a_copy_shares_no_file(project, repo, tmp_path):
    """A job may overwrite every byte of it; the tree and the mirror share inodes, a copy has its own."""
    source = GitSource(tmp_path / "sources", tmp_path / "trees")
    commit = await source.resolve(project, MAIN, any_commit=False)
    await source.checkout(project, commit, tmp_path / "src")
    shared = [path for path in (tmp_path / "src").rglob("*") if path.is_file() and path.stat().st_nlink > 1]
    assert shared == []
    await source.close()


@pytest.mark.parametrize("way", ["the kernel's", "ours"])
async def test_a_copy_is_as_the_tree(tmp_path, monkeypatch, way):
    """`cp -a`: contents, modes, times, links, empty folders; where the file system cannot copy by itself, too."""
    if way == "ours":
        monkeypatch.setattr(treecopy, "_cloned", lambda *_: False)
    tree = tmp_path / "tree"
    (tree / "empty").mkdir(parents=True)
    (tree / "large").write_bytes(os.urandom(3_000_000))
    (tree / "run").write_text("x")
    (tree / "run").chmod(0o755)
    (tree / "link").symlink_to("nowhere")
    os.utime(tree / "run", (1, 1))
    await copy_tree(tree, tmp_path / "copy")
    copy = tmp_path / "copy"
    assert (copy / "large").read_bytes() == (tree / "large").read_bytes()
    assert (copy / "run").stat().st_mode & 0o777 == 0o755
    assert (copy / "run").stat().st_mtime == 1
    assert (copy / "link").readlink() == Path("nowhere")
    assert (copy / "empty").is_dir()


async def test_a_canceled_copy_has_stopped(tmp_path, monkeypatch):
    """The build's folder is deleted next: nobody may write there any more."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for n in range(100):
        (tree / f"{n}").touch()
    loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    copied = []

    def copy(source: str, _target: str) -> None:
        copied.append(source)
        loop.call_soon_threadsafe(begun.set)
        go_on.wait()

    monkeypatch.setattr(treecopy, "_copy", copy)
    task = asyncio.create_task(copy_tree(tree, tmp_path / "copy"))
    await begun.wait()
    task.cancel()
    loop.call_soon(go_on.set)  # after the task has heard of its cancellation
    await asyncio.wait({task})
    assert task.cancelled()
    assert len(copied) == 1


def overlays() -> bool:
    """Whether this machine lets us mount overlays in a user namespace of our own."""
    probe = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return (
        shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not overlays(), reason="no user namespaces here")
async def test_git_works_in_an_overlay_of_a_tree(project, repo, tmp_path):
    """How a build sees it: another device, another path, writes go elsewhere, and the index is right as it is."""
    source = GitSource(tmp_path / "sources", tmp_path / "trees")
    repo.git("tag", "v1")
    repo.commit({"brignb.ipynb": "two", "x": "x"})
    commit = await source.resolve(project, MAIN, any_commit=False)
    script = """
        mount -t tmpfs none "$1" && mkdir "$1/up" "$1/work" "$1/src" || exit 77
        mount -t overlay -o "lowerdir=$0,upperdir=$1/up,workdir=$1/work" none "$1/src" || exit 77
        cd "$1/src" && git status --porcelain && git describe --tags && find "$1/up" -type f
        echo 2wo > brignb.ipynb && truncate -s 3 brignb.ipynb && git status --porcelain && git log --format=%s
    """
    (tmp_path / "mnt").mkdir()
    with await source.tree(project, commit) as tree:
        unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
        command = [*unshare, tree, tmp_path / "mnt"]
        done = await asyncio.to_thread(
            subprocess.run, command, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        if done.returncode == 77:
            pytest.skip(f"no overlays here: {done.stderr}")
        described, *rest = done.stdout.splitlines()
        assert described.startswith("v1-1-g")
        assert rest == [" M brignb.ipynb", "change", "change"], "nothing was written before the job wrote"
        assert (tree / "brignb.ipynb").read_text() == "two"
    await source.close()
