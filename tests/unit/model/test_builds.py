"""The state machine is one table; the API's build has the contract's fields."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brignb.model.builds import TERMINAL, TRANSITIONS, Build, JobRecord, State
from brignb.model.events import Revision

BUILD = Build(
    id="B",
    project="o/r",
    event_id="E",
    event_type="push",
    event_source="github",
    revision=Revision(ref="main"),
    any_commit=True,
    state=State.RUNNING,
    created_at=0,
)
JOB = JobRecord(id="j-1", build_id="B", attempt=1, name="j", image=None, state=State.FAILED, exit_code=3, started_at=1)


def test_the_states_are_the_contracts():
    assert [str(state) for state in State] == [
        "pending",
        "running",
        "succeeded",
        "failed",
        "canceled",
        "timed_out",
        "lost",
    ]


@pytest.mark.parametrize("state", State)
def test_nothing_follows_the_end(state):
    """An acknowledged event reaches a terminal build, and stays there."""
    assert state.terminal is (not TRANSITIONS[state])
    assert state.terminal is (state in TERMINAL)


def test_every_state_can_end():
    """No state is a dead end, and only a worker that died leads back to the queue."""
    back = [state for state in State if State.PENDING in TRANSITIONS[state]]
    assert back == [State.RUNNING]
    assert all(TRANSITIONS[state] & TERMINAL for state in State if not state.terminal)


def test_a_build_in_the_api():
    """The contract's fields; none may go."""
    shown = replace(BUILD, jobs=(JOB,)).to_json()
    fields = [
        "id",
        "project",
        "event",
        "state",
        "reason",
        "attempt",
        "created_at",
        "started_at",
        "finished_at",
        "worker",
        "jobs",
    ]
    assert set(fields) <= shown.keys()
    assert shown["event"] == {
        "id": "E",
        "type": "push",
        "source": "github",
        "revision": {"commit": None, "ref": "main"},
    }
    assert shown["created_at"] == "1970-01-01T00:00:00.000Z"
    assert shown["worker"] == {"tier": None}
    job = ["id", "name", "image", "state", "exit_code", "reason", "started_at", "finished_at"]
    assert set(job) <= shown["jobs"][0].keys()


def test_job_records_travel():
    """From a worker to the server."""
    wire = JOB.to_wire()
    assert JobRecord(**{**wire, "state": State(wire["state"])}) == JOB
