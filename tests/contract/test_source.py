"""What every Source must do. `source` makes the implementations that are tested."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from repos import Repo

from brignb.errors import SourceError
from brignb.model.events import Revision
from brignb.model.projects import Project
from brignb.source.git import GitSource
from brignb.source.seam import Source


@dataclass
class Site:
    """A repository with a bit of everything, and the project of it."""

    repo: Repo
    project: Project
    commits: dict[str, str]


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """Made once: main with two commits, a branch, a light and an annotated tag, a stranger's pull request."""
    repo = Repo.new(tmp_path_factory.mktemp("template") / "repo")
    first = repo.commit({"brignb.ipynb": "one", "deep/er/x.ipynb": "deep"}, "first")
    repo.git("tag", "-a", "v1", "-m", "one")
    (repo.folder / "link.ipynb").symlink_to("brignb.ipynb")
    second = repo.commit({"brignb.ipynb": "two", "run.sh": "#!/bin/sh\n"}, "second")
    repo.git("branch", "topic/one", first)
    repo.git("tag", "light", first)
    repo.git("checkout", "--quiet", "--detach", first)
    stranger = repo.commit({"brignb.ipynb": "evil"}, "stranger")
    stranger_tip = repo.commit({"more": ""}, "stranger's second")
    repo.git("update-ref", "refs/pull/7/head", stranger_tip)
    repo.git("checkout", "--quiet", "main")
    return repo.folder, {"first": first, "second": second, "stranger": stranger, "stranger_tip": stranger_tip}


@pytest.fixture
def site(tmp_path, template) -> Site:
    folder, commits = template
    shutil.copytree(folder, tmp_path / "repo", symlinks=True)
    repo = Repo(tmp_path / "repo")
    return Site(repo, Project(name="owner/repo", clone_url=repo.url), commits)


@pytest.fixture(params=["git"])
async def source(request, tmp_path) -> AsyncIterator[Source]:
    made = GitSource(tmp_path / "sources", tmp_path / "trees")
    yield made
    await made.close()


async def reason(awaitable) -> str:
    with pytest.raises(SourceError) as caught:
        await awaitable
    assert str(caught.value)
    return caught.value.reason


async def test_a_commit(source, site):
    """The usual case: a push names its commit."""
    for name in ("first", "second"):
        revision = Revision(commit=site.commits[name], ref="refs/heads/nonsense")
        assert await source.resolve(site.project, revision, any_commit=False) == site.commits[name]


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("main", "second"),
        ("refs/heads/main", "second"),
        ("heads/main", "second"),
        ("topic/one", "first"),
        ("v1", "first"),
        ("refs/tags/v1", "first"),
        ("tags/light", "first"),
        ("HEAD", "second"),
        (None, "second"),
    ],
)
async def test_a_ref(source, site, ref, name):
    """Branches, tags (annotated ones peeled), full names, and the remote's HEAD when nothing is said."""
    assert await source.resolve(site.project, Revision(ref=ref), any_commit=False) == site.commits[name]


async def test_a_tag_wins_over_a_branch_of_its_name(source, site):
    """Git's own rule (`git help revisions`)."""
    site.repo.git("branch", "light", site.commits["second"])
    assert await source.resolve(site.project, Revision(ref="light"), any_commit=False) == site.commits["first"]


async def test_a_tags_digest_is_its_commit(source, site):
    """GitHub's push of an annotated tag names the tag object."""
    tag = site.repo.git("rev-parse", "refs/tags/v1")
    assert await source.resolve(site.project, Revision(commit=tag), any_commit=False) == site.commits["first"]


async def test_refs_that_move_are_seen(source, site):
    """A ref is asked for each time: branch forward, branch forced back, tag moved, default branch changed."""
    main = Revision(ref="main")
    assert await source.resolve(site.project, main, any_commit=False) == site.commits["second"]
    third = site.repo.commit({"x": "3"})
    assert await source.resolve(site.project, main, any_commit=False) == third
    site.repo.git("reset", "--quiet", "--hard", site.commits["first"])
    site.repo.git("tag", "--force", "light", third)
    assert await source.resolve(site.project, main, any_commit=False) == site.commits["first"]
    assert await source.resolve(site.project, Revision(ref="light"), any_commit=False) == third
    site.repo.git("checkout", "--quiet", "-b", "trunk", third)
    assert await source.resolve(site.project, Revision(), any_commit=False) == third


async def test_branches_that_become_folders_of_branches(source, site):
    """`topic` gone and `topic/one` come (and back) must not jam the mirror."""
    assert await source.resolve(site.project, Revision(ref="topic/one"), any_commit=False)
    site.repo.git("branch", "-D", "topic/one")
    site.repo.git("branch", "topic", site.commits["first"])
    assert await source.resolve(site.project, Revision(ref="topic"), any_commit=False) == site.commits["first"]
    assert await reason(source.resolve(site.project, Revision(ref="topic/one"), any_commit=False)) == "ref_not_found"


@pytest.mark.parametrize(
    "ref",
    [
        "nothing",
        "refs/heads/nothing",
        "refs/pull/8/head",
        "main~1",
        "main^{tree}",
        "main@{1}",
        ":/first",
        "main:run.sh",
        "..",
        "../../etc",
        "--upload-pack=id",
        "refs/heads/--upload-pack=id",
        "refs/heads/*",
        "a b",
        "a\nb",
        "@",
        "x.lock",
    ],
)
async def test_refs_that_are_none(source, site, ref):
    """Missing ones, and names that git would read as an expression, an option, a pattern or a path."""
    assert await reason(source.resolve(site.project, Revision(ref=ref), any_commit=True)) == "ref_not_found"


async def test_abbreviated_commits_are_refs(source, site):
    """The contract: only 40 or 64 digits are a commit."""
    assert (
        await reason(source.resolve(site.project, Revision(ref=site.commits["first"][:10]), any_commit=True))
        == "ref_not_found"
    )


async def test_commits_that_do_not_exist(source, site):
    """Within seconds, with a reason that says so."""
    for digest in ("0" * 40, "12345678" * 5, "0" * 64):
        for any_commit in (False, True):
            got = await reason(source.resolve(site.project, Revision(commit=digest), any_commit=any_commit))
            assert got == "commit_not_found"


async def test_a_blob_is_no_commit(source, site):
    """A digest may name any object."""
    blob = site.repo.git("rev-parse", "HEAD:run.sh")
    assert await reason(source.resolve(site.project, Revision(commit=blob), any_commit=True)) == "commit_not_found"


async def test_a_strangers_commit_is_not_built(source, site):
    """The contract: reachable from neither a branch nor a tag."""
    revision = Revision(commit=site.commits["stranger_tip"])
    assert await reason(source.resolve(site.project, revision, any_commit=False)) == "untrusted_commit"
    assert (
        await reason(source.resolve(site.project, Revision(ref="refs/pull/7/head"), any_commit=False))
        == "untrusted_commit"
    )


async def test_a_strangers_commit_is_built_where_it_may(source, site):
    """A signed push, an accepted pull request, an API token; and only there, also when its objects are in the mirror."""
    for name, ref in (("stranger_tip", "refs/pull/7/head"), ("stranger", None)):
        revision = Revision(commit=site.commits[name], ref=ref)
        assert await source.resolve(site.project, revision, any_commit=True) == site.commits[name]
        assert await source.notebook(site.project, site.commits[name], "brignb.ipynb") == b"evil"
        assert await reason(source.resolve(site.project, revision, any_commit=False)) == "untrusted_commit"
    assert (
        await source.resolve(site.project, Revision(ref="refs/pull/7/head"), any_commit=True)
        == site.commits["stranger_tip"]
    )


async def test_a_merged_commit_becomes_trusted(source, site):
    """What was unreachable may be reachable by now: the remote is asked before anything is refused."""
    revision = Revision(commit=site.commits["stranger"])
    await source.resolve(site.project, revision, any_commit=True)
    site.repo.git("branch", "merged", site.commits["stranger"])
    assert await source.resolve(site.project, revision, any_commit=False) == site.commits["stranger"]


async def test_a_commit_that_was_on_a_branch_is_trusted_no_more(source, site):
    """A forced push takes commits back (a leaked secret, a bad merge)."""
    bad = site.repo.commit({"x": "bad"})
    assert await source.resolve(site.project, Revision(commit=bad), any_commit=False) == bad
    site.repo.git("reset", "--quiet", "--hard", site.commits["second"])
    await source.resolve(site.project, Revision(ref="main"), any_commit=False)
    assert await reason(source.resolve(site.project, Revision(commit=bad), any_commit=False)) in {
        "untrusted_commit",
        "commit_not_found",
    }


async def test_a_repository_that_cannot_be_reached(source, site, tmp_path):
    """The build's reason says so, and the message names the place and git's own words."""
    for url in (
        f"file://{tmp_path}/nothing",
        str(tmp_path / "nothing"),
        "https://127.0.0.1:1/x.git",
        "git://127.0.0.1:1/x",
    ):
        project = replace(site.project, clone_url=url)
        for revision in (Revision(), Revision(ref="main"), Revision(commit="1" * 40)):
            with pytest.raises(SourceError) as caught:
                await source.resolve(project, revision, any_commit=True)
            assert caught.value.reason == "repository_unreachable"
            assert caught.value.where == url


async def test_an_empty_repository(source, site, tmp_path):
    """It can be reached and has nothing; once it has something, that is found."""
    repo = Repo.new(tmp_path / "empty")
    project = replace(site.project, clone_url=repo.url)
    assert await reason(source.resolve(project, Revision(), any_commit=False)) == "ref_not_found"
    assert await reason(source.resolve(project, Revision(ref="main"), any_commit=False)) == "ref_not_found"
    assert await reason(source.resolve(project, Revision(commit="1" * 40), any_commit=False)) == "commit_not_found"
    commit = repo.commit({"x": ""})
    assert await source.resolve(project, Revision(), any_commit=False) == commit


async def test_a_project_that_moves_to_another_repository(source, site, tmp_path):
    """Nothing of the old one may answer for the new one."""
    await source.resolve(site.project, Revision(), any_commit=False)
    other = Repo.new(tmp_path / "other")
    commit = other.commit({"brignb.ipynb": "other"})
    moved = replace(site.project, clone_url=other.url)
    assert await source.resolve(moved, Revision(), any_commit=False) == commit
    assert (
        await reason(source.resolve(moved, Revision(commit=site.commits["first"]), any_commit=True))
        == "commit_not_found"
    )


async def test_sha256_repositories(source, tmp_path):
    """The contract knows commits of 64 digits."""
    repo = Repo.new(tmp_path / "sha256", kind="sha256")
    commit = repo.commit({"a/brignb.ipynb": "x"})
    project = Project(name="owner/sha256", clone_url=repo.url)
    assert len(commit) == 64
    assert await source.resolve(project, Revision(commit=commit), any_commit=False) == commit
    assert await source.notebook(project, commit, "a/brignb.ipynb") == b"x"
    await source.checkout(project, commit, tmp_path / "src")
    assert (tmp_path / "src" / "a" / "brignb.ipynb").read_text() == "x"


async def test_notebooks_at_commits(source, site):
    """The notebook is the one of the event's commit, not of the branch's tip."""
    for name, text in (("first", b"one"), ("second", b"two")):
        commit = await source.resolve(site.project, Revision(commit=site.commits[name]), any_commit=False)
        assert await source.notebook(site.project, commit, "brignb.ipynb") == text
    assert await source.notebook(site.project, commit, "deep/er/x.ipynb") == b"deep"
    for missing in ("nothing.ipynb", "nothing/x.ipynb", "run.sh/x.ipynb", "link.ipynb/x", "ünïcode x.ipynb"):
        assert await source.notebook(site.project, commit, missing) is None


async def test_a_notebook_is_its_projects_alone(source, site, tmp_path):
    """What was read for one project is not there for another that has not the commit, though it knows its digest."""
    commit = await source.resolve(site.project, Revision(), any_commit=False)
    assert await source.notebook(site.project, commit, "brignb.ipynb") == b"two"
    other = Repo.new(tmp_path / "other")
    other.commit({"brignb.ipynb": "other"})
    stranger = Project(name="owner/other", clone_url=other.url)
    assert await reason(source.notebook(stranger, commit, "brignb.ipynb")) == "commit_not_found"
    assert await reason(source.tree(stranger, commit)) == "commit_not_found"


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "./x",
        "a//b",
        "",
        ".",
        "a\nHEAD:run.sh",
        "a\0b",
        "link.ipynb",
        "deep",
        "deep/er",
    ],
)
async def test_paths_that_are_no_notebooks(source, site, path):
    """Paths that leave the repository, links (which may lead anywhere) and folders."""
    commit = await source.resolve(site.project, Revision(), any_commit=False)
    assert await reason(source.notebook(site.project, commit, path)) == "notebook_invalid"


async def test_a_checkout_is_a_work_tree(source, site, tmp_path):
    """`git status`, `log`, `describe`, branches and tags work in it; its origin is the project's."""
    folder = tmp_path / "src"
    folder.mkdir(mode=0o700)
    commit = await source.resolve(site.project, Revision(commit=site.commits["second"]), any_commit=False)
    await source.checkout(site.project, commit, folder)
    tree = Repo(folder)
    assert (folder / "brignb.ipynb").read_text() == "two"
    assert (folder / "link.ipynb").is_symlink()
    assert tree.git("rev-parse", "HEAD") == commit
    assert tree.git("status", "--porcelain") == ""
    assert tree.git("log", "--format=%s") == "second\nfirst"
    assert tree.git("describe", "--tags").startswith("v1-1-g")
    assert tree.git("remote", "get-url", "origin") == site.repo.url
    assert "origin/topic/one" in tree.git("branch", "--remotes")


async def test_a_checkout_needs_nothing_else(source, site, tmp_path):
    """In the sandbox the mirror is not there, nor is the repository."""
    commit = await source.resolve(site.project, Revision(commit=site.commits["stranger"]), any_commit=True)
    await source.checkout(site.project, commit, tmp_path / "src")
    shutil.rmtree(tmp_path / "sources")
    shutil.rmtree(site.repo.folder)
    Repo(tmp_path / "src").git("fsck", "--full")
    said = b"".join(path.read_bytes() for path in (tmp_path / "src" / ".git").iterdir() if path.is_file())
    assert str(tmp_path / "sources").encode() not in said, "a job need not learn where the server lives"


async def test_a_damaged_checkout_harms_nobody(source, site, tmp_path):
    """A job runs as the user who owns the files: it may overwrite every byte of its checkout."""
    commit = await source.resolve(site.project, Revision(), any_commit=False)
    await source.checkout(site.project, commit, tmp_path / "one")
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600)
            path.write_bytes(b"ruined")
    await source.checkout(site.project, commit, tmp_path / "two")
    assert (tmp_path / "two" / "brignb.ipynb").read_text() == "two"
    assert await source.notebook(site.project, commit, "brignb.ipynb") == b"two"


async def test_checkouts_of_one_project_at_once(source, site, tmp_path):
    """Builds of one project run beside each other."""
    resolved = [
        source.resolve(site.project, Revision(ref=ref), any_commit=False) for ref in ("main", "v1", "topic/one", None)
    ]
    commits = await asyncio.gather(*resolved)
    await asyncio.gather(*(source.checkout(site.project, c, tmp_path / f"{n}") for n, c in enumerate(commits)))
    assert [(tmp_path / f"{n}" / "brignb.ipynb").read_text() for n in range(4)] == ["two", "one", "one", "two"]


@pytest.mark.slow
async def test_submodules(source, site, tmp_path):
    """On request only; relative URLs are relative to the project's own."""
    inner = Repo.new(tmp_path / "inner")
    inner.commit({"inside": "in"})
    site.repo.git("submodule", "add", "--quiet", "../inner", "lib")
    commit = site.repo.commit({})
    await source.resolve(site.project, Revision(commit=commit), any_commit=False)
    await source.checkout(site.project, commit, tmp_path / "without")
    assert not (tmp_path / "without" / "lib" / "inside").exists()
    wanting = replace(site.project, init_submodules=True)
    await source.checkout(wanting, commit, tmp_path / "with")
    assert (tmp_path / "with" / "lib" / "inside").read_text() == "in"
    assert Repo(tmp_path / "with" / "lib").git("status", "--porcelain") == ""
    shutil.rmtree(inner.folder)
    later = site.repo.commit({"x": "later"})
    await source.resolve(site.project, Revision(commit=later), any_commit=False)
    assert await reason(source.checkout(wanting, later, tmp_path / "gone")) == "submodules_failed"


async def test_a_tree_is_a_work_tree_wherever_it_is_copied_to(source, site, tmp_path):
    """`/src` is an overlay or a copy of it: git works there at once, without looking into each file and writing its index anew."""
    inner = Repo.new(tmp_path / "inner")
    inner.commit({"inside": "in"})
    site.repo.git("submodule", "add", "--quiet", "../inner", "lib")
    commit = site.repo.commit({})
    await source.resolve(site.project, Revision(commit=commit), any_commit=False)
    with await source.tree(replace(site.project, init_submodules=True), commit) as tree:
        shutil.copytree(tree, tmp_path / "src", symlinks=True)
    for folder, file, git in (("src", "brignb.ipynb", ".git"), ("src/lib", "inside", "../.git/modules/lib")):
        there = Repo(tmp_path / folder)
        index = (there.folder / git / "index").read_bytes()
        same, times = there.folder / file, (there.folder / file).stat()
        same.write_text(same.read_text().swapcase())
        os.utime(same, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert there.git("status", "--porcelain") == "", "it believes times and sizes"
        assert (there.folder / git / "index").read_bytes() == index
        same.write_text(same.read_text().swapcase())
        assert there.git("status", "--porcelain") == "", "it looks into a file whose time has changed"
        same.write_text(same.read_text().swapcase())
        assert there.git("status", "--porcelain") in {f"M {file}", f" M {file}"}, "and sees what a job does at once"
    top = Repo(tmp_path / "src")
    assert top.git("rev-parse", "HEAD") == commit
    assert top.git("log", "--format=%s", "-2") == "change\nsecond"
    assert top.git("describe", "--tags").startswith("v1-2-g")
    assert top.git("remote", "get-url", "origin") == site.repo.url


async def test_a_tree_is_made_once(source, site):
    """Each build of a commit has the same one, also when they ask at once; another commit has another."""
    commits = [await source.resolve(site.project, Revision(ref=ref), any_commit=False) for ref in ("main", "v1")]
    first, *rest = await asyncio.gather(*(source.tree(site.project, commits[0]) for _ in range(5)))
    made = (first.folder / "run.sh").stat()
    other = await source.tree(site.project, commits[1])
    again = await source.tree(site.project, commits[0])
    assert {tree.folder for tree in (*rest, again)} == {first.folder} != {other.folder}
    assert (again.folder / "run.sh").stat() == made
    assert (other.folder / "brignb.ipynb").read_text() == "one"


async def test_a_tree_is_of_its_project(source, site, tmp_path):
    """A job of one project must not get at another's files or origin, be it the same commit; nor at those of the URL before."""
    copy = tmp_path / "copy"
    shutil.copytree(site.repo.folder, copy, symlinks=True)
    projects = [
        site.project,
        replace(site.project, name="owner/other"),
        replace(site.project, clone_url=copy.as_uri()),
    ]
    folders = []
    for project in projects:
        commit = await source.resolve(project, Revision(), any_commit=False)
        with await source.tree(project, commit) as tree:
            assert Repo(tree).git("remote", "get-url", "origin") == project.clone_url
            folders.append(tree)
    assert len(set(folders)) == 3
    assert [folder.parent.name for folder in folders] == [project.id for project in projects]


async def test_a_tag_of_a_known_commit_is_there(source, site):
    """A release is a tag on a commit that was built when it was pushed: the build for the tag finds it by `git describe`."""
    commit = await source.resolve(site.project, Revision(commit=site.commits["second"]), any_commit=True)
    with await source.tree(site.project, commit) as before:
        assert Repo(before).git("describe", "--tags") != "v2"
        site.repo.git("tag", "v2", commit)
        revision = Revision(commit=commit, ref="refs/tags/v2")
        assert await source.resolve(site.project, revision, any_commit=True) == commit
        with await source.tree(site.project, commit) as tree:
            assert Repo(tree).git("describe", "--tags") == "v2"
        assert Repo(before).git("describe", "--tags") != "v2", "nobody changes a tree that a build has"


async def test_a_fetch_is_told_of(source, site):
    """The issue: the time that a fetch takes is reported apart; a commit that is there takes none."""
    took: list[float] = []
    revision = Revision(commit=site.commits["second"])
    await source.resolve(site.project, revision, any_commit=True, fetched=took.append)
    assert len(took) == 1
    await source.resolve(site.project, revision, any_commit=True, fetched=took.append)
    assert len(took) == 1
    assert (
        await reason(source.resolve(site.project, Revision(commit="0" * 40), any_commit=True, fetched=took.append))
        == "commit_not_found"
    )
    assert len(took) == 2
    assert min(took) > 0
