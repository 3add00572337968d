"""A specification as a pod: what a cluster is asked for, without one."""

from __future__ import annotations

import dataclasses

import pytest

from brignb.executors.kubernetes.asking import support
from brignb.executors.kubernetes.belongings import claims, secret
from brignb.executors.kubernetes.locks import Rules
from brignb.executors.kubernetes.naming import cache_claim
from brignb.executors.kubernetes.pod import pod
from brignb.executors.kubernetes.rights import RIGHTS, role
from brignb.executors.kubernetes.settings import Settings
from brignb.model.jobs import Cache, Docker, Host, JobSpec, Resources, Storage
from brignb.model.projects import Policy, Project

BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"
ID = "build-01jv3zq8m4t7y2k9r5w6x0abcd"
OPEN = frozenset({"privileged", "host-mounts", "docker-socket", "service-account"})


def spec(**fields) -> JobSpec:
    facts = {
        "id": ID,
        "name": "build",
        "build_id": BUILD,
        "project": "owner/repo",
        "image": "busybox:1",
        "tasks": ("true",),
    }
    return JobSpec(**{**facts, **fields})


def made(**fields):
    return pod(spec(**fields), Settings(), nonce="0123", waits=True)


def main(manifest):
    return manifest["spec"]["containers"][0]


def test_labels_are_brigade_v1s():
    """Its tools, and people's scripts, find pods by them."""
    labels = made()["metadata"]["labels"]
    assert labels["heritage"] == "brigade"
    assert (labels["component"], labels["jobname"], labels["build"]) == ("job", "build", BUILD.lower())
    assert labels["project"].startswith("brigade-")
    assert labels["worker"] == f"brigade-worker-{BUILD.lower()}"


def test_without_a_word_a_pod_is_restricted():
    """The Pod Security Standards' list for that profile."""
    manifest = made(source="/tmp", artifacts=("x",))["spec"]
    assert manifest["securityContext"]["runAsNonRoot"] is True
    assert manifest["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert manifest["automountServiceAccountToken"] is False
    for container in (*manifest["initContainers"], *manifest["containers"]):
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_privileged_is_the_jobs_own_container_alone():
    """What brings its files has no need of it."""
    manifest = made(privileged=True, source="/tmp")["spec"]
    assert manifest["containers"][0]["securityContext"] == {"privileged": True}
    assert "privileged" not in manifest["initContainers"][0]["securityContext"]
    assert "runAsNonRoot" not in manifest["securityContext"]


def test_who_has_the_nodes_docker_daemon_runs_as_the_image_says():
    """Its socket is root's: a user without a name was seen to be denied it."""
    manifest = made(docker=Docker(enabled=True))["spec"]
    assert "runAsUser" not in manifest["securityContext"]
    assert manifest["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False


def test_texts_of_the_environment_stand_in_the_secret_and_nowhere_else():
    """Whoever may look at pods may not see secrets."""
    job = spec(env={"TOKEN": "s3cr3t", "OTHER": {"secretKeyRef": {"name": "n", "key": "k"}}})
    manifest = pod(job, Settings(), nonce="0123", waits=True)
    assert "s3cr3t" not in str(manifest)
    values = {each["name"]: each.get("valueFrom") for each in main(manifest)["env"]}
    assert values["TOKEN"] == {"secretKeyRef": {"name": ID, "key": "env.TOKEN"}}
    assert values["OTHER"] == {"secretKeyRef": {"name": "n", "key": "k"}}, "a reference stays one"
    assert secret(job, Settings(), nonce="0123", waits=True)["stringData"]["env.TOKEN"] == "s3cr3t"


def test_an_image_without_tasks_runs_as_it_is():
    """No wrapper, no waiting, no Secret where there is nothing secret."""
    manifest = made(tasks=(), args=("a $(HOME)",))
    assert "command" not in main(manifest)
    assert main(manifest)["args"] == ["a $$(HOME)"], "Kubernetes would expand it; the process executor does not"
    assert secret(spec(tasks=()), Settings(), nonce="0123", waits=True) is None


def test_every_field_of_v1_has_its_place():
    """Contract: Brigade v1's meaning."""
    fields = {
        "annotations": {"a": "b"},
        "resources": Resources(requests={"cpu": "100m"}, limits={"memory": "1Gi"}),
        "host": Host(os="linux", name="node-1", node_selector={"disk": "ssd"}),
        "image_pull_policy": "Always",
        "image_pull_secrets": ("regcred",),
        "service_account": "robot",
        "cache": Cache(enabled=True),
        "storage": Storage(enabled=True),
        "docker": Docker(enabled=True),
        "volumes": ({"name": "v", "emptyDir": {}},),
        "volume_mounts": ({"name": "v", "mountPath": "/v"},),
        "sidecars": {"db": {"image": "postgres", "environment": {"A": "b"}}},
        "timeout": 1.5,
    }
    manifest = made(**fields)
    inner, own = manifest["spec"], main(manifest)
    assert manifest["metadata"]["annotations"]["a"] == "b"
    assert own["resources"] == {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}}
    assert inner["nodeSelector"] == {"kubernetes.io/os": "linux", "disk": "ssd"}
    assert (inner["nodeName"], own["imagePullPolicy"]) == ("node-1", "Always")
    assert (inner["imagePullSecrets"], inner["serviceAccountName"]) == ([{"name": "regcred"}], "robot")
    places = {mount["mountPath"] for mount in own["volumeMounts"]}
    assert {"/mnt/brigade/cache", "/mnt/brigade/share", "/var/run/docker.sock", "/v", "/hook"} <= places
    assert inner["initContainers"][0]["restartPolicy"] == "Always", "a sidecar ends with the job"
    assert inner["activeDeadlineSeconds"] == 12
    assert [claim["spec"]["accessModes"] for claim in claims(spec(**fields), Settings())] == [["ReadWriteMany"]] * 2


def volume(kind, **facts):
    return {"name": "v", kind: facts}


@pytest.mark.parametrize(
    ("fields", "policy", "lock"),
    [
        ({"privileged": True}, Policy(), "privileged"),
        ({"volumes": ({"name": "v", "hostPath": {"path": "/"}},)}, Policy(allow_host_mounts=True), "host-mounts"),
        ({"docker": Docker(enabled=True)}, Policy(allow_host_mounts=True), "docker-socket"),
        ({"service_account": "robot"}, Policy(allow_service_accounts=("robot",)), "service-account"),
        ({"sidecars": {"s": {"image": "i", "privileged": True}}}, Policy(), "privileged"),
        (
            {"volumes": (volume("projected", sources=[{"serviceAccountToken": {"path": "t"}}]),)},
            Policy(allow_service_accounts=("default",)),
            "service-account",
        ),
    ],
)
def test_what_is_dangerous_needs_both_locks(fields, policy, lock):
    """Contract, "Project file"; with an author's own kubeconfig the cluster's RBAC is the operator's."""
    shut = Policy(allow_privileged_jobs=False)
    refused = lambda project, operator: support(spec(**fields), Rules(project=project, operator=operator)).refusals  # noqa: E731
    assert refused(policy, OPEN) == ()
    assert refused(policy, None) == ()
    assert lock in refused(policy, OPEN - {lock})[0]
    assert "project does not allow it" in refused(shut, OPEN)[0]


@pytest.mark.parametrize("kind", ["persistentVolumeClaim", "nfs", "csi", "emptyDir", "configMap", "downwardAPI"])
def test_a_volume_that_others_have_too_is_a_mount_of_the_hosts(kind):
    """A claim may be another build's or the database's; a driver's may be anything. With a kubeconfig of one's own RBAC decides."""
    job = spec(volumes=(volume(kind, some="facts"),))
    refusals = support(job, Rules(project=Policy(), operator=OPEN)).refusals
    assert bool(refusals) is (kind in {"persistentVolumeClaim", "nfs", "csi"})
    assert support(job, Rules(project=Policy())).refusals == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"env": {"A": {"secretKeyRef": {"name": "n", "key": "k"}}}},
        {"env": {"A": {"fileKeyRef": {"path": "p"}}}},
        {"volumes": ({"name": "v", "secret": {"secretName": "its-own"}},)},
        {"volumes": ({"name": "v", "projected": {"sources": [{"configMap": {}}, {"secret": {"name": "n"}}]}},)},
    ],
)
def test_a_secret_of_the_cluster_is_the_projects_to_allow(fields):
    """In a server's namespace there are other projects' Secrets."""
    rules = lambda allowed: Rules(project=Policy(allow_secret_key_ref=allowed), operator=OPEN)  # noqa: E731
    assert support(spec(**fields), rules(True)).refusals == ()
    assert "allowSecretKeyRef" in support(spec(**fields), rules(False)).refusals[0]


@pytest.mark.parametrize(
    ("more", "open_to_all"),
    [({}, True), ({"dataSource": {"kind": "PersistentVolumeClaim", "name": "data-brignb-postgresql-0"}}, False)],
)
def test_a_fresh_claim_is_the_jobs_own_and_a_copy_of_another_is_not(more, open_to_all):
    """A claim with a data source is a clone: of the database's, where a driver can."""
    template = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **more}}
    job = spec(volumes=({"name": "v", "ephemeral": {"volumeClaimTemplate": template}},))
    refusals = support(job, Rules(project=Policy(), operator=frozenset())).refusals
    assert (refusals == ()) is open_to_all


@pytest.mark.parametrize(
    "fields",
    [
        {"env": {"A": {"secretKeyRef": {"name": "brignb", "key": "key"}}}},
        {"volumes": ({"name": "v", "secret": {"secretName": "brigade-0123"}},)},
        {"volumes": ({"name": "v", "projected": {"sources": [{"secret": {"name": "brignb-worker-x"}}]}},)},
    ],
)
def test_no_project_allows_the_servers_own_secrets(fields):
    """They stand in the same namespace; whose repository may read its own Secrets must not read the key of all."""
    allowed = Policy(allow_secret_key_ref=True)
    assert support(spec(**fields), Rules(project=allowed, operator=OPEN)).refusals
    assert support(spec(**fields), Rules(project=allowed)).refusals == ()  # by a kubeconfig of one's own: RBAC decides


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"image": None}, "image"),
        ({"env": {"BIG": "x" * 1024 * 1024}}, "1,048,576"),
        ({"env": {"A B": "x"}}, "A B"),
        ({"tasks": (), "artifacts": ("x",)}, "artifacts"),
        ({"sidecars": {"db": {"image": "x", "imagee": "y"}}}, "imagee"),
        ({"sidecars": {"brigaderun": {"image": "x"}}}, "brigaderun"),
        ({"volumes": ({"name": "brignb-run"},)}, "volumes"),
        ({"mount_path": "/brignb", "source": "/tmp"}, "mount_path"),
    ],
)
def test_what_no_cluster_would_take_is_refused_by_name(fields, word):
    """Before anything is made of it; no value is shown."""
    refusals = support(spec(**fields), Rules()).refusals
    assert len(refusals) == 1
    assert word in refusals[0]
    assert "xxx" not in refusals[0]


def test_a_caches_name_fits_and_is_the_projects_own():
    """A project's name may have 200 characters, a claim's 63 in its labels."""
    long = cache_claim(spec(project="owner/" + "r" * 190))
    assert len(long) <= 63
    assert long != cache_claim(spec(project="owner/" + "r" * 189))
    assert cache_claim(spec(project="Owner/my.repo")).startswith("owner-my-repo-build-"), "Brigade v1's"
    theirs = cache_claim(spec(project="owner/a", name="b-c", id="b-c-01jv3zq8m4t7y2k9r5w6x0abcd"))
    assert theirs != cache_claim(spec(project="owner/a-b", name="c", id="c-01jv3zq8m4t7y2k9r5w6x0abcd"))


def test_claims_are_as_the_project_says():
    """Brigade v1: `buildStorageSize`, `kubernetes.buildStorageClass`, `kubernetes.cacheStorageClass`; else the operator's, else the cluster's."""

    def made(settings: Settings, **v1: str) -> list[tuple[str, str | None]]:
        wanted = spec(storage=Storage(enabled=True), cache=Cache(enabled=True))
        found = [claim["spec"] for claim in claims(wanted, settings.of(Project(name="o/r", v1=v1)))]
        return [(each["resources"]["requests"]["storage"], each.get("storageClassName")) for each in found]

    both = {"kubernetes.buildStorageClass": "shared", "kubernetes.cacheStorageClass": "fast"}
    assert made(Settings(), **both, buildStorageSize="2Gi") == [("2Gi", "shared"), ("5Mi", "fast")]
    assert made(Settings()) == [("50Mi", None), ("5Mi", None)]
    assert made(Settings(), **{"kubernetes.buildStorageClass": "shared"}) == [("50Mi", "shared"), ("5Mi", None)]
    assert made(Settings(storage_class="nfs")) == [("50Mi", "nfs"), ("5Mi", "nfs")]
    assert made(Settings(storage_class="nfs", cache_class="ssd")) == [("50Mi", "nfs"), ("5Mi", "ssd")]


def test_settings_come_from_the_environment_and_say_what_is_wrong():
    """A typing error must not become a default."""
    told = Settings.from_environment({"BRIGNB_KUBERNETES_PULL_GRACE": "2.5", "BRIGNB_KUBERNETES_KEEP_PODS": "true"})
    assert (told.pull_grace, told.keep_pods, told.uid) == (2.5, True, 1000)
    for name, value in (("UID", "root"), ("SECURITY", "none"), ("KEEP_PODS", "maybe")):
        with pytest.raises(Exception, match=f"BRIGNB_KUBERNETES_{name}"):
            Settings.from_environment({f"BRIGNB_KUBERNETES_{name}": value})
    assert {field.name for field in dataclasses.fields(Settings)} >= {"helper_image", "storage_class"}


def test_the_role_is_the_list():
    """One place: what is granted is what is asked for."""
    rules = role("brignb", "ns")["rules"]
    assert [(rule["resources"][0], tuple(rule["verbs"])) for rule in rules] == [each[:2] for each in RIGHTS]
