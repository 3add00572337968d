"""Names reach paths, URLs and pods; ids must be the same after a restart."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.errors import BadInput, JobDefinitionError
from brignb.model.names import (
    id_time_ms,
    is_commit,
    is_id,
    is_project_id,
    job_id,
    job_name,
    new_id,
    project_id,
    project_name,
)

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TIMES = st.integers(0, 2**48 - 1)


def test_v1s_id_of_a_project():
    """The id that Brigade v1 itself gave its test project."""
    assert project_id("deis/empty-testbed") == "brigade-830c16d4aaf6f5490937ad719afd8490a5bcbef064d397411043ac"
    assert is_project_id(project_id("x/y"))
    assert not is_project_id(project_id("x/y") + "\n")


@pytest.mark.parametrize("name", ["owner/repo", "Owner/re.po_-1", "gitlab/group/sub/repo", "a/...", "1/2"])
def test_project_names(name):
    assert project_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "repo",
        "/a",
        "a/",
        "a//b",
        "a/..",
        "./a",
        "a/b\n",
        "a b/c",
        "a/b?",
        "a\\b/c",
        "ä/b",
        "a/" + "b" * 101,
        None,
        1,
    ],
)
def test_no_project_names(name):
    """Path traversal, queries, other alphabets that look alike."""
    with pytest.raises(BadInput):
        project_name(name)


@given(st.text(max_size=60))
def test_a_project_name_is_a_harmless_path(text):
    """Whatever is taken stays below the folder it is joined to."""
    try:
        name = project_name(text)
    except BadInput:
        return
    assert not {"", ".", ".."} & set(name.split("/"))
    assert name.isascii()


@pytest.mark.parametrize("name", ["a", "a-b", "0", "x" * 36])
def test_job_names(name):
    assert job_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a.b", "x" * 37, "a\n", None, "ä"])
def test_no_job_names(name):
    """A pod's name is a DNS label; the hint is one that would do."""
    with pytest.raises(JobDefinitionError) as caught:
        job_name(name)
    if "for example" in caught.value.hint:
        assert job_name(caught.value.hint.rpartition("'")[0].rpartition("'")[2])


@given(TIMES, st.binary(min_size=10, max_size=10))
def test_ids_carry_their_time(now, randomness):
    """Ids sort by time: lists and retention read it from them."""
    identifier = new_id(now, randomness)
    assert is_id(identifier)
    assert id_time_ms(identifier) == now


@given(st.lists(st.tuples(TIMES, st.binary(min_size=10, max_size=10)), min_size=2, max_size=2))
def test_ids_sort_as_their_times_and_bytes_do(pairs):
    assert [new_id(*pair) for pair in sorted(pairs)] == sorted(new_id(*pair) for pair in pairs)


@pytest.mark.parametrize(
    "text", ["", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01arz3ndektsv4rrffq69g5fav", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "../x"]
)
def test_no_ids(text):
    """Ids become paths; lower case and overflow are other ids."""
    assert not is_id(text)


@given(TIMES, st.integers(1, 9), st.sampled_from(["a", "build", "x" * 36]), st.integers(1, 99), st.integers(1, 9))
def test_a_jobs_id_is_the_contracts(build_ms, attempt, name, run, job_try):
    """The contract's words, written out a second time: it must be the same in any other program."""
    build = new_id(build_ms, b"\1" * 10)
    text = json.dumps([build, attempt, name, run, job_try], separators=(",", ":")).encode()
    number = (build_ms << 80) | int.from_bytes(hashlib.sha256(text).digest()[:10], "big")
    ulid = "".join(CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
    made = job_id(build_id=build, build_ms=build_ms, attempt=attempt, name=name, run=run, job_try=job_try)
    assert made == f"{name}-{ulid}".lower()
    assert len(made) <= 63


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("a" * 40, True),
        ("A" * 64, True),
        ("a" * 41, False),
        ("g" * 40, False),
        ("a" * 7, False),
        ("a" * 40 + "\n", False),
    ],
)
def test_commits(text, yes):
    """40 or 64 hex digits; anything else is a ref."""
    assert is_commit(text) is yes
