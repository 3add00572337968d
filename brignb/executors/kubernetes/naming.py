"""Names and labels of what a job has in the cluster. Labels are Brigade v1's, so that its tools find the pods, and ours besides."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from brignb.model.jobs import JobSpec
from brignb.model.names import project_id

MANAGED_BY: Final = {"app.kubernetes.io/managed-by": "brignb"}
MAIN: Final = "brigaderun"
"""The job's own container (Brigade v1)."""
SOURCE: Final = "source"
"""The init container that receives the source."""
ARTIFACTS: Final = "artifacts"
"""The container that sends the artifacts."""
RUN: Final = "/brignb"
"""A folder of the job's own: its HOME where it has no other, and the place of `$BRIGNB_OUTPUT`."""
HOOK: Final = "/hook"
"""Where the scripts are (Brigade v1)."""

_LABEL_MAX: Final = 63


SERVER: Final = "brignb.dev/server"
"""Whose a pod is, among several servers and people."""


def labels(spec: JobSpec, server: str) -> dict[str, str]:
    """Of the pod and its Secret.

    Args:
        spec: The job.
        server: Whose it is; empty: a person's.
    """
    build = spec.build_id.lower()
    return {
        **MANAGED_BY,
        **({SERVER: server} if server else {}),
        "heritage": "brigade",
        "component": "job",
        "jobname": spec.name,
        "project": project_id(spec.project),
        "worker": f"brigade-worker-{build}",
        "build": build,
        "attempt": str(spec.attempt),
    }


def selector(build_id: str | None) -> str:
    """The pods of one build, or of all builds that brignb runs."""
    ours = "app.kubernetes.io/managed-by=brignb,component=job"
    return ours if build_id is None else f"{ours},build={build_id.lower()}"


def storage_claim(spec: JobSpec) -> str:
    """The claim that the jobs of a build's attempt share: named as Brigade v1's worker."""
    again = f"-{spec.attempt}" if spec.attempt > 1 else ""
    return f"brigade-worker-{spec.build_id.lower()}{again}"


def cache_claim(spec: JobSpec) -> str:
    """The claim that a job of that name has in each build: Brigade v1's name, and a digest.

    Without it, job `c-d` of `a/b` would have the claim of job `d` of `a/b-c`: another project's files.
    """
    name = re.sub(r"[^a-z0-9-]+", "-", f"{spec.project}-{spec.name}".lower()).strip("-")
    digest = hashlib.sha256(f"{spec.project}\n{spec.name}".encode()).hexdigest()[:12]
    return f"{name[: _LABEL_MAX - len(digest) - 1].rstrip('-')}-{digest}"


def claim_labels(spec: JobSpec, component: str, server: str) -> dict[str, str]:
    """Of a claim: `jobCache` (Brigade v1) or `buildStorage`."""
    of_attempt = {"build": spec.build_id.lower(), "attempt": str(spec.attempt)}
    of_build = of_attempt if component == "buildStorage" else {"jobname": spec.name}
    return {
        **MANAGED_BY,
        **({SERVER: server} if server else {}),
        "heritage": "brigade",
        "component": component,
        "project": project_id(spec.project),
        **of_build,
    }


def nonce_of(pod: dict[str, Any]) -> str | None:
    """What marks the wrapper's last lines; kept with the pod, so that another process can take it over."""
    found = pod["metadata"].get("annotations", {}).get(NONCE)
    return str(found) if found else None


NONCE: Final = "brignb.dev/nonce"
