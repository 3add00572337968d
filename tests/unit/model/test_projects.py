"""A project falls into two halves: one that may be stored and shown, one that is sealed."""

from __future__ import annotations

import json
from dataclasses import fields

from brignb.model.projects import SECRET_FIELDS, Limits, OutputLimits, Policy, Project

CANARY = "c4n4ry"
PROJECT = Project(
    name="o/r",
    clone_url="https://example.com/x.git",
    default_notebook="{}",
    executor="process",
    timeout=1,
    retries=2,
    init_submodules=True,
    tier="kernel",
    preload=("numpy",),
    limits=Limits(memory=2**30, processes=64),
    output_limits=OutputLimits(cell_bytes=1, cell_displays=2, run_bytes=3),
    policy=Policy(allow_privileged_jobs=False, allow_service_accounts=("a", "b")),
    image_pull_secrets=("p",),
    service_account="s",
    v1={"worker.tag": "1"},
    secrets={"A": f"{CANARY}-a", "EMPTY": ""},
    **{name: f"{CANARY}-{name}" for name in SECRET_FIELDS},
)


def test_both_halves_make_the_whole():
    """What `project create` stores, sealed and not, is the project again after a restart."""
    stored, sealed = (json.loads(json.dumps(half)) for half in (PROJECT.stored(), PROJECT.sealed()))
    assert Project.from_stored(stored).opened(sealed) == PROJECT
    bare = Project(name="o/r")
    assert Project.from_stored(json.loads(json.dumps(bare.stored()))).opened(bare.sealed()) == bare


def test_a_project_of_an_older_brignb():
    """A server that was replaced by a newer one knows its projects still; what they could not say has its default."""
    stored = {
        "name": "o/r",
        "clone_url": "/srv/x",
        "policy": {"allow_privileged_jobs": False, "allow_service_accounts": []},
    }
    assert Project.from_stored(stored) == Project(
        name="o/r", clone_url="/srv/x", policy=Policy(allow_privileged_jobs=False)
    )


def test_the_open_half_has_no_secret():
    """It is stored in clear, sent to workers, shown by CLI and API."""
    for shown in (json.dumps(PROJECT.stored()), json.dumps(PROJECT.public()), repr(PROJECT), str(PROJECT)):
        assert CANARY not in shown


def test_every_field_is_in_one_half():
    """A field that is added and put in neither would be lost without a word."""
    both = {*PROJECT.stored(), *PROJECT.sealed()}
    assert both == {field.name for field in fields(Project)}
    assert not PROJECT.stored().keys() & PROJECT.sealed().keys()


def test_all_values_to_redact():
    """Each non-empty one, once the credentials are counted too."""
    assert set(PROJECT.secret_values()) == {f"{CANARY}-a", *(f"{CANARY}-{name}" for name in SECRET_FIELDS)}


def test_secrets_are_shown_by_name():
    assert PROJECT.public()["secrets"] == {"A": "REDACTED", "EMPTY": "REDACTED"}
    assert Project(name="o/r").public()["sharedSecret"] is None


def test_what_a_build_is_run_with_is_shown():
    """By the project file's own names, in plain numbers."""
    shown = json.loads(json.dumps(PROJECT.public()))
    assert (shown["tier"], shown["preload"]) == ("kernel", ["numpy"])
    assert shown["limits"] == {"memory": 2**30, "processes": 64}
    assert shown["outputLimits"] == {"cellBytes": 1, "cellDisplays": 2, "runBytes": 3}
