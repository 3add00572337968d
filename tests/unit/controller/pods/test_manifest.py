"""A worker pod's manifest: what is in it, and what never is."""

from __future__ import annotations

import json

import pytest

from brignb.controller.pods.manifest import cold, image, made_of, warm
from brignb.controller.pods.naming import attempt_of
from brignb.controller.pods.rights import RIGHTS
from brignb.controller.pods.settings import Settings
from brignb.errors import BadInput
from brignb.executors.kubernetes.rights import role
from brignb.model.builds import Build, State
from brignb.model.events import Revision
from brignb.model.projects import Limits, Project

ULID = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"
SETTINGS = Settings(image="brignb-worker:1", server="https://api:7746", memory="1Gi", pull_secrets="a, b")
PROJECT = Project(
    name="o/r",
    secrets={"PASSWORD": "hunter-two"},
    shared_secret="signs",
    image_pull_secrets=("c",),
    timeout=60,
    warm_workers=1,
)


def build(attempt=1):
    return Build(
        id=ULID, project="o/r", event_id=ULID, event_type="push", event_source="api", revision=Revision(), any_commit=False,
        state=State.RUNNING, attempt=attempt, created_at=0,
    )  # fmt: skip


def test_secrets_are_in_the_secret_and_nowhere_else():
    """The pod's own words are read by everybody who may list pods; what signs webhooks is no worker's business."""
    secret, pod = cold(PROJECT, build(), SETTINGS, token="the-token", authority="PEM")
    assert json.loads(secret["stringData"]["secrets.json"]) == {"PASSWORD": "hunter-two"}
    assert (secret["stringData"]["token"], secret["stringData"]["ca.crt"]) == ("the-token", "PEM")
    assert "signs" not in json.dumps(secret)
    assert not [word for word in ("hunter-two", "the-token", "signs") if word in json.dumps(pod)]


def test_a_warm_worker_has_no_secrets_at_all():
    """They come with its build."""
    secret, pod = warm(PROJECT, SETTINGS, random="ab", token="pool", authority="")
    assert secret["stringData"] == {"token": "pool"}
    words = pod["spec"]["containers"][0]["args"]
    assert "--builds" in words
    assert "--secrets-file" not in words
    assert pod["spec"]["terminationGracePeriodSeconds"] > PROJECT.timeout  # it may finish its build


def test_attempts_have_pods_of_their_own_that_tell_whose_they_are():
    """Brigade v1's labels, and names that follow from the build: created, or found."""
    first, second = (
        cold(PROJECT, build(attempt), SETTINGS, token="t", authority="")[1]["metadata"] for attempt in (1, 2)
    )
    assert first["name"] == f"brignb-worker-{ULID.lower()}"
    assert second["name"] == f"{first['name']}-2"
    assert attempt_of(second["labels"]) == (ULID, 2)
    assert {name: first["labels"][name] for name in ("heritage", "component", "build", "project")} == {
        "heritage": "brigade", "component": "build", "build": ULID.lower(), "project": PROJECT.id,
    }  # fmt: skip
    assert attempt_of(warm(PROJECT, SETTINGS, random="ab", token="t", authority="")[1]["metadata"]["labels"]) is None


def test_it_has_no_account_and_no_rights():
    """The *restricted* profile, and more: a root that cannot be written to."""
    spec = cold(PROJECT, build(), SETTINGS, token="t", authority="")[1]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    assert [each["name"] for each in spec["imagePullSecrets"]] == ["c", "a", "b"]
    assert [each["name"] for each in spec["volumes"] if "secret" not in each] == ["work", "tmp"]


@pytest.mark.parametrize(
    ("v1", "expected"),
    [
        ({}, ("brignb-worker:1", "IfNotPresent")),
        ({"worker.registry": "brigadecore", "worker.name": "brigade-worker", "worker.tag": "v1.4"}, ("brignb-worker:1", "IfNotPresent")),
        ({"worker.registry": "my.io/x/", "worker.name": "w", "worker.tag": "2", "worker.pullPolicy": "Always"}, ("my.io/x/w:2", "Always")),
        ({"worker.name": "w"}, ("w", "IfNotPresent")),
        ({"worker.pullPolicy": "Always"}, ("brignb-worker:1", "IfNotPresent")),
    ],
)  # fmt: skip
def test_the_image_is_the_operators_or_the_projects_own(v1, expected):
    """Old project files name Brigade's, which runs no notebook."""
    assert image(Project(name="o/r", v1=v1), SETTINGS) == expected


def test_memory_is_the_projects_and_some_for_the_worker():
    """A build that may have 64 MiB must not be killed for what brignb itself takes."""
    limited = cold(Project(name="o/r", limits=Limits(memory=64 << 20)), build(), SETTINGS, token="t", authority="")[1]
    assert int(limited["spec"]["containers"][0]["resources"]["limits"]["memory"]) > 64 << 20
    assert cold(PROJECT, build(), SETTINGS, token="t", authority="")[1]["spec"]["containers"][0]["resources"] == {
        "limits": {"memory": "1Gi"}
    }


def test_a_warm_worker_is_replaced_for_what_it_is_made_of():
    """And not because a secret was edited, which comes with each build."""
    first = made_of(PROJECT, SETTINGS, "")
    assert (
        made_of(Project(**{**{n: getattr(PROJECT, n) for n in PROJECT.__slots__}, "secrets": {}}), SETTINGS, "")
        == first
    )
    assert (
        made_of(
            PROJECT, Settings(image="brignb-worker:2", server=SETTINGS.server, memory="1Gi", pull_secrets="a, b"), ""
        )
        != first
    )
    assert made_of(PROJECT, SETTINGS, "another certificate") != first


def test_settings_come_from_the_environment():
    """And what is missing is named before anything is claimed."""
    names = {
        "BRIGNB_WORKER_IMAGE": "w:1",
        "BRIGNB_WORKER_SERVER": "https://a",
        "BRIGNB_WORKER_KEEP": "true",
        "BRIGNB_WARM_IDLE": "60",
    }
    found = Settings.from_environment(names)
    assert (found.image, found.keep, found.warm_idle) == ("w:1", True, 60.0)
    with pytest.raises(BadInput, match="BRIGNB_WORKER_SERVER"):
        Settings.from_environment({"BRIGNB_WORKER_IMAGE": "w:1"})
    with pytest.raises(BadInput, match="is no int"):
        Settings.from_environment({**names, "BRIGNB_WORKER_MOST": "many"})


def test_the_rights_are_one_list():
    """A worker's controller reads no logs, attaches to nothing, and reads no Secret by name."""
    rules = {rule["resources"][0]: rule["verbs"] for rule in role("r", "n", RIGHTS)["rules"]}
    assert set(rules) == {"pods", "secrets"}
    assert "get" not in rules["secrets"]
