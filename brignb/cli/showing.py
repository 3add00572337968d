"""Builds for people: how old, how long, and everything of one."""

from __future__ import annotations

from typing import Any, Final

from brignb.cli.output import say, table
from brignb.model.times import parse_rfc3339

_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "m"))


def age(moment: str, now: float) -> str:
    """`3m ago` of an RFC 3339 time; `now` in seconds since 1970."""
    return f"{span(max(now - parse_rfc3339(moment) / 1000, 0))} ago"


def took(thing: dict[str, Any]) -> str:
    """How long a build or job ran; empty while it does."""
    if not (thing["started_at"] and thing["finished_at"]):
        return ""
    return span((parse_rfc3339(thing["finished_at"]) - parse_rfc3339(thing["started_at"])) / 1000)


def span(seconds: float) -> str:
    """`1.3s`, `12s`, `4m`, `3h`, `5d`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s" if seconds >= 10 else f"{seconds:.1f}s"  # noqa: PLR2004 - one digit is enough from there


def show_build(build: dict[str, Any]) -> None:
    """Everything of a build."""
    event, revision = build["event"], build["event"]["revision"]
    facts = {
        "build": build["id"],
        "project": build["project"],
        "event": f"{event['type']} from {event['source']}, {event['id']}",
        "commit": revision["commit"],
        "ref": revision["ref"],
        "state": build["state"],
        "reason": build["reason"],
        "message": build["message"],
        "attempt": build["attempt"] if build["attempt"] > 1 else None,
        "created": build["created_at"],
        "started": build["started_at"],
        "finished": build["finished_at"],
        "took": took(build),
        "worker": build["worker"]["tier"],
        "notebook": f"given to this rerun, SHA-256 {build['given_notebook']}" if build["given_notebook"] else None,
    }
    for name, value in facts.items():
        if value:
            say(f"{name:<10}{value}")
    if build["jobs"]:
        say()
        table(("JOB", "STATE", "EXIT", "REASON", "TOOK", "ID"), [_row(job) for job in build["jobs"]])


def _row(job: dict[str, Any]) -> list[str]:
    code = "" if job["exit_code"] is None else str(job["exit_code"])
    return [job["name"], job["state"], code, job["reason"] or "", took(job), job["id"]]
