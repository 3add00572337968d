"""Ids never repeat: not in a row, and not in a forked child."""

import os

from brignb.wiring.clock import fresh_id, randomness


def test_ten_thousand_ids_of_one_millisecond_are_different():
    assert len({fresh_id(1) for _ in range(10_000)}) == 10_000


def test_a_forked_child_does_not_give_out_its_parents():
    randomness(10)  # a pool is there
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, randomness(10))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() != randomness(10)
