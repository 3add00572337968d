"""Messages arrive whole, however their bytes were cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.errors import BadInput
from brignb.model.wire import Decoder, encode

messages = st.lists(st.dictionaries(st.text(max_size=5), st.one_of(st.text(), st.integers(), st.none())), max_size=5)


@given(messages, st.integers(1, 7))
def test_round_trip_through_any_cut(sent, size):
    stream = b"".join(map(encode, sent))
    decoder = Decoder()
    got = [message for at in range(0, len(stream), size) for message in decoder.feed(stream[at : at + size])]
    assert got == sent


@pytest.mark.parametrize("frame", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{]", b"\x00\x00\x00\x02[]"])
def test_another_protocol_is_an_error_not_a_hang(frame):
    with pytest.raises(BadInput):
        Decoder().feed(frame)
