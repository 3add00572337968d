"""What became of a pod: pure, from its manifest with its status to a verdict, or to none while it may still go well.

| what is seen | state | reason |
|---|---|---|
| the container ended | succeeded, failed | `exit_code`, `signal`, `oom`, `start` |
| its deadline | timed_out | `timeout` |
| evicted, preempted, its node is gone | failed, lost | `evicted`, `preempted`, `node_lost` |
| no image, no container, no node for too long | failed | `image_pull`, `config`, `unschedulable` |
| somebody deleted it | lost | `deleted` |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from brignb.executors.ending import ended_by_itself
from brignb.executors.kubernetes.naming import MAIN
from brignb.model.builds import State
from brignb.model.jobs import JobStatus
from brignb.model.times import parse_rfc3339

_HOPELESS: Final = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_PULL: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
        *_HOPELESS,
    }
)
_MAKING: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreStartHookError"}
)
_NODE: Final = frozenset(
    {"NodeLost", "NodeShutdown", "Terminated", "DeletionByTaintManager", "DeletionByPodGC", "UnexpectedAdmissionError"}
)
_PREEMPTED: Final = frozenset({"Preempting", "PreemptionByScheduler"})
_NODE_REFUSES: Final = ("OutOf", "NodeAffinity", "NodePorts", "TopologyAffinityError", "Evicted")
_OOM_CODE: Final = 137

Pod = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a pod does not start; it may still.

    Args:
        reason: `image_pull`, `config`, `unschedulable`.
        message: The cluster's words.
        grace: Seconds that it may last.
    """

    reason: str
    message: str
    grace: float


def kept(pod: Pod) -> Pod:
    """What is ever asked of a pod: a tenth of it; there may be thousands."""
    meta, spec = pod["metadata"], pod["spec"]
    return {
        "metadata": {name: meta[name] for name in ("name", "uid", "deletionTimestamp") if name in meta},
        "spec": {
            "containers": [{"name": each["name"]} for each in spec["containers"]],
            "activeDeadlineSeconds": spec.get("activeDeadlineSeconds"),
        },
        "status": pod["status"],
    }


def has(pod: Pod | None, container: str) -> bool:
    """Whether the pod has a container of that name."""
    return pod is not None and any(each["name"] == container for each in pod["spec"]["containers"])


def over(pod: Pod | None) -> bool:
    """Whether all of the pod has ended."""
    return pod is not None and pod["status"].get("phase") in {"Succeeded", "Failed"}


def main_status(pod: Pod, main: str = MAIN) -> dict[str, Any]:
    """The status of the container that counts; empty while there is none."""
    statuses = pod["status"].get("containerStatuses", ())
    return next((status for status in statuses if status["name"] == main), {})


def running_since(pod: Pod, main: str = MAIN) -> int | None:
    """When that container started, milliseconds since 1970, to the second; None: it has not."""
    state = main_status(pod, main).get("state", {})
    at = (state.get("running") or state.get("terminated") or {}).get("startedAt")
    return parse_rfc3339(at) if at else None


def verdict(pod: Pod, main: str = MAIN) -> JobStatus | None:
    """How it ended, as its pod says; None: it has not.

    Args:
        pod: As it is now.
        main: The container that counts.
    """
    status = pod["status"]
    word, message = status.get("reason") or "", status.get("message") or ""
    if word == "DeadlineExceeded":
        limit = pod["spec"].get("activeDeadlineSeconds")
        text = f"killed: its timeout of {limit} s was up, counted from when its node took it"
        return JobStatus(state=State.TIMED_OUT, exit_code=_code(pod, main), reason="timeout", message=text)
    if word == "Evicted" or (status.get("phase") == "Failed" and word.startswith(_NODE_REFUSES)):
        return JobStatus(
            state=State.FAILED, reason="evicted" if word == "Evicted" else "node_refused", message=message or word
        )
    if disrupted := _disrupted(pod, word, message):
        return disrupted
    if ended := main_status(pod, main).get("state", {}).get("terminated"):
        return _ended(ended)
    if status.get("phase") in {"Failed", "Succeeded"}:
        return _without_main(pod, message)
    return None


class Graces(Protocol):
    """How long a pod that cannot start is waited for, seconds."""

    @property
    def pull_grace(self) -> float:
        """That an image may fail to be pulled, or a container to be made."""

    @property
    def schedule_grace(self) -> float:
        """That it may find no node."""


def hindrance(pod: Pod, settings: Graces) -> Hindrance | None:
    """What keeps the pod from starting now."""
    for condition in pod["status"].get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Hindrance("unschedulable", condition.get("message") or "no node takes it", settings.schedule_grace)
    for status in (*pod["status"].get("initContainerStatuses", ()), *pod["status"].get("containerStatuses", ())):
        waiting = status.get("state", {}).get("waiting") or {}
        word, message = waiting.get("reason") or "", waiting.get("message") or ""
        if word in _PULL:
            grace = 0 if word in _HOPELESS else settings.pull_grace
            return Hindrance("image_pull", f"{status['image']}: {message or word}", grace)
        if word in _MAKING:
            return Hindrance("config", message or word, settings.pull_grace)
    return None


def _ended(ended: dict[str, Any]) -> JobStatus:
    """Of a container that has terminated."""
    code, word = int(ended["exitCode"]), ended.get("reason") or ""
    if word == "OOMKilled":
        text = "killed: it took more memory than its limit (resources.limits.memory)"
        return JobStatus(state=State.FAILED, exit_code=code, reason="oom", message=text)
    if word in {"StartError", "ContainerCannotRun"}:
        text = f"it could not be started: {ended.get('message') or word}"
        return JobStatus(state=State.FAILED, exit_code=code, reason="start", message=text)
    if word == "ContainerStatusUnknown":
        return JobStatus(
            state=State.LOST, reason="node_lost", message=ended.get("message") or "its node knows nothing of it"
        )
    return ended_by_itself(code, None)


def _disrupted(pod: Pod, word: str, message: str) -> JobStatus | None:
    target = [
        c for c in pod["status"].get("conditions", ()) if c["type"] == "DisruptionTarget" and c["status"] == "True"
    ]
    why = str(target[0].get("reason") or "") if target else ""
    if word in _PREEMPTED or why in _PREEMPTED:
        return JobStatus(
            state=State.FAILED, reason="preempted", message=message or "a pod of higher priority took its place"
        )
    if word in _NODE or why in _NODE:
        said = message or (target[0].get("message") if target else "") or "its node is gone"
        return JobStatus(state=State.LOST, reason="node_lost", message=said)
    return None


def _without_main(pod: Pod, message: str) -> JobStatus:
    """The pod has ended, and its job's container never ran."""
    for status in pod["status"].get("initContainerStatuses", ()):
        ended = status.get("state", {}).get("terminated")
        if ended and ended["exitCode"]:
            text = f"container {status['name']} ended with exit code {ended['exitCode']}: {ended.get('message') or 'see the log'}"
            return JobStatus(state=State.FAILED, reason="init", message=text)
    return JobStatus(state=State.FAILED, reason="start", message=message or "its pod ended before its container ran")


def _code(pod: Pod, main: str) -> int | None:
    code = main_status(pod, main).get("state", {}).get("terminated", {}).get("exitCode")
    return None if code is None else int(code)


def deleted(last: Pod | None, main: str = MAIN) -> JobStatus:
    """Somebody took the pod away before it had ended."""
    ended = (verdict(last, main) if last else None) or JobStatus(state=State.LOST)
    if ended.state in {State.SUCCEEDED, State.TIMED_OUT} or ended.reason in {
        "node_lost",
        "preempted",
        "evicted",
        "oom",
    }:
        return ended
    return JobStatus(state=State.LOST, exit_code=ended.exit_code, reason="deleted", message="somebody deleted its pod")


def may_be_oom(exit_code: int) -> bool:
    """Whether only the cluster can say what an exit code means: SIGKILL is what the kernel sends when memory is short."""
    return exit_code == _OOM_CODE


def judged(told: JobStatus | None, exit_code: int | None, verdict: JobStatus | None, pod: Pod | None) -> JobStatus:
    """How a job ended: who told it to end has the first word, then its own exit code; the pod alone knows of memory, nodes and deadlines.

    Args:
        told: What it was told to end for; None: nobody did.
        exit_code: Of its tasks, as its wrapper told it; None: there was no wrapper, or it was killed.
        verdict: The pod's; None: it is not there yet, and there is an exit code.
        pod: As it was last.
    """
    own = None if exit_code is None else ended_by_itself(exit_code, None)
    if told:
        return replace(told, exit_code=exit_code)
    if own and (verdict is None or verdict.reason in {None, "exit_code", "signal"} or own.succeeded):
        gone = bool(pod and pod["metadata"].get("deletionTimestamp"))
        return replace(deleted(None), exit_code=exit_code) if gone and not own.succeeded else own
    if verdict is None:
        raise AssertionError("a job without an exit code of its own has waited for its pod's verdict")
    return replace(verdict, exit_code=verdict.exit_code if exit_code is None else exit_code)
