"""`LocalServer`: a real server for a while, that a real webhook reaches, and nothing of it left."""

from __future__ import annotations

import json
import os

import pytest

from brignb.errors import Unreachable
from brignb.testing import LocalServer, Server, payloads

pytestmark = pytest.mark.slow
SECRET = "a-secret-of-these-tests"


def test_a_signed_webhook_becomes_a_build(book):
    path = book("from brignb import events\n@events.on('push')\ndef push(event):\n    print(event.revision.commit)")
    with LocalServer() as server:
        server.create({"project": "me/app", "sharedSecret": SECRET, "defaultNotebook": path.read_text()})
        told = server.send(payloads.delivery("push", project="me/app", secret=SECRET))
        assert told["status"] == "accepted"
        assert server.ended(told["build"])["state"] == "succeeded"
        assert "error" in server.send(payloads.delivery("push", project="me/app", secret="another-one"))
        home = server.home
    assert not home.exists()
    server.close()


def test_the_command_line_finds_it_while_it_is_used(monkeypatch):
    """`!brignb build list` in the next cell."""
    from brignb.client import find_server

    monkeypatch.setenv("BRIGNB_HOME", "/before")
    monkeypatch.setenv("BRIGNB_SERVER", "http://127.0.0.1:1")
    server = LocalServer().use()
    try:
        assert find_server().url == server.url
        assert json.loads((server.home / "server.json").read_text())["url"] == server.url
    finally:
        server.close()
    assert (os.environ["BRIGNB_HOME"], os.environ["BRIGNB_SERVER"]) == ("/before", "http://127.0.0.1:1")


def test_the_one_that_runs_is_at_hand_else_one_of_ones_own(monkeypatch, tmp_path):
    """A workshop page works beside a server and without one."""
    for name in ("BRIGNB_SERVER", "BRIGNB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BRIGNB_HOME", str(tmp_path))
    with Server.at_hand() as mine:
        assert isinstance(mine, LocalServer)
        with Server.at_hand() as found:
            assert (found.url, isinstance(found, LocalServer)) == (mine.url, False)
        with mine.client() as client:
            assert client.projects()["items"] == []
    assert os.environ["BRIGNB_HOME"] == str(tmp_path)


def test_one_that_does_not_start_says_why():
    with pytest.raises(Unreachable, match="no-such-lock"):
        LocalServer("--allow", "no-such-lock")
