"""The scribe and the budget: redaction over chunks, lines, caps that bound memory, journal and spill."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.engine import budget, scribe
from brignb.engine.scribe import Item, Scribe
from brignb.engine.seam import Plan
from brignb.model.redaction import Redactor

SECRET = "correct-horse-battery"


class Kept:
    """A Sink."""

    def __init__(self) -> None:
        self.entries: list[Mapping[str, Any]] = []
        self.told: list[tuple[str, str, bool]] = []

    def entry(self, entry: Mapping[str, Any]) -> None:
        self.entries.append(entry)

    def lines(self, stream: str, text: str, *, partial: bool) -> None:
        self.told += [(stream, line, partial) for line in text.split("\n")]

    def text(self, stream: str = "stdout") -> str:
        return "".join(e["text"] for e in self.entries if e["op"] == "text" and e["stream"] == stream)

    def cuts(self) -> list[tuple[int, str | None]]:
        return [(e["bytes"], e["file"]) for e in self.entries if e["op"] == "cut"]


BEGIN: Item = ("", {"op": "begin", "cell": 0, "at": 0, "count": 1})
END: Item = ("", {"op": "end", "cell": 0, "at": 0, "seconds": 0.0, "status": "completed"})


def tell(*items: Item, each: bool = True, **plan: Any) -> Kept:
    sink = Kept()
    take = Scribe(Plan(**plan), sink)
    take([BEGIN])
    for batch in [[item] for item in items] if each else [list(items)]:
        take(batch)
    take([END])
    return sink


@given(st.text("ab \n", max_size=20), st.lists(st.integers(0, 60), max_size=8), st.text("ab \n", max_size=20))
def test_a_secret_never_passes_however_it_is_cut_up(before: str, cuts: list[int], after: str) -> None:
    """Programs flush where they like; the value is found all the same, and nothing else is lost."""
    whole = before + SECRET + after
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [("stdout", whole[a:b]) for a, b in itertools.pairwise(edges)]
    sink = tell(*pieces, redactor=Redactor([SECRET]))
    assert sink.text() == f"{before}REDACTED{after}"
    logged = "".join(text + ("" if partial else "\n") for _, text, partial in sink.told)
    assert SECRET not in logged
    assert "REDACTED" in logged


def test_a_secret_over_streams_and_cells_is_not_put_together() -> None:
    """What one stream began, the other stream's text does not end; a cell's end ends it."""
    half = len(SECRET) // 2
    sink = tell(
        ("stdout", SECRET[:half]), ("stderr", "noise\n"), ("stdout", SECRET[half:]), redactor=Redactor([SECRET])
    )
    assert sink.text() == "REDACTED"
    assert sink.text("stderr") == "noise\n"


def test_adjacent_text_is_one_entry() -> None:
    sink = tell(*[("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")], each=False)
    assert [e["text"] for e in sink.entries if e["op"] == "text"] == ["ab", "c", "d"]


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        (["a\n"], [("a", False)]),
        (["a"], [("a", True), ("", False)]),
        (["a", "b\n"], [("a", True), ("b", False)]),
        (["a\n\nb"], [("a", False), ("", False), ("b", True), ("", False)]),
        (["a", "\n"], [("a", True), ("", False)]),
        (["1%\r2%\n"], [("1%\r2%", False)]),
    ],
)
def test_lines(texts: list[str], lines: list[tuple[str, bool]]) -> None:
    """Whole lines, and the beginnings of others as soon as they are there; a cell's end ends its line."""
    sink = tell(*(("stdout", text) for text in texts))
    assert [(text, partial) for _, text, partial in sink.told] == lines


def test_the_cut_falls_between_characters() -> None:
    """A cap is in bytes; a character is not halved."""
    spilled: list[str] = []
    sink = tell(("stdout", "€€€"), cell_bytes=4, spill=lambda _cell, text: spilled.append(text) or "f")
    assert sink.text() == "€"
    assert spilled == ["€€"]
    assert sink.cuts()[-1] == (6, "f")


def test_after_a_cut_a_cells_text_has_no_holes() -> None:
    """A short line that would still fit does not follow a gap."""
    sink = tell(("stdout", "123456789\n"), ("stderr", "x\n"), cell_bytes=5)
    assert (sink.text(), sink.text("stderr")) == ("12345", "")
    assert sink.cuts()[-1] == (7, None)


def test_the_next_cell_has_its_own_room_within_the_run() -> None:
    sink = Kept()
    take = Scribe(Plan(cell_bytes=4, run_bytes=6), sink)
    for cell in range(3):
        take(
            [
                ("", {"op": "begin", "cell": cell, "at": 0, "count": 1}),
                ("stdout", "12345"),
                ("", {**END[1], "cell": cell}),
            ]
        )
    assert [e["text"] for e in sink.entries if e["op"] == "text"] == ["1234", "12"]
    assert [(e["cell"], e["bytes"]) for e in sink.entries if e["op"] == "cut"] == [(0, 1), (1, 3), (2, 5)]


def test_the_spill_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that prints for ever fills neither memory nor disk."""
    monkeypatch.setattr(budget, "SPILL_MAX", 10)
    spilled: list[str] = []
    sink = tell(("stdout", "x" * 50), cell_bytes=5, spill=lambda _cell, text: spilled.append(text) or "f")
    assert sink.cuts()[-1] == (45, "f")
    assert spilled == ["x" * 10, "\n[brignb: cut, 35 bytes, rest discarded]\n"]


def test_the_log_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scribe, "LOG_MAX", 100)
    sink = tell(("stdout", "a\n"), ("stdout", "b" * 200 + "\n"))
    assert [text for _, text, _ in sink.told] == ["a", "[brignb: cut, 201 bytes, rest discarded]"]


def test_the_cut_is_told_while_it_grows() -> None:
    """A worker that is killed in the middle of a flood leaves a mark too, but not one for each write."""
    sink = tell(*[("stdout", "x" * 10)] * 1000, cell_bytes=5)
    assert sink.cuts()[0] == (5, None)
    assert sink.cuts()[-1] == (9995, None)
    assert len(sink.cuts()) < 20


def test_an_errors_text_is_bounded() -> None:
    """An exception may carry a gigabyte."""
    long = "x" * (scribe.TRACEBACK_MAX + 5)
    output = {"output_type": "error", "ename": "E", "evalue": long, "traceback": [long]}
    sink = tell(("", {"op": "output", "cell": 0, "output": output}))
    (error,) = (e["output"] for e in sink.entries if e["op"] == "output")
    assert error["evalue"].endswith("\n[brignb: cut, 5 bytes, rest discarded]")
    assert len(error["traceback"][0]) < scribe.TRACEBACK_MAX + 100


def test_entries_are_redacted_whole() -> None:
    """Keys too: a bundle's JSON can have any."""
    output = {
        "output_type": "display_data",
        "data": {"application/json": {SECRET: [SECRET]}},
        "metadata": {"m": SECRET},
    }
    sink = tell(("", {"op": "output", "cell": 0, "output": output, "id": SECRET}), redactor=Redactor([SECRET]))
    assert SECRET not in str(sink.entries)
