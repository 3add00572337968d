"""Names of refs are git's own rules, written down a second time: git is asked whether they agree."""

from __future__ import annotations

import subprocess

import pytest
from repos import ENVIRONMENT

from brignb.source.refs import candidates, is_kept, is_ref

NAMES = [
    "main",
    "topic/one",
    "v1.0",
    "ünïcode",
    "a@b",
    "a-",
    "refs/pull/7/head",
    "a.lock/b",
    "a.lock",
    "a..b",
    "a//b",
    "/a",
    "a/",
    "a.",
    ".a",
    "a/.b",
    "@",
    "a@{b",
    "a~1",
    "a^",
    "a:b",
    "a?",
    "a*",
    "a[b",
    "a\\b",
    "a b",
    "a\tb",
    "a\x7f",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_git_agrees(name):
    """A name that we take and git does not would be an error of git's; one that we refuse could never be built."""
    done = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], env=ENVIRONMENT, check=False)
    assert is_ref(name) is (done.returncode == 0 and name != "@")


@pytest.mark.parametrize("name", ["-", "--upload-pack=x", "-b"])
def test_options_are_no_refs(name):
    """Git allows them as refs; on a command line they are something else."""
    assert not is_ref(name)


def test_the_order_is_gits():
    """`git help revisions`: a tag wins over a branch; a full name is itself."""
    assert candidates("main") == ("refs/tags/main", "refs/heads/main")
    assert candidates("heads/main") == ("refs/heads/main", "refs/tags/heads/main", "refs/heads/heads/main")
    assert candidates("refs/pull/7/head") == ("refs/pull/7/head",)
    assert [is_kept(name) for name in ("refs/tags/a", "refs/heads/a", "refs/pull/7/head")] == [True, True, False]
