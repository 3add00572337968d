"""The chart `brignb` on a real API server: taken strictly, rights that hold, and what upgrading and uninstalling keep. No pod has to run for it."""

from __future__ import annotations

import json

import kube
import pytest
from charts.chart import Chart
from installed import CHARTS, RELEASE, System

CHART = Chart("brignb")
NOWHERE = {"image": {"server": "localhost/nowhere:1", "worker": "localhost/nowhere:1"}}
"""No pod starts: what is looked at here is what Helm makes."""
AWAY = {"store": {"postgresql": {"image": "localhost/nowhere:1"}}}
PLURALS = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}


@pytest.fixture
def system():
    kube.need_program("helm")
    with kube.namespace() as namespace:
        made = System(namespace)
        yield made
        made.close()


@pytest.mark.parametrize(
    "setting", ["cr.enabled=true,ingress.enabled=true,ingress.host=example.com", "single=true,cr.enabled=true"]
)
def test_the_api_server_takes_all_of_it(system, setting):
    """A server-side dry run, strict: a field that Kubernetes does not know would be dropped without a word."""
    for each in CHART.rendered("--set", setting, namespace=system.namespace):
        group = each["apiVersion"]
        root = "/api/v1" if group == "v1" else f"/apis/{group}"
        plural = PLURALS.get(each["kind"], f"{each['kind'].lower()}s")
        where = f"{root}/namespaces/{system.namespace}/{plural}"
        made = kube.asked("POST", where, each, dryRun="All", fieldValidation="Strict")
        assert made["kind"] == each["kind"]


def test_no_account_can_do_what_it_should_not(system):
    """The issue. Asked of the cluster itself, as each account; the positive ones show that the question is understood."""
    system.helm("install", RELEASE, str(CHARTS / "brignb"), values={**NOWHERE, **AWAY})

    def can(account: str, verb: str, resource: str, *, namespace: str = "", name: str = "") -> bool:
        kind, _, sub = resource.partition("/")
        group = "coordination.k8s.io" if kind == "leases" else "rbac.authorization.k8s.io" if kind == "roles" else ""
        attributes = {
            "verb": verb,
            "resource": kind,
            "subresource": sub,
            "group": group,
            "namespace": namespace or system.namespace,
            "name": name,
        }
        user = f"system:serviceaccount:{system.namespace}:{account}"
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{system.namespace}", "system:authenticated"]
        spec = {"user": user, "groups": groups, "resourceAttributes": attributes}
        answer = kube.asked("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
        return answer["status"]["allowed"]

    api, controller, default = "brignb-api", "brignb-controller", "default"
    assert can(api, "create", "pods")
    assert can(api, "get", "pods/log")
    assert can(controller, "watch", "secrets")
    assert can(controller, "update", "leases", name="brignb-controller")
    refused = [
        *((api, verb, "secrets") for verb in ("get", "list", "watch")),
        *((controller, verb, "secrets") for verb in ("get", "update")),
        *((controller, verb, "pods/log") for verb in ("get",)),
        *((account, "create", "pods/exec") for account in (api, controller)),
        *((account, "create", "roles") for account in (api, controller)),
        *((account, "list", "nodes") for account in (api, controller)),
        *((default, verb, kind) for verb in ("get", "list", "create") for kind in ("pods", "secrets")),
        (controller, "create", "pods/attach"),
        (api, "create", "leases"),
    ]
    assert [each for each in refused if can(*each)] == []
    assert not can(controller, "update", "leases", name="somebody-elses")
    assert not can(controller, "list", "secrets", namespace="kube-system")
    assert not can(api, "create", "pods", namespace="default")


def test_upgrading_keeps_what_was_made_once(system):
    """Key, token, certificate and the database's password: another key would make all sealed secrets unreadable."""
    system.helm("install", RELEASE, str(CHARTS / "brignb"), values={**NOWHERE, **AWAY})
    names = ("brignb", "brignb-tls", "brignb-store")
    before = {name: system.secret(name) for name in names}
    assert len(before["brignb"]["key"]) == 32
    assert before["brignb-tls"]["ca.crt"].startswith(b"-----BEGIN CERTIFICATE-----")
    system.helm("upgrade", RELEASE, str(CHARTS / "brignb"), values={**NOWHERE, **AWAY, "cr": {"enabled": True}})
    assert {name: system.secret(name) for name in names} == before


@pytest.mark.parametrize("single", [False, True])
def test_uninstalling_leaves_what_it_says_and_no_orphan(system, single):
    """NOTES.txt names it: the Secrets without which the data could not be read, and the claim with the data."""
    system.helm("install", RELEASE, str(CHARTS / "brignb"), values={**NOWHERE, **AWAY, "single": single})
    notes = system.helm("get", "notes", RELEASE)
    system.helm("uninstall", RELEASE, "--wait")
    kinds = "deployments,statefulsets,services,secrets,configmaps,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets,leases"
    found = json.loads(system.kubectl("get", kinds, "--output", "json"))["items"]
    left = {f"{each['kind']} {each['metadata']['name']}" for each in found}
    left -= {"ServiceAccount default", "ConfigMap kube-root-ca.crt"}
    assert left == ({"Secret brignb"} if single else {"Secret brignb", "Secret brignb-store"})
    assert all(name.partition(" ")[2] in notes for name in left)
