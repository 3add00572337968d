"""Credentials reach the project's own site, and nothing else: no command line, environment, file or other site."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from dataclasses import replace

import pytest
from repos import Repo

from brignb.errors import SourceError
from brignb.model.events import Revision
from brignb.model.projects import Project
from brignb.source.credentials import credentials
from brignb.source.git import GitSource
from brignb.source.surroundings import Surroundings


@pytest.fixture
async def source(tmp_path):
    made = GitSource(tmp_path / "sources", tmp_path / "trees")
    yield made
    await made.close()


async def refused(awaitable) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await awaitable
    return caught.value


async def test_a_token_opens_a_private_repository_and_shows_nowhere(source, server, token, repo, tmp_path):
    """The issue: a token never stands on a command line; nor in an environment, in the mirror or in the checkout."""
    project = Project(name="o/r", clone_url=f"{server.url}/repo/.git", github_token=token)
    commit = await source.resolve(project, Revision(), any_commit=False)
    await source.checkout(project, commit, tmp_path / "src")
    repo.commit({"x": "2"})
    assert await source.resolve(project, Revision(ref="main"), any_commit=False) != commit
    assert f"x-access-token:{token}" in server.asked
    assert server.leaks == []
    kept = [*(tmp_path / "sources").rglob("*"), *(tmp_path / "src").rglob("*")]
    assert not [path for path in kept if path.is_file() and token.encode() in path.read_bytes()]


async def test_a_user_in_the_url_is_kept(source, server, token, repo):
    """Azure DevOps and GitLab hand out such URLs."""
    url = server.url.replace("://", "://somebody@") + "/repo/.git"
    await source.resolve(Project(name="o/r", clone_url=url, github_token=token), Revision(), any_commit=False)
    assert f"somebody:{token}" in server.asked


@pytest.mark.parametrize("given", [None, "wrong-canary-token"])
async def test_a_wrong_token_is_explained(source, server, repo, given):
    """Within seconds, without a prompt, with a hint at the token and without the token."""
    project = Project(name="o/r", clone_url=f"{server.url}/repo/.git", github_token=given)
    error = await refused(source.resolve(project, Revision(), any_commit=False))
    assert error.reason == "repository_unreachable"
    assert "github: {token" in error.hint
    assert "wrong-canary-token" not in str(error)


async def test_a_token_goes_to_its_own_site_only(source, server, other_server, token, repo):
    """Anybody who may push can name any submodule: its site must not get the project's token by asking for a password."""
    Repo.new(repo.folder.parent / "inner").commit({"a": "b"})
    repo.git("submodule", "add", "--quiet", repo.folder.parent / "inner", "lib")
    repo.git("config", "--file", ".gitmodules", "submodule.lib.url", f"{other_server.url}/inner/.git")
    commit = repo.commit({})
    project = Project(name="o/r", clone_url=f"{server.url}/repo/.git", github_token=token, init_submodules=True)
    assert await source.resolve(project, Revision(), any_commit=False) == commit
    error = await refused(source.checkout(project, commit, repo.folder.parent / "src"))
    assert error.reason == "submodules_failed"
    assert other_server.hits
    assert other_server.asked == []


async def test_submodules_of_the_own_site_get_the_token(source, server, token, repo):
    """The same credentials, where they belong; relative URLs lead there."""
    Repo.new(repo.folder.parent / "inner").commit({"a": "b"})
    repo.git("submodule", "add", "--quiet", repo.folder.parent / "inner", "lib")
    repo.git("config", "--file", ".gitmodules", "submodule.lib.url", "../../inner/.git")
    commit = repo.commit({})
    project = Project(name="o/r", clone_url=f"{server.url}/repo/.git", github_token=token, init_submodules=True)
    await source.resolve(project, Revision(), any_commit=False)
    await source.checkout(project, commit, repo.folder.parent / "src")
    assert (repo.folder.parent / "src" / "lib" / "a").read_text() == "b"
    assert server.leaks == []


async def test_submodules_on_this_machine_are_not_read_for_a_remote_project(source, server, token, repo):
    """Else a repository on the web could have the server read any repository on its disk."""
    inner = Repo.new(repo.folder.parent / "inner")
    inner.commit({"a": "b"})
    repo.git("submodule", "add", "--quiet", inner.url, "lib")
    commit = repo.commit({})
    project = Project(name="o/r", clone_url=f"{server.url}/repo/.git", github_token=token, init_submodules=True)
    await source.resolve(project, Revision(), any_commit=False)
    error = await refused(source.checkout(project, commit, repo.folder.parent / "src"))
    assert "transport 'file' not allowed" in error.message


async def test_transports_that_run_programs_are_refused(source, project, tmp_path):
    """Project files refuse them already; git is told too."""
    for url in (f"ext::touch {tmp_path}/pwned", "fd::0"):
        error = await refused(source.resolve(replace(project, clone_url=url), Revision(), any_commit=True))
        assert error.reason == "repository_unreachable"
    assert not (tmp_path / "pwned").exists()


async def test_ssh_gets_the_key_and_the_certificate(fake_ssh, environ, repo, tmp_path):
    """By a path that only this user can read, with a host key kept from the first time, and nothing of the operator's."""
    source = GitSource(tmp_path / "sources", tmp_path / "trees", environ={"PATH": f"{fake_ssh}:{environ['PATH']}"})
    project = Project(
        name="o/r", clone_url=f"ssh://git@example.com{repo.folder}", ssh_key="k3y-canary\n", ssh_cert="cert\n"
    )
    await source.resolve(project, Revision(), any_commit=False)
    await source.close()
    assert (tmp_path / "ssh.key").read_text() == "k3y-canary\n"
    assert (tmp_path / "ssh.cert").read_text() == "cert\n"
    assert (tmp_path / "ssh.mode").read_text() == "600\n"
    args = (tmp_path / "ssh.args").read_text()
    assert "k3y-canary" not in args
    for option in ("-F/dev/null", "-oBatchMode=yes", "-oIdentityAgent=none", "-oStrictHostKeyChecking=accept-new"):
        assert option in args.splitlines()
    assert not [path for path in (tmp_path / "sources").rglob("*") if path.is_file() and b"k3y" in path.read_bytes()]


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no OpenSSH here")
def test_openssh_takes_the_key_from_where_it_is(environ, tmp_path):
    """OpenSSH checks the owner and mode of a key, and closes inherited descriptors: the path must do in another process."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    surroundings = Surroundings(tmp_path / "sources", environ)
    project = Project(name="o/r", clone_url="git@h:r", ssh_key=(tmp_path / "key").read_text())
    with credentials(project, surroundings) as env:
        (option,) = [word for word in shlex.split(env["GIT_SSH_COMMAND"]) if word.startswith("-oIdentityFile=")]
        path = option.partition("=")[2]
        done = subprocess.run(["ssh-keygen", "-y", "-f", path], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == (tmp_path / "key.pub").read_text().split()[:2]


async def test_the_operators_configuration_is_not_used(repo, project, tmp_path, environ):
    """`~/.gitconfig`, `~/.netrc` and hooks are the operator's: a rewrite there must not change what a project gets."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[url "{tmp_path}/elsewhere"]\n\tinsteadOf = {repo.url}\n')
    source = GitSource(
        tmp_path / "sources", tmp_path / "trees", environ={**environ, "HOME": str(home), "GIT_DIR": "/nonexistent"}
    )
    assert await source.resolve(project, Revision(), any_commit=False)
    await source.close()
