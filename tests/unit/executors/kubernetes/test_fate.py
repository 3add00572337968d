"""What a pod's status means. Real clusters' words; those that a test cluster can be made to say are in tests/cluster, too."""

from __future__ import annotations

import pytest

from brignb.executors.kubernetes.fate import deleted, hindrance, verdict
from brignb.executors.kubernetes.settings import Settings
from brignb.executors.kubernetes.stages import Stages
from brignb.model.builds import State


def pod(phase="Running", container=None, conditions=(), init=(), **status):
    statuses = [{"name": "brigaderun", "image": "x:1", "state": container}] if container else []
    return {
        "metadata": {"name": "p"},
        "spec": {"activeDeadlineSeconds": 12},
        "status": {
            "phase": phase, "containerStatuses": statuses, "initContainerStatuses": [*init], "conditions": [*conditions], **status,
        },
    }  # fmt: skip


def ended(code, reason="Error", **more):
    return {"terminated": {"exitCode": code, "reason": reason, **more}}


DISRUPTED = {"type": "DisruptionTarget", "status": "True"}


@pytest.mark.parametrize(
    ("seen", "state", "reason", "word"),
    [
        (pod("Succeeded", ended(0, "Completed")), State.SUCCEEDED, None, None),
        (pod("Failed", ended(3)), State.FAILED, "exit_code", "3"),
        (pod("Failed", ended(143)), State.FAILED, "signal", "SIGTERM"),
        (pod("Failed", ended(137, "OOMKilled")), State.FAILED, "oom", "memory"),
        (pod("Failed", ended(128, "StartError", message="no such file")), State.FAILED, "start", "no such file"),
        (pod("Failed", reason="Evicted", message="low on memory"), State.FAILED, "evicted", "low on memory"),
        (pod("Failed", reason="OutOfcpu", message="no room"), State.FAILED, "node_refused", "no room"),
        (pod("Failed", ended(143), reason="DeadlineExceeded"), State.TIMED_OUT, "timeout", "12 s"),
        (pod("Failed", ended(137), [{**DISRUPTED, "reason": "PreemptionByScheduler"}]), State.FAILED, "preempted", "priority"),
        (pod("Failed", None, [{**DISRUPTED, "reason": "DeletionByTaintManager"}]), State.LOST, "node_lost", "node"),
        (pod("Running", None, reason="NodeLost", message="node-1 is gone"), State.LOST, "node_lost", "node-1"),
        (pod("Failed", ended(137, "ContainerStatusUnknown")), State.LOST, "node_lost", "node"),
        (pod("Failed", init=[{"name": "source", "state": ended(1)}]), State.FAILED, "init", "source"),
    ],
)  # fmt: skip
def test_a_pods_end_is_told_exactly(seen, state, reason, word):
    """A person decides by it what to do; a retry, whether to."""
    found = verdict(seen)
    assert (found.state, found.reason) == (state, reason)
    assert word is None or word in found.message


def test_a_pod_that_lives_has_no_end():
    """Nor one that waits."""
    assert verdict(pod("Pending")) is None
    assert verdict(pod("Running", {"running": {}})) is None


@pytest.mark.parametrize(
    ("seen", "reason", "grace"),
    [
        (pod("Pending", {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}), "image_pull", 60),
        (pod("Pending", {"waiting": {"reason": "InvalidImageName", "message": "X"}}), "image_pull", 0),
        (pod("Pending", {"waiting": {"reason": "CreateContainerConfigError", "message": "secret n"}}), "config", 60),
        (
            pod("Pending", conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1"}]),
            "unschedulable",
            300,
        ),
    ],
)
def test_what_keeps_a_pod_has_a_grace(seen, reason, grace):
    """A registry is back in a minute, a node is added in five; a wrong name stays wrong."""
    found = hindrance(seen, Settings())
    assert (found.reason, found.grace) == (reason, grace)
    assert hindrance(pod("Running", {"running": {}}), Settings()) is None


def test_a_deleted_pod_is_lost_unless_it_had_ended():
    """Whatever its container said while it was being killed."""
    assert deleted(None).reason == "deleted"
    assert deleted(pod("Running", ended(143))).state is State.LOST
    assert deleted(pod("Succeeded", ended(0))).state is State.SUCCEEDED
    assert deleted(pod("Failed", ended(137), [{**DISRUPTED, "reason": "DeletionByTaintManager"}])).reason == "node_lost"


def event(reason, message="", kind="Normal", container=None):
    field = {"fieldPath": f"spec.containers{{{container}}}"} if container else {}
    return {"reason": reason, "message": message, "type": kind, "involvedObject": {"name": "p", **field}}


def test_a_pods_life_in_words():
    """What the author reads under the cell; each once, warnings in the cluster's words."""
    stages = Stages()
    told = [
        (stages.event(each), stages.stage)
        for each in (
            event("FailedScheduling", "0/1 nodes are available", "Warning"),
            event("FailedScheduling", "0/1 nodes are available", "Warning"),
            event("Scheduled", "Successfully assigned ns/p to node-1"),
            event("Pulling", 'Pulling image "x:1"', container="brigaderun"),
            event("Pulled", 'Successfully pulled image "x:1" in 2.1s (2.1s including waiting)', container="brigaderun"),
            event("Pulled", 'Container image "x:1" already present on machine', container="brigaderun"),
            event("Created", "Created container"),
            event("Failed", "Failed to pull image: manifest unknown", "Warning"),
            event("Failed", "Error: ErrImagePull", "Warning"),
        )
    ]
    assert told == [
        ("FailedScheduling: 0/1 nodes are available", "scheduling"),
        (None, "scheduling"),
        ("scheduled on node-1", "starting"),
        ("pulling x:1", "pulling"),
        ("pulled x:1 in 2.1s", "starting"),
        (None, "starting"),
        (None, "starting"),
        ("Failed to pull image: manifest unknown", "starting"),
        (None, "starting"),
    ]
