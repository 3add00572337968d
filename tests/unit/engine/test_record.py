"""The fold: a record of a notebook and a journal, truthful however the run ended."""

from __future__ import annotations

import copy
from typing import Any

import nbformat
import pytest

from brignb.engine.journal import decode, encode, fold
from brignb.model.builds import Outcome, State

LOST = Outcome(state=State.LOST, reason="worker_died", message="the worker died")


def code(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code", "source": source, "metadata": {"tags": list(tags)}, "outputs": [], "execution_count": None,
        "id": source[:1] or "e",
    }  # fmt: skip


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {
        "cells": list(cells),
        "metadata": {"brignb": {"source": {"sha256": "s"}}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


THREE = notebook(code("a = 1"), code("b = 2"), code("c = 3"))
START = {"op": "start", "at": 1000, "tier": "cold", "version": "2.7.0", "parameters": {}, "injected": None}
FINISH = {"op": "finish", "at": 9000, "seconds": 8.0, "state": "succeeded", "reason": None, "message": None}


def begin(cell: int, **more: Any) -> dict[str, Any]:
    return {"op": "begin", "cell": cell, "at": 2000 + cell, "count": cell + 1, **more}


def text(cell: int, words: str, stream: str = "stdout") -> dict[str, Any]:
    return {"op": "text", "cell": cell, "stream": stream, "text": words}


def end(cell: int, status: str = "completed") -> dict[str, Any]:
    return {"op": "end", "cell": cell, "at": 3000 + cell, "seconds": 0.5, "status": status}


def display(cell: int, words: str, name: str | None = None) -> dict[str, Any]:
    output = {"output_type": "display_data", "data": {"text/plain": words}, "metadata": {}}
    return {"op": "output", "cell": cell, "output": output} | ({"id": name} if name else {})


def statuses(record: dict[str, Any]) -> list[tuple[str, str]]:
    return [(c["metadata"]["brignb"]["status"], c["metadata"]["papermill"]["status"]) for c in record["cells"]]


def test_a_finished_run() -> None:
    """Outputs, counts, times, states; the notebook that came in stays as it was."""
    before = copy.deepcopy(THREE)
    entries = [START, begin(0), text(0, "x"), text(0, "y\n"), text(0, "z", "stderr"), end(0)]
    entries += [begin(1), end(1), begin(2), end(2), FINISH]
    record = fold(THREE, entries, ended=None, about={"build": "B"})
    nbformat.validate(record)
    assert before == THREE
    assert record["cells"][0]["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": "xy\n"},
        {"output_type": "stream", "name": "stderr", "text": "z"},
    ]
    assert statuses(record) == [("completed", "completed")] * 3
    assert record["cells"][0]["metadata"]["papermill"] == {
        "exception": False,
        "start_time": "1970-01-01T00:00:02.000000+00:00",
        "end_time": "1970-01-01T00:00:03.000000+00:00",
        "duration": 0.5,
        "status": "completed",
    }
    assert record["metadata"]["brignb"] == {
        "source": {"sha256": "s"}, "build": "B", "state": "succeeded", "reason": None, "message": None, "tier": "cold",
    }  # fmt: skip
    about = record["metadata"]["papermill"]
    assert (about["version"], about["duration"], about["exception"]) == ("2.7.0", 8.0, None)


def test_a_run_that_goes_on() -> None:
    """What the API shows of a running build."""
    record = fold(THREE, [START, begin(0), end(0), begin(1), text(1, "so far")], ended=None)
    assert statuses(record) == [("completed", "completed"), ("running", "running"), ("pending", "pending")]
    assert record["cells"][1]["outputs"][0]["text"] == "so far"
    assert record["metadata"]["brignb"]["state"] == "running"
    nbformat.validate(record)


def test_a_killed_run_keeps_what_was_seen_and_says_killed() -> None:
    """papermill calls these `completed`; that is the bug not to have."""
    record = fold(THREE, [START, begin(0), end(0), begin(1), text(1, "so far\n")], ended=LOST)
    assert statuses(record) == [("completed", "completed"), ("killed", "failed"), ("never-run", "pending")]
    assert [output["text"] for output in record["cells"][1]["outputs"]] == [
        "so far\n",
        "[brignb: killed while this cell ran: lost, the worker died]\n",
    ]
    assert record["metadata"]["brignb"]["state"] == "lost"
    assert record["metadata"]["papermill"]["exception"] is True
    nbformat.validate(record)


def test_a_run_that_never_began() -> None:
    record = fold(THREE, [], ended=Outcome(state=State.FAILED, reason="parameter", message="x is str, not int"))
    assert statuses(record) == [("never-run", "pending")] * 3
    assert record["metadata"]["brignb"]["reason"] == "parameter"
    nbformat.validate(record)


def test_a_run_that_nobody_needed_is_no_exception() -> None:
    """An event of a type that the notebook does not list."""
    record = fold(THREE, [], ended=Outcome(state=State.SUCCEEDED, reason="no_handler"))
    assert record["metadata"]["papermill"]["exception"] is None
    assert statuses(record)[0] == ("never-run", "pending")


def test_the_outside_knows_better_how_it_ended() -> None:
    """The engine saw an interrupt; the host knows that the time was up."""
    canceled = {**FINISH, "state": "canceled", "reason": "canceled"}
    record = fold(
        THREE, [START, begin(0), end(0, "killed"), canceled], ended=Outcome(state=State.TIMED_OUT, reason="timeout")
    )
    assert record["metadata"]["brignb"]["state"] == "timed_out"
    assert statuses(record)[0] == ("killed", "failed")
    assert record["cells"][0]["outputs"] == []


def test_a_later_attempt_starts_anew() -> None:
    """One journal per build; the record is of its last attempt."""
    entries = [START, begin(0), text(0, "first try"), START, begin(0), text(0, "second try")]
    assert fold(THREE, entries, ended=None)["cells"][0]["outputs"][0]["text"] == "second try"


def test_displays_are_updated_where_they_were_shown() -> None:
    """Also the ones of an earlier cell; an update of nothing changes nothing."""
    update = {"op": "update", "id": "job", "data": {"text/plain": "done"}, "metadata": {"a": 1}}
    entries = [START, begin(0), display(0, "running", "job"), end(0), begin(1), update, {**update, "id": "other"}]
    record = fold(THREE, entries, ended=None)
    assert record["cells"][0]["outputs"] == [
        {"output_type": "display_data", "data": {"text/plain": "done"}, "metadata": {"a": 1}}
    ]
    assert record["cells"][1]["outputs"] == []


@pytest.mark.parametrize(("wait", "then", "shown"), [(False, [], []), (True, [], ["a"]), (True, ["b"], ["b"])])
def test_clear_output_is_jupyters(wait: bool, then: list[str], shown: list[str]) -> None:  # noqa: FBT001
    entries = [
        START,
        begin(0),
        text(0, "a"),
        {"op": "clear", "cell": 0, "wait": wait},
        *(text(0, word) for word in then),
    ]
    assert [output["text"] for output in fold(THREE, entries, ended=None)["cells"][0]["outputs"]] == shown


def test_a_cut_stands_where_the_text_ends() -> None:
    cut = {"op": "cut", "cell": 0, "bytes": 5, "file": "cell-0.txt"}
    entries = [START, begin(0), text(0, "a"), cut, display(0, "d"), {**cut, "bytes": 70}]
    outputs = fold(THREE, entries, ended=None)["cells"][0]["outputs"]
    assert [output.get("text") for output in outputs] == ["a", "\n[brignb: cut, 70 bytes, rest in cell-0.txt]\n", None]


def test_injected_and_event_cells_are_put_in() -> None:
    """The worker notebook has neither; the record shows both."""
    injected = {"index": 1, "source": "# Parameters\na = 2\n"}
    entries = [{**START, "injected": injected, "parameters": {"a": 2}}, begin(0), end(0), end(1), begin(2), end(2)]
    entries += [begin(3), end(3), begin(4, source="push(event)", tags=["event"]), end(4), FINISH]
    record = fold(THREE, entries, ended=None)
    nbformat.validate(record)
    assert [cell["source"] for cell in record["cells"]] == [
        "a = 1",
        injected["source"],
        "b = 2",
        "c = 3",
        "push(event)",
    ]
    assert record["cells"][1]["metadata"]["tags"] == ["injected-parameters"]
    assert record["cells"][4]["metadata"]["tags"] == ["event"]
    assert record["metadata"]["papermill"]["parameters"] == {"a": 2}
    assert len({cell["id"] for cell in record["cells"]}) == 5


def test_a_failure_says_how_it_is_debugged() -> None:
    """Where it is read, also after a kill; what went well, or still runs, says nothing of it."""
    failed = Outcome(state=State.FAILED, reason="cell_error", message="boom")
    about = {"debug": "brignb debug B"}
    for outcome in (failed, LOST):
        record = fold(THREE, [START, begin(0)], ended=outcome, about=about)
        nbformat.validate(record)
        assert record["cells"][-1]["source"] == (
            f"**{outcome.state}** ({outcome.reason}). Debug it in JupyterLab, with the same event and commit: `brignb debug B`"
        )
        assert record["metadata"]["brignb"]["debug"] == "brignb debug B"
    for outcome in (None, Outcome(state=State.SUCCEEDED), Outcome(state=State.CANCELED)):
        record = fold(THREE, [START, begin(0)], ended=outcome, about=about)
        assert (len(record["cells"]), "debug" in record["metadata"]["brignb"]) == (3, False)


def test_entries_of_a_later_version_change_nothing() -> None:
    entries = [START, begin(0), {"op": "comm", "cell": 0}, end(0)]
    assert statuses(fold(THREE, entries, ended=None))[0] == ("completed", "completed")


def test_a_journal_survives_being_torn() -> None:
    """A killed writer leaves half a line; the next attempt may go on in it."""
    whole = b"".join(encode(entry) for entry in (START, begin(0), text(0, "a")))
    for size in range(len(whole)):
        entries = decode(whole[:size])
        assert entries == [START, begin(0), text(0, "a")][: len(entries)]
    torn = whole[:-5] + whole
    assert decode(torn) == [START, begin(0), START, begin(0), text(0, "a")]
    assert decode(b'3\n[]\n{"a": 1}\n\xff\n') == []


@pytest.mark.slow
def test_ten_thousand_cells_are_folded() -> None:
    many = notebook(*({**code("x"), "id": f"c{n}"} for n in range(10_000)))
    entries = [START]
    for n in range(10_000):
        entries += [begin(n), text(n, "a\n"), end(n)]
    folded = fold(many, entries, ended=None)
    assert len(folded["cells"]) == 10_000
    assert folded["cells"][-1]["outputs"][0]["text"] == "a\n"
