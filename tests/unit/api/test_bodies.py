"""A body is read within its limit and its time, whatever its sender does."""

import asyncio

import pytest

from brignb.api.answers import Rejected
from brignb.api.bodies import DRAINED, Gone, read_body
from brignb.errors import BadInput


def receiving(*messages):
    """ASGI's `receive`; after the messages it waits for ever."""
    left = list(messages)

    async def receive():
        return left.pop(0) if left else await asyncio.Event().wait()

    return receive


def part(body: bytes, *, more: bool = False):
    return {"type": "http.request", "body": body, "more_body": more}


async def test_parts_are_joined():
    assert await read_body({}, receiving(part(b"a", more=True), part(b"b")), 2) == b"ab"


async def test_a_sender_that_dribbles_is_given_up():
    with pytest.raises(Rejected) as caught:
        await read_body({}, receiving(part(b"a", more=True)), 10, seconds=0.01)
    assert caught.value.status == 408
    assert caught.value.headers == {"connection": "close"}


async def test_a_sender_that_hangs_up_is_gone():
    with pytest.raises(Gone):
        await read_body({}, receiving(part(b"a", more=True), {"type": "http.disconnect"}), 10)


@pytest.mark.parametrize("length", [str(DRAINED + 1), "9" * 5000])
async def test_a_declared_length_is_enough_to_refuse(length):
    """5,000 digits besides: Python does not even convert them."""
    with pytest.raises(Rejected) as caught:
        await read_body({"content-length": length}, receiving(), 10)
    assert caught.value.status == 413


async def test_who_asks_before_sending_is_told_before_sending():
    with pytest.raises(Rejected):
        await read_body({"content-length": "11", "expect": "100-continue"}, receiving(), 10)


async def test_a_false_length_does_not_lift_the_limit():
    with pytest.raises(Rejected):
        await read_body({"content-length": "1"}, receiving(part(b"a" * 11)), 10)


async def test_what_is_too_large_is_read_to_its_end_so_that_its_sender_hears_why():
    with pytest.raises(Rejected) as caught:
        await read_body({}, receiving(part(b"a" * 11, more=True), part(b"a")), 10)
    assert caught.value.headers == {}


async def test_what_never_ends_is_cut_off():
    lots = part(bytes(DRAINED // 2 + 1), more=True)
    with pytest.raises(Rejected) as caught:
        await read_body({}, receiving(lots, lots), 10)
    assert caught.value.headers == {"connection": "close"}


@pytest.mark.parametrize("length", ["-1", "+1", "1_0", "\u0661", ""])
async def test_a_length_that_is_no_number_is_bad_input(length):
    with pytest.raises(BadInput):
        await read_body({"content-length": length}, receiving(), 10)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", ""])
async def test_encoded_bodies_are_not_read(encoding):
    with pytest.raises(Rejected) as caught:
        await read_body({"content-encoding": encoding}, receiving(part(b"a")), 10)
    assert caught.value.status == 415
