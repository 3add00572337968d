"""The chart `brignb`: its values, the rights that it gives, and that every pod of it is locked down. Without a cluster."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest
import yaml
from charts.chart import Chart

from brignb.controller import projectsecrets
from brignb.controller.pods import rights as pods
from brignb.executors.kubernetes import leftovers
from brignb.executors.kubernetes import rights as jobs

CHART = Chart("brignb")
FORMS = [(), ("--set", "cr.enabled=true,ingress.enabled=true,ingress.host=h"), ("--set", "single=true,cr.enabled=true")]
"""Ways to install it that differ in what is made."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=FORMS, ids=["parts", "everything", "single"])
def made(request):
    return CHART.rendered(*request.param)


def of_kind(made: list[dict], *kinds: str) -> list[dict]:
    return [each for each in made if each["kind"] in kinds]


def defaults() -> dict[str, object]:
    """Of values.yaml, by dotted name."""
    found: dict[str, object] = {}

    def walk(values: dict, prefix: str = "") -> None:
        for name, value in values.items():
            if isinstance(value, dict) and prefix + name not in CHART.values():
                walk(value, f"{prefix}{name}.")
            else:
                found[prefix + name] = value

    walk(yaml.safe_load((CHART.folder / "values.yaml").read_text("utf-8")))
    return found


def test_helm_finds_nothing_wrong():
    assert "0 chart(s) failed" in CHART.helm("lint", "--strict")


def test_every_value_has_a_schema_and_is_documented():
    """The README's table: each value, its kind, its default as values.yaml has it, and the schema's own words."""
    assert CHART.values().keys() == defaults().keys()
    wanted = [
        [f"`{name}`", kind(fields), shown(defaults()[name]), fields["description"]]
        for name, fields in CHART.values().items()
    ]
    assert CHART.table() == wanted


def kind(fields: dict) -> str:
    if "enum" in fields:
        return "one of " + ", ".join(fields["enum"])
    kinds = {"string": "text", "boolean": "true or false", "integer": "number", "array": "list", "object": "mapping"}
    return kinds[fields["type"]]


def shown(value: object) -> str:
    if isinstance(value, dict) and "requests" in value:
        each = (
            f"{part}: {', '.join(f'{what} {size}' for what, size in sizes.items())}" for part, sizes in value.items()
        )
        return "; ".join(each)
    return "-" if value in ("", [], {}) else f"`{json.dumps(value)}`"


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("controller.replicas=two", "/controller/replicas"),
        ("controller.replicas=0", "/controller/replicas"),
        ("cr.service.type=LoadBalancr", "/cr/service/type"),
        ("cr.enabled=maybe", "/cr/enabled"),
        ("policy.allow={root}", "/policy/allow/0"),
        ("policy.allow=privileged", "/policy/allow"),
        ("retention.keep=ever", "/retention/keep"),
        ("store.url=mysql://x", "/store/url"),
        ("home.size=much", "/home/size"),
        ("workers.mst=3", "'mst' not allowed"),
        ("jobs.namespaces={Not_One}", "/jobs/namespaces/0"),
        ("image.server=", "/image/server"),
    ],
)
def test_wrong_values_are_refused_with_their_path(setting, path):
    """The issue: Helm values of a wrong type are refused by the schema with their path."""
    assert path in CHART.helm("template", "--set", setting, code=1)


def test_each_account_may_do_what_the_code_lists_and_nothing_else():
    """A right that is added in one place and not in the other is either missing or too much."""
    made = CHART.rendered()
    granted = defaultdict(set)
    roles = {role["metadata"]["name"]: role["rules"] for role in of_kind(made, "Role")}
    for binding in of_kind(made, "RoleBinding"):
        for subject in binding["subjects"]:
            for rule in roles[binding["roleRef"]["name"]]:
                for resource in rule["resources"]:
                    granted[subject["name"]] |= {(resource, verb) for verb in rule["verbs"]}
    leases = {("leases", verb) for verb in ("create", "get", "update")}
    assert granted == {
        "brignb-api": pairs(jobs.RIGHTS),
        "brignb-controller": pairs(pods.RIGHTS) | pairs(leftovers.RIGHTS) | pairs(projectsecrets.RIGHTS) | leases,
    }
    assert not of_kind(made, "ClusterRole", "ClusterRoleBinding")


def pairs(rights) -> set[tuple[str, str]]:
    return {(resource, verb) for resource, verbs, _why in rights for verb in verbs}


def test_a_lease_is_the_controllers_own():
    """Who may write any lease of the namespace could take over any other leader's work."""
    rules = [
        rule for role in of_kind(CHART.rendered(), "Role") for rule in role["rules"] if rule["resources"] == ["leases"]
    ]
    assert [rule.get("resourceNames") for rule in rules if rule["verbs"] != ["create"]] == [["brignb-controller"]]


def test_every_pod_is_locked_down(made):
    """The profile `restricted`, a root that cannot be written, limits and probes; an account only where one is needed."""
    with_account = {"brignb-api", "brignb-controller", "brignb"}
    found = of_kind(made, "Deployment", "StatefulSet")
    assert found
    for each in found:
        spec = each["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert (spec.get("automountServiceAccountToken") is False) != (each["metadata"]["name"] in with_account)
        for container in [*spec["containers"], *spec.get("initContainers", ())]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
            assert not [v for v in container.get("env", ()) if "PASSWORD" in v["name"] and "value" in v]


def test_every_part_has_a_service_and_a_policy(made):
    """What is selected is what is there: a Service or a NetworkPolicy that selects nothing would look like one that works."""
    pods_ = [each["spec"]["template"]["metadata"]["labels"] for each in of_kind(made, "Deployment", "StatefulSet")]
    for each in of_kind(made, "Service"):
        assert any(each["spec"]["selector"].items() <= labels.items() for labels in pods_), each["metadata"]["name"]
    for labels in pods_:
        policies = [
            each
            for each in of_kind(made, "NetworkPolicy")
            if each["spec"]["podSelector"].get("matchLabels", {}).items() <= labels.items()
        ]
        assert policies, labels


def test_names_are_the_services_that_people_call(made):
    """The issue: GitHub at 7744, registries at 80, others at 8081, the API at 7745."""
    ports = {each["metadata"]["name"]: each["spec"]["ports"][0]["port"] for each in of_kind(made, "Service")}
    wanted = {"brignb-github": 7744, "brignb-generic": 8081, "brignb-api": 7745}
    assert wanted.items() <= ports.items()
    assert ports.get("brignb-cr", 80) == 80


def test_secrets_of_ones_own_are_not_made():
    """With `secret`, `tls.secret` and `store.secret` the chart makes no Secret and brings no PostgreSQL: for Argo CD, whose templates see no cluster."""
    made = CHART.rendered("--set", "secret=own,tls.secret=own-tls,store.secret=own-store")
    assert of_kind(made, "Secret", "StatefulSet") == []
    used = json.dumps(of_kind(made, "Deployment"))
    assert all(f'"{name}"' in used for name in ("own", "own-tls", "own-store"))
