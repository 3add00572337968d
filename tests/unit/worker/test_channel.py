"""The worker's end of the control socket, over a real socket pair."""

import json
import os
import socket
import threading

import pytest

from brignb.errors import BrignbError
from brignb.model.assignment import Assignment
from brignb.model.events import Event
from brignb.model.wire import Decoder, encode
from brignb.worker.channel import Channel

EVENT = Event(id="E", type="push", source="github", project="o/r", build_id="B", payload='{"a": "é\\u0000"}')
ASSIGNMENT = Assignment(build_id="B", attempt=1, created_ms=5, project={}, event=EVENT, builds="/b", work="/w")


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def assign(host: socket.socket, secrets: dict[str, str]) -> None:
    memory = os.memfd_create("secrets")
    os.write(memory, json.dumps({"secrets": secrets}).encode())
    message = encode({"op": "assign", "assignment": ASSIGNMENT.to_json()})
    socket.send_fds(host, [message[:1]], [memory])
    os.close(memory)
    host.sendall(message[1:])


def test_the_assignment_comes_whole_and_its_secrets_beside_it(ends):
    host, worker = ends
    assign(host, {"TOKEN": "s3cret-value"})
    got, secrets = Channel(worker, on_cancel=print, on_gone=print).receive_assignment()
    assert got == ASSIGNMENT
    assert got.event.payload == EVENT.payload
    assert secrets == {"TOKEN": "s3cret-value"}


def test_asks_are_answered_by_their_number_and_errors_become_exceptions(ends):
    host, worker = ends
    assign(host, {})
    channel = Channel(worker, on_cancel=print, on_gone=print)
    channel.receive_assignment()
    channel.listen()
    first, second = channel.ask({"op": "first_cell"}), channel.ask({"op": "emit", "type": "t", "payload": ""})
    decoder, asked = Decoder(), []
    while len(asked) < 2:
        asked += decoder.feed(host.recv(4096))
    host.sendall(encode({"op": "ack", "id": asked[1]["id"], "error": "the disk is full"}))
    host.sendall(encode({"op": "ack", "id": asked[0]["id"]}))
    assert first.result(timeout=5)["id"] == asked[0]["id"]
    with pytest.raises(BrignbError, match="the disk is full"):
        second.result(timeout=5)


def test_a_cancel_reaches_the_worker_with_its_reason(ends):
    host, worker = ends
    assign(host, {})
    heard, reasons = threading.Event(), []
    channel = Channel(worker, on_cancel=lambda reason: (reasons.append(reason), heard.set()), on_gone=print)
    channel.receive_assignment()
    channel.listen()
    host.sendall(encode({"op": "cancel", "reason": "timeout"}))
    assert heard.wait(5)
    assert reasons == ["timeout"]


def test_a_host_that_is_gone_is_noticed(ends):
    host, worker = ends
    assign(host, {})
    gone = threading.Event()
    channel = Channel(worker, on_cancel=print, on_gone=gone.set)
    channel.receive_assignment()
    channel.listen()
    host.close()
    assert gone.wait(5)


def test_a_worker_that_hangs_up_itself_is_not_taken_for_one_whose_host_is_gone(ends):
    """It failed, and its traceback is still to be printed; the exit of the reader's thread was quicker at times."""
    _, worker = ends
    gone = threading.Event()
    channel = Channel(worker, on_cancel=print, on_gone=gone.set)
    worker.close()
    channel._read([])
    assert not gone.is_set()


def test_a_socket_that_user_code_closed_is_as_good_as_a_host_that_is_gone(ends):
    """Nobody would ever hear from this worker again."""
    _, worker = ends
    gone = threading.Event()
    channel = Channel(worker, on_cancel=print, on_gone=gone.set)
    os.close(worker.fileno())
    channel._read([])
    worker.detach()
    assert gone.is_set()
