"""Git's words reach people without its chatter and without secrets."""

from __future__ import annotations

import pytest

from brignb.model.projects import Project
from brignb.source.words import last_words, tells_of_absence, unreachable

PROJECT = Project(name="o/r", clone_url="https://h/x.git", github_token="t0ken-canary")


def test_progress_is_left_out():
    """`--progress` overwrites its line a hundred times; the last line is not always the one that tells."""
    stderr = "Cloning into bare repository 'x'...\nremote: Counting objects: 10%\rremote: Counting objects: 100%\nfatal: the end\n"
    assert last_words(stderr) == "fatal: the end"


def test_what_tells_comes_before_advice():
    stderr = "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\nPlease make sure\nyou may\nread it\n"
    assert last_words(stderr) == "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository."


def test_credentials_in_urls_are_left_out():
    assert (
        last_words("fatal: unable to access 'https://user:pw@h/x/': no\n")
        == "fatal: unable to access 'https://h/x/': no"
    )


def test_secrets_are_redacted():
    """A server may echo what it was given."""
    error = unreachable(PROJECT, "remote: bad token t0ken-canary")
    assert "t0ken-canary" not in str(error)
    assert error.reason == "repository_unreachable"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("fatal: Authentication failed for 'https://h/'", "token"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "token"),
        ("git@h: Permission denied (publickey).", "sshKey"),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "cloneURL"),
        ("", "cloneURL"),
    ],
)
def test_the_hint_fits(words, hint):
    assert hint in unreachable(PROJECT, words).hint


@pytest.mark.parametrize(
    "words", ["fatal: couldn't find remote ref x", "fatal: remote error: upload-pack: not our ref 0"]
)
def test_absence(words):
    """The remote answered: that is no trouble with the network."""
    assert tells_of_absence(words)
