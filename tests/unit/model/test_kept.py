"""The bounded memory: its bounds hold whatever is put into it, and what was used last is there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brignb.model.kept import Kept

Step = st.tuples(st.sampled_from("abcdef"), st.integers(0, 12) | st.none())


@given(st.lists(Step))
def test_it_is_a_list_of_the_last_used_within_its_bounds(steps):
    """Against the plainest model: a list, the last used last. None asks, a number puts."""
    kept, model = Kept[str, int](count=3, size=20), list[tuple[str, int]]()
    for key, size in steps:
        if size is None:
            assert kept.get(key) == dict(model).get(key)
            model.sort(key=lambda entry: entry[0] == key)
            continue
        kept.put(key, size, size)
        model = [entry for entry in model if entry[0] != key] + [(key, size)]
        while len(model) > 3 or sum(size for _, size in model) > 20:
            model.pop(0)
        assert (len(kept), kept.bytes) == (len(model), sum(size for _, size in model))


def test_what_is_too_large_pushes_nothing_out():
    """One huge notebook must not cost a server all that it knows."""
    kept = Kept[str, str](count=3, size=20)
    kept.put("a", "x", 5)
    kept.put("b", "y", 21)
    assert (kept.get("a"), kept.get("b"), kept.bytes) == ("x", None, 5)
    kept.put("a", "z", 21)
    assert (kept.get("a"), kept.bytes) == (None, 0)
