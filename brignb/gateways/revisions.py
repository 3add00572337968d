"""Which commit and ref an event is about (contract, "Revision")."""

from __future__ import annotations

from typing import Any, Final

from brignb.errors import BadInput
from brignb.gateways.fields import text, value
from brignb.gateways.strangers import is_pull_request
from brignb.model.events import Revision

_PLACES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    # as Brigade v1 took them
    "push": (("head_commit.id", "after"), "ref"),
    "create": ((), "ref"),
    "release": ((), "release.tag_name"),
    "status": (("sha", "commit.sha"), ""),
    "commit_comment": (("comment.commit_id",), ""),
    "deployment": (("deployment.sha",), "deployment.ref"),
    "deployment_status": (("deployment.sha",), "deployment.ref"),
    "check_run": (("check_run.head_sha",), "check_run.check_suite.head_branch"),
    "check_suite": (("check_suite.head_sha",), "check_suite.head_branch"),
    # which v1 did not know
    "workflow_run": (("workflow_run.head_sha",), "workflow_run.head_branch"),
    "workflow_job": (("workflow_job.head_sha",), "workflow_job.head_branch"),
    "workflow_dispatch": ((), "ref"),
    "merge_group": (("merge_group.head_sha",), "merge_group.head_ref"),
}
"""GitHub's event → where its commit stands, the first that is there, and where its ref does."""


def either(commit: str | None, ref: str | None) -> Revision:
    """What a sender calls commit and ref. Commit wins; one that is not 40 or 64 hex digits is a ref.

    Raises:
        BadInput: One of them can be neither.
    """
    first, second = Revision.parse(commit), Revision.parse(ref)
    if first.commit:
        return Revision(first.commit, second.ref)
    return first if first.ref else second


def of_github(event: str, data: Any) -> Revision:
    """The revision of one of GitHub's events; empty (the remote's HEAD) for those that are about none, as `issue_comment`.

    Brigade v1 asked GitHub's API for the head of a commented pull request; nothing is asked here, so comments run HEAD's notebook.

    Raises:
        BadInput: There is no commit, and what stands for the ref can be none.
    """
    if is_pull_request(event, data):
        number = value(data, "pull_request.number")
        pull = f"refs/pull/{number}/head" if isinstance(number, int) else None
        return _certain(text(data, "pull_request.head.sha"), pull)
    commits, ref = _PLACES.get(event, ((), ""))
    found = (text(data, place) for place in commits)
    return _certain(next(filter(None, found), None), text(data, ref) if ref else None)


def _certain(commit: str | None, ref: str | None) -> Revision:
    try:
        return either(commit, ref)
    except BadInput:
        # a fork's branch may have a name that we refuse; with a commit it is not needed
        if known := Revision.parse(commit).commit:
            return Revision(known)
        raise
