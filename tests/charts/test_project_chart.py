"""The chart `brignb-project`: a project file as values makes the Secret that `brignb project create --kube` makes of the same file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import kube
import pytest
import yaml
from charts.chart import Chart

from brignb.model import projectfile, projectobject

CHART = Chart("brignb-project")
SEED = CHART.folder / "ci" / "reference-values.yaml"
KINDS = {
    ("string",): "text",
    ("boolean", "string"): "true or false",
    ("integer",): "number",
    ("integer", "string"): "number or quantity",
    ("array", "string"): "list of names",
    ("string", "number"): "text",
    ("object",): "mapping of texts",
}
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\n"
FULL = {
    "project": "deis/empty-testbed",
    "repository": "github.com/deis/empty-testbed",
    "cloneURL": "git@github.com:deis/empty-testbed.git",
    "namespace": "builds",
    "sharedSecret": "IBrakeForSeaBeasts",
    "registrySecret": "another-secret",
    "genericGatewaySecret": "mygenericsecret",
    "github": {"token": "a github token", "baseURL": "https://ghe.example.com/api/v3", "uploadURL": None},
    "sshKey": PEM,
    "sshCert": "ssh-ed25519-cert-v01@openssh.com AAAA",
    "secrets": {"A": 'quoted " and <angled> & ünïcode', "B": "line\nline", "PIN": "01234567"},
    "notebook": "ci/build.ipynb",
    "defaultNotebook": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "executor": "kubernetes",
    "tier": "fork",
    "preload": ["numpy", "scipy.stats"],
    "limits": {"memory": "1.5Gi", "processes": 64},
    "outputLimits": {"cellBytes": 268435456, "cellDisplays": 100, "runBytes": "64Mi"},
    "timeout": 999999999,
    "retries": 2,
    "warmWorkers": 2,
    "initGitSubmodules": True,
    "imagePullSecrets": "foo, bar",
    "serviceAccount": "builder",
    "allowPrivilegedJobs": False,
    "allowHostMounts": "true",
    "allowServiceAccounts": ["a", "b"],
    "kubernetes": {"allowSecretKeyRef": True, "cacheStorageClass": "fast", "buildStorageClass": "shared"},
    "buildStorageSize": "50Mi",
    "vcsSidecar": "brigadecore/git-sidecar:latest",
    "vcsSidecarResources": {
        "limits": {"cpu": "100m", "memory": "100Mi"},
        "requests": {"cpu": 1.5, "memory": 100000000},
    },
    "worker": {"registry": "brigadecore", "name": "brigade-worker", "tag": "1.10", "pullPolicy": "IfNotPresent"},
}
pytestmark = pytest.mark.slow


def rendered(values: Path) -> dict:
    (secret,) = CHART.rendered("-f", values)
    return secret


def test_the_seed_is_its_values_unchanged():
    """The issue: `helm install -f project.yaml` with the reference file as it is, and the Secret is v1's."""
    secret = rendered(SEED)
    project = projectfile.read(SEED.read_bytes()).project
    made = projectobject.written(project, "brignb")
    assert projectobject.read(secret).project == project
    assert (secret["type"], secret["metadata"]["name"]) == (made["type"], made["metadata"]["name"])
    assert secret["metadata"]["annotations"] == made["metadata"]["annotations"]
    assert projectobject.LABELS.items() <= secret["metadata"]["labels"].items()
    assert secret["data"].keys() == made["data"].keys()
    assert "0 chart(s) failed" in CHART.helm("lint", "-f", SEED)


def test_every_key_says_what_it_says_in_a_project_file(tmp_path):
    """Numbers without exponents, lists, flags, keys with newlines, texts that Helm would like to escape."""
    assert CHART.values().keys() - set(flat(FULL)) == UNUSED, "a key that is not tried here"
    values = tmp_path / "project.yaml"
    values.write_text(yaml.safe_dump(FULL))
    found = projectobject.read(rendered(values))
    assert found.project == projectfile.read(values.read_bytes()).project
    assert found.warnings == ()


UNUSED = {
    "workerCommand",
    "defaultScript",
    "defaultScriptName",
    "brigadejsPath",
    "defaultConfig",
    "defaultConfigName",
    "brigadeConfigPath",
}
"""Taken, with a warning, and dropped."""


def flat(values: dict, prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict) and name != "secrets":
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_what_a_project_file_leaves_empty_is_absent(tmp_path):
    """v1's own chart ships `github:`, `secrets:` and `cloneURL: ""` with nothing behind them."""
    values = tmp_path / "project.yaml"
    values.write_text(
        'project: o/r\ncloneURL: ""\ngithub:\nsecrets:\nsharedSecret: ""\ntimeout:\nallowHostMounts: ""\n'
    )
    assert not rendered(values)["data"]


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("timeout=soon", "/timeout"),
        ("timeout=0", "/timeout"),
        ("secrets.PIN=1234", "/secrets/PIN"),
        ("sharedSecret=1234", "/sharedSecret"),
        ("allowPrivilegedJobs=maybe", "/allowPrivilegedJobs"),
        ("executor=podmn", "/executor"),
        ("github=token", "/github"),
        ("worker.tag=15", "/worker/tag"),
        ("limits.memory=1Mb", "/limits/memory"),
        ("namespace=Not_One", "/namespace"),
        ("project=nothing", "/project"),
        ("limits.memry=1Gi", "'memry' not allowed"),
        ("project=", "/project"),
    ],
)
def test_wrong_values_are_refused_with_their_path(setting, path):
    """The issue. A secret that YAML takes for a number would reach a job as another text: 0123 is 83."""
    assert path in CHART.helm("template", "-f", SEED, "--set", setting, code=1)


def test_the_schema_has_every_key_of_a_project_file():
    """A key that is added to brignb and not here could not be given with Helm."""
    assert CHART.values().keys() == projectfile.KEYS.keys()


def test_every_value_is_documented():
    """The README's table is the schema's own words."""
    wanted = [[f"`{key}`", _kind(fields), fields["description"]] for key, fields in CHART.values().items()]
    assert CHART.table() == wanted


def _kind(fields: dict) -> str:
    if "enum" in fields:
        return "one of " + ", ".join(word for word in fields["enum"] if word)
    kinds = [fields["type"]] if isinstance(fields["type"], str) else fields["type"]
    return KINDS[tuple(kind for kind in kinds if kind != "null")]


@pytest.mark.cluster
def test_the_api_server_takes_it():
    """A server-side dry run: what Helm renders is a Secret that this Kubernetes accepts."""
    with kube.namespace() as namespace:
        made = kube.asked(
            "POST",
            f"/api/v1/namespaces/{namespace}/secrets",
            {**rendered(SEED), "metadata": {**rendered(SEED)["metadata"], "namespace": namespace}},
            dryRun="All",
            fieldValidation="Strict",
        )
        assert made["type"] == projectobject.TYPE
