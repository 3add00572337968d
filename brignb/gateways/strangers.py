"""Pull requests of strangers do not run (contract, "HTTP"; Brigade v1's filter of author associations).

GitHub says with each pull request what its author is to the repository. Only those who could push to it anyway may have
their code run: OWNER, MEMBER, COLLABORATOR. Brigade v1 asked this of forks alone; here it is asked of every pull request, since a
stranger may open one from any branch, and since the event's text is theirs. A review or a review's comment also asks it of who wrote it.

Comments of an issue are no pull-request events, even where the issue is one: they run the notebook of HEAD.
"""

from __future__ import annotations

from typing import Any, Final

from brignb.gateways.fields import part, text

ALLOWED: Final = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


def is_pull_request(event: str, data: Any) -> bool:
    """Whether one of GitHub's events is about a pull request: itself, its reviews, their comments and threads.

    The body is asked too, for the header is not signed: a captured stranger's pull request must not pass as a push.
    """
    return event.startswith("pull_request") or part(data, "pull_request") is not None


def stranger(event: str, data: Any) -> str | None:
    """Why this event does not run; None when it may."""
    if not is_pull_request(event, data):
        return None
    if part(data, "pull_request") is None:
        return "it names no pull request whose author could be known"
    for whose in ("pull_request", "review", "comment"):
        if whose != "pull_request" and part(data, whose) is None:
            continue
        association = text(data, f"{whose}.author_association") or "missing"
        if association not in ALLOWED:
            return f"{whose}.author_association is {association[:40]}; only {', '.join(sorted(ALLOWED))} run"
    return None
