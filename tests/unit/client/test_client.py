"""The client against the real app: what goes in comes out, and what is wrong comes as errors of the house."""

import asyncio
import json
import socket
import threading

import pytest

from brignb.client import Client
from brignb.errors import BadInput, Conflict, NotFound, Refused, Unreachable

FILE = b"project: owner/repo\ncloneURL: https://git.example.com/x.git\nregistrySecret: sixteen-characters\n"


@pytest.fixture
async def client(site):
    with Client(site.url, site.services.token) as client:
        yield client


async def test_every_call_and_every_kind_of_error(site, client):
    """In a thread, as the server is in this one."""

    def story():
        assert client.create_project(FILE)["project"] == "owner/repo"
        with pytest.raises(Conflict, match="exists"):
            client.create_project(FILE)
        assert client.create_project(FILE, replace=True)["warnings"] == []
        with pytest.raises(BadInput) as caught:
            client.create_project(b"project: [", name="mine.yaml")
        assert (caught.value.code, "mine.yaml" in caught.value.where) == ("project_file", True)
        assert client.projects()["items"] == [client.project("owner/repo")]
        told = client.create_event("owner/repo", "push", payload="{}", ref="main", key="k")
        again = client.create_event("owner/repo", "push", key="k")
        assert (told["status"], again["status"], again["build"]) == ("accepted", "duplicate", told["build"])
        assert client.events()["items"][0]["id"] == told["event"]
        assert client.builds(project="owner/repo", state="pending")["items"] == [client.build(told["build"])]
        assert client.cancel(told["build"])["state"] == "canceled"
        assert client.rerun(told["build"])["status"] == "accepted"
        with pytest.raises(NotFound, match="no record"):
            client.record(told["build"])
        with pytest.raises(NotFound):
            client.build("../../projects")
        client.delete_project("owner/repo")
        with pytest.raises(NotFound):
            client.project("owner/repo")

    await asyncio.to_thread(story)


async def test_a_wrong_token_is_refused(site):
    with Client(site.url, "wrong") as client, pytest.raises(Refused) as caught:
        await asyncio.to_thread(client.projects)
    assert "token" in caught.value.hint
    assert "wrong" not in str(caught.value)


def test_nobody_there_is_unreachable():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # taken, and nobody listens
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        with Client(url, "t") as client, pytest.raises(Unreachable) as caught:
            client.projects()
    assert caught.value.where == url


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops",
        b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"SSH-2.0-x\r\n",
    ],
)
def test_something_else_that_answers_is_not_taken_for_brignb(answer):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak():
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        speaker = threading.Thread(target=speak)
        speaker.start()
        with Client(f"http://127.0.0.1:{listening.getsockname()[1]}", "t") as client, pytest.raises(Unreachable):
            client.projects()
        speaker.join()


async def test_names_with_any_characters_reach_the_server_as_they_are(site, client):
    await site.create("group/sub.one/repo_2")
    found = await asyncio.to_thread(client.project, "group/sub.one/repo_2")
    assert found["project"] == "group/sub.one/repo_2"
    for name in ("a/b?c=d", "a/b#c", "a/%2e%2e", "\u00e9/x", json.dumps("x")):
        with pytest.raises(NotFound):
            await asyncio.to_thread(client.project, name)
