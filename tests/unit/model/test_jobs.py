"""A JobSpec is a plain value: it can be sent, and it does not show its secrets."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.model.jobs import Cache, Docker, Host, JobSpec, JobStatus, Resources, State, Storage
from brignb.model.redaction import Redactor

SPEC = JobSpec(id="a-1", name="a", build_id="B", project="o/r")
TOKENS = ("first-token-value", "second-token-value")
TEXTS = st.lists(st.text(), max_size=3).map(tuple)
MAPS = st.dictionaries(st.text(), st.text(), max_size=3)


@given(TEXTS, TEXTS, MAPS, MAPS, st.floats(0, 1e6), st.booleans())
def test_specs_travel_as_json(tasks, artifacts, env, limits, timeout, on):
    """An executor may be on another machine."""
    spec = JobSpec(
        id="a-1",
        name="a",
        build_id="B",
        project="o/r",
        tasks=tasks,
        artifacts=artifacts,
        env={**env, "FROM": {"secretKeyRef": {"name": "x"}}},
        timeout=timeout,
        privileged=on,
        resources=Resources(limits=limits),
        host=Host(node_selector=limits),
        cache=Cache(on),
        storage=Storage(on),
        docker=Docker(on),
        volumes=({"name": "v", "items": [1]},),
        sidecars={"db": {"image": "postgres", "args": ["-c"]}},
    )
    assert JobSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_json_has_every_field():
    """A field that is added and not sent would be lost without a word."""
    assert set(SPEC.to_json()) == {field.name for field in fields(JobSpec)}


def test_the_environment_is_not_shown():
    """It holds the values of secrets."""
    assert "s3cr3t" not in repr(JobSpec(id="", name="", build_id="", project="", env={"A": "s3cr3t"}))


def test_the_script_is_v1s():
    """Brigade v1 joins tasks under the shell's strict mode; an unknown shell has none."""

    def script(shell):
        return JobSpec(id="", name="", build_id="", project="", tasks=("a", "b"), shell=shell).script()

    assert script("/bin/sh") == "#!/bin/sh\n\nset -e\na\nb\n"
    assert script("/bin/bash") == "#!/bin/bash\n\nset -eo pipefail\na\nb\n"
    assert script("/bin/fish") == "#!/bin/fish\n\na\nb\n"


def test_only_one_state_is_success():
    assert [state for state in State if JobStatus(state=state).succeeded] == [State.SUCCEEDED]


def digest(commit="c1", redact=lambda value: value, **changes):
    return replace(SPEC, **changes).digest(commit=commit, redact=redact)


@pytest.mark.parametrize(
    "change",
    [
        {"tasks": ("make",)},
        {"image": "python:3.12"},
        {"env": {"WHEEL": "b.whl"}},
        {"timeout": 5.0},
        {"use_source": False},
        {"project": "o/other"},
        {"resources": Resources(limits={"cpu": "1"})},
        {"commit": "c2"},
    ],
)
def test_another_job_has_another_digest(change):
    """Or what one left would stand for the other."""
    assert digest(**change) != digest()
    assert digest(**change) == digest(**change)


def test_inputs_are_what_they_were_made_of():
    """Their ids are others in another build."""
    one, other, same = [
        replace(SPEC, inputs=(name,)).digest(commit="c", redact=lambda value: value, inputs=[made])
        for name, made in (("a-1", "d1"), ("a-1", "d2"), ("a-2", "d1"))
    ]
    assert one == same != other
    assert replace(SPEC, inputs=("a-1",)).digest(commit="c", redact=lambda value: value, inputs=[None]) is None


def test_the_same_job_elsewhere_has_the_same_digest():
    """In another build, on another machine, with secrets of other values that are masked in both."""
    assert digest(id="a-2", build_id="C", source="/somewhere/else") == digest()
    masked = [Redactor([token]).tree for token in TOKENS]
    first, second = [digest(redact=mask, env={"T": token}) for mask, token in zip(masked, TOKENS, strict=True)]
    assert first == second


@pytest.mark.parametrize("change", [{"inputs": ("a-1",)}, {"storage": Storage(enabled=True)}, {"commit": None}])
def test_what_leaves_more_than_its_outputs_cannot_be_remembered(change):
    """Files that a later job would miss, or a source that nobody knows."""
    assert digest(**change) is None
    if "commit" in change:
        assert digest(**change, use_source=False), "it never saw the source"
