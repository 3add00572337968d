"""The project as static HTML and text: its policy, its secrets by name only, and its last builds where a server tells of them.

What must never happen: a secret's value, a prompt for one, an error because no server is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from brignb.model.times import parse_rfc3339
from brignb.script.markup import code, escaped, facts, folded, moment, quiet, state, state_text, table
from brignb.script.session import Session
from brignb.script.tail import plain

_HEADER = ("build", "event", "state", "created")


def render_html(session: Session) -> str:
    """Facts, then builds."""
    shown = [(name, escaped(value)) for name, value in _facts(session)]
    names = " ".join(code(name) for name in sorted(session.secrets)) or quiet("none")
    builds, why = session.last_builds()
    rows = [[code(each[0]), escaped(each[1]), state(each[2]), quiet(each[3])] for each in map(_row, builds)]
    listed = table(_HEADER, rows) if rows else quiet(why)
    return facts([("project", f"<b>{escaped(session.project_name)}</b>"), *shown, ("secrets", names)]) + folded(
        f"last builds: {len(rows) or 'none'}", listed, opened=bool(rows)
    )


def render_text(session: Session) -> str:
    """The same, a line each."""
    pairs = [("project", session.project_name), *_facts(session)]
    pairs.append(("secrets", ", ".join(sorted(session.secrets)) or "none"))
    builds, why = session.last_builds()
    rows = [f"  {at}  {kind}  {state_text(how)}  {when}" for at, kind, how, when in map(_row, builds)]
    lines = [f"{name + ':':<16}{value}" for name, value in pairs]
    return "\n".join(map(plain, [*lines, "last builds:", *(rows or [f"  {why}"])]))


def _facts(session: Session) -> Iterator[tuple[str, str]]:
    """What is known of it; a worker knows all, a notebook what its project file says."""
    known = session.project_facts()
    yield "repository", session.redactor(session.clone_url or "none")
    yield "namespace", session.namespace
    for name in ("notebook", "executor", "tier"):
        if known.get(name):
            yield name, str(known[name])
    if "timeout" in known:
        yield "timeout", f"{known['timeout']} s, tried again {known.get('retries', 0)} times when it is lost"
    if session.policy is not None:
        yield "allows", ", ".join(_allowed(session)) or "nothing dangerous"


def _allowed(session: Session) -> Iterator[str]:
    """The project's locks that are open; the operator has locks of his own."""
    policy = session.policy
    if policy is None:
        return
    if policy.allow_privileged_jobs:
        yield "privileged jobs"
    if policy.allow_host_mounts:
        yield "host mounts"
    if policy.allow_secret_key_ref:
        yield "secretKeyRef"
    if policy.allow_service_accounts:
        yield f"service accounts {', '.join(policy.allow_service_accounts)}"


def _row(build: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return build["id"], build["event"]["type"], build["state"], moment(parse_rfc3339(build["created_at"]))
