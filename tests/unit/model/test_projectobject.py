"""A project as Brigade v1's Secret: what others made is read, what we write is v1's, and nothing is lost on the way and back."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.errors import ProjectFileError
from brignb.model import projectfile
from brignb.model.names import project_id
from brignb.model.projectfile import KEYS
from brignb.model.projectobject import read, written
from brignb.model.projects import Limits, OutputLimits, Policy

CANARY = "c4n4ry-never-shown"
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\n"
NAME = "deis/empty-testbed"
V1 = {
    "sharedSecret": "IBrakeForSeaBeasts",
    "github.token": "github oauth token",
    "github.baseURL": "",
    "vcsSidecar": "brigadecore/git-sidecar:latest",
    "vcsSidecarResources.limits.cpu": "100m",
    "namespace": "builds",
    "buildStorageSize": "50Mi",
    "defaultScript": "",
    "repository": "github.com/deis/empty-testbed",
    "sshKey": PEM.replace("\n", "$"),
    "cloneURL": "git@github.com:deis/empty-testbed.git",
    "secrets": '{"USER":"hello world","PORT":8080,"NOTHING":null}',
    "worker.tag": "v1.5.0",
    "initGitSubmodules": "true",
    "imagePullSecrets": "foo, bar",
    "allowPrivilegedJobs": "false",
    "allowHostMounts": "true",
    "kubernetes.allowSecretKeyRef": "false",
    "genericGatewaySecret": "mygenericsecret",
}
"""As v1's `brig project create` writes it: every key a text, empty ones too."""


def secret(data: dict[str, str], project: str = NAME, /, **metadata) -> dict:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    about = {"name": project_id(project), "namespace": "brigade", "annotations": {"projectName": project}, **metadata}
    return {"metadata": about, "type": "brigade.sh/project", "data": encoded}


def refused(*args, **kwargs) -> str:
    with pytest.raises(ProjectFileError) as caught:
        read(secret(*args, **kwargs))
    return str(caught.value)


def test_a_secret_that_v1_made():
    """The issue: a v1 project Secret made by others works, each key with v1's meaning."""
    found = read(secret(V1))
    project = found.project
    assert (project.name, project.id) == (NAME, "brigade-830c16d4aaf6f5490937ad719afd8490a5bcbef064d397411043ac")
    assert (project.namespace, project.clone_url) == ("builds", V1["cloneURL"])
    assert (project.shared_secret, project.github_token) == ("IBrakeForSeaBeasts", "github oauth token")
    assert project.ssh_key == PEM
    assert project.secrets == {"USER": "hello world", "PORT": "8080", "NOTHING": ""}
    assert project.image_pull_secrets == ("foo", "bar")
    assert project.init_submodules
    assert project.policy == Policy(allow_privileged_jobs=False, allow_host_mounts=True)
    assert project.v1["worker.tag"] == "v1.5.0"
    assert "github.baseURL" not in project.v1
    assert all(warning.startswith("Secret brigade/brigade-830c") for warning in found.warnings)


def test_our_own_keys_are_texts_too():
    """A Secret has no numbers and no lists."""
    project = read(
        secret(
            {
                "cloneURL": "https://example.com/x.git",
                "timeout": "60",
                "retries": "2",
                "preload": "numpy,scipy.stats",
                "limits.memory": "1Gi",
                "outputLimits.cellBytes": "65536",
                "allowServiceAccounts": "a,b",
            }
        )
    ).project
    assert (project.timeout, project.retries, project.preload) == (60, 2, ("numpy", "scipy.stats"))
    assert (project.limits, project.output_limits) == (Limits(memory=2**30), OutputLimits(cell_bytes=65_536))
    assert project.policy.allow_service_accounts == ("a", "b")
    assert project.namespace == "brigade", "v1: without the key it is the Secret's own"


def test_what_is_written_has_v1s_shape():
    """Brigade v1's tools find it: name, type, labels, annotation, and keys as theirs."""
    text = "project: o/r\ncloneURL: /srv/x\nallowPrivilegedJobs: false\ngithub: {token: abcdefgh}\ntimeout: 60\n"
    project = projectfile.read(text + "sshKey: " + json.dumps(PEM)).project
    made = written(project, "brigade")
    assert made["type"] == "brigade.sh/project"
    assert made["metadata"]["name"] == project_id("o/r")
    assert {"app": "brigade", "heritage": "brigade", "component": "project"}.items() <= made["metadata"][
        "labels"
    ].items()
    assert made["metadata"]["annotations"] == {"projectName": "o/r"}
    assert {key: base64.b64decode(value).decode() for key, value in made["data"].items()} == {
        "cloneURL": "/srv/x",
        "namespace": "default",
        "allowPrivilegedJobs": "false",
        "github.token": "abcdefgh",
        "timeout": "60",
        "sshKey": PEM.replace("\n", "$"),
    }


@pytest.mark.parametrize(
    ("metadata", "what"),
    [
        ({"annotations": {}}, "the annotation `projectName` does not name a project"),
        ({"annotations": None}, "write it as owner/repo"),
        ({"annotations": {"projectName": "nothing"}}, "does not name a project"),
        (
            {"annotations": {"projectName": "somebody/else"}},
            "it claims to be project somebody/else, whose Secret is named",
        ),
        ({"name": "my-project"}, f"is named {project_id(NAME)}"),
    ],
)
def test_a_secret_is_its_names_alone(metadata, what):
    """The issue: one that claims another's name is refused."""
    assert what in refused({"cloneURL": "/srv/x"}, **metadata)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({}, "there is nothing to run"),
        ({"secrets": CANARY}, "`secrets` is not JSON"),
        ({"secrets": f'["{CANARY}"]'}, "wants a mapping of names to texts and is a list"),
        ({"secrets": f'{{"A": ["{CANARY}"]}}'}, "`secrets: A` wants text and is a list"),
        ({"secrets": '{"A": "abcdef", "A": "abcdef"}'}, "twice"),
        ({"secrets": '{"A": NaN}'}, "is not JSON"),
        ({"secrets": '{"A": "\\ud800"}'}, "is not JSON"),
        ({"secrets": "[" * 100_000}, "is not JSON"),
        ({"sshKey": CANARY}, "not a private key"),
        ({"timeout": "soon"}, "`timeout` wants a whole number"),
        ({"allowHostMounts": CANARY}, "`allowHostMounts` wants true or false"),
        ({"github": CANARY}, "`github` wants a mapping"),
    ],
)
def test_what_is_wrong_is_said_by_key(data, what):
    """All of it in one message, for an Event on the Secret; no value is in it."""
    message = refused(data)
    assert what in message
    assert CANARY not in message


def test_bytes_that_are_no_text():
    broken = secret({})
    broken["data"]["sharedSecret"] = base64.b64encode(b"\xff\xfe").decode()
    with pytest.raises(ProjectFileError, match="`sharedSecret` is not UTF-8"):
        read(broken)


def test_odd_keys_are_warned_about():
    warnings = read(
        secret({"cloneURL": "/srv/x", "sharedsecret": "x", "project": "a/b", "defaultScript": "x"})
    ).warnings
    assert ["did you mean `sharedSecret`?" in " ".join(warnings), "`project` is left out" in " ".join(warnings)] == [
        True
    ] * 2
    assert "brignb runs notebooks" in " ".join(warnings)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WORDS = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True), max_size=3, unique=True)
SIZES = st.integers(2**26, 2**29)
VALUES = {
    "namespace": st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True),
    "secrets": st.dictionaries(TEXT, TEXT, max_size=4),
    "sshKey": st.just(PEM),
    "sshCert": st.just("ssh-ed25519-cert-v01@openssh.com AAAA\n"),
    "cloneURL": st.sampled_from(["/srv/x", "https://example.com/x.git", "git@example.com:o/r.git"]),
    "notebook": st.sampled_from(["a.ipynb", "ci/b c.ipynb"]),
    "defaultNotebook": TEXT.map(lambda text: json.dumps({"cells": [], "metadata": {"said": text}})),
    "executor": st.sampled_from(["process", "podman", "kubernetes"]),
    "tier": st.sampled_from(["auto", "fork", "kernel", "cold"]),
    "preload": st.lists(st.sampled_from(["numpy", "scipy.stats", "json"]), unique=True),
    "timeout": st.integers(1, 999_999_999),
    "retries": st.integers(0, 9),
    "limits.memory": SIZES,
    "limits.processes": st.integers(16, 65_536),
    "outputLimits.cellBytes": st.integers(1024, 2**28),
    "outputLimits.cellDisplays": st.integers(1, 100_000),
    "outputLimits.runBytes": SIZES,
    **dict.fromkeys(("imagePullSecrets", "allowServiceAccounts"), WORDS),
    **dict.fromkeys(
        ("initGitSubmodules", "allowPrivilegedJobs", "allowHostMounts", "kubernetes.allowSecretKeyRef"), st.booleans()
    ),
}
"""Of keys that do not take any text."""
OTHERS = {key: TEXT for key in KEYS if key not in VALUES and key != "project"}
FILES = st.fixed_dictionaries({"cloneURL": VALUES.pop("cloneURL")}, optional={**OTHERS, **VALUES})


@given(FILES)
def test_there_and_back(keys):
    """Whatever a project file can say, its Secret says, and nothing else: `create --kube` loses nothing."""
    with contextlib.suppress(ProjectFileError):  # such as vcsSidecar: NONE with nothing else to run
        project = projectfile.read(json.dumps({"project": NAME, **keys})).project
        made = written(project, "brigade")
        assert read(json.loads(json.dumps(made))).project == project
        assert written(read(made).project, "brigade") == made


@given(st.dictionaries(st.sampled_from(list(KEYS)), TEXT), TEXT)
def test_nothing_but_its_own_error_comes_out(data, name):
    """Whoever may write Secrets can write anything into one; the watch goes on."""
    with contextlib.suppress(ProjectFileError):
        assert read(secret(data, name)).project.name == name
