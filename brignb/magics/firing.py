"""`fire` and `replay`: the handlers of this notebook answer an event here, made up or as it once came; await it, or `.wait()`.

await fire("push", {"ref": "refs/heads/main"})
await fire("push", Path("push.json"))
await fire(event="01JGZ…")                     # one that the server has
await replay("01JGZ…")                         # the event of a build
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from brignb.errors import BadInput, NotFound
from brignb.magics.asking import connected, stored_event
from brignb.magics.words import nearest
from brignb.model.events import Revision, event_type
from brignb.script.answered import Answered
from brignb.script.firing import Firing
from brignb.script.payloads import payload_text
from brignb.script.registry import events


def fire(
    kind: str | None = None,
    payload: Any = None,
    *,
    event: str | None = None,
    commit: str | None = None,
    ref: str | None = None,
    server: str | None = None,
) -> Firing:
    """Run the handlers here; `%brig fire` is this.

    Args:
        kind: The event's type; None: that of `event`.
        payload: Text, a `Path`, or anything that JSON can hold; None: that of `event`, else nothing.
        event: The id of one that the server has, which is taken as it is but for what is given besides.
        commit: What `event.revision.commit` shall be.
        ref: What `event.revision.ref` shall be.
        server: Its address; None: the one that runs here.

    Raises:
        BadInput: Neither a type nor an event, or a value that none can have.
        NotFound: The server has no such event, or there is no such file.
        Unreachable: No server answers.
    """
    text = read_payload(payload) if isinstance(payload, Path) else payload
    if event is None:
        if kind is None:
            raise BadInput("which event?", where="fire", hint='a type, such as "push", or event=ID')
        return events.fire(kind, text, commit=commit, ref=ref)
    with connected(server) as client:
        found = stored_event(client, event)
    if kind is not None:
        found = replace(found, type=event_type(kind, where="fire"))
    if text is not None:
        found = replace(found, payload=payload_text(text, where="fire"))
    if commit or ref:
        found = replace(found, revision=Revision(Revision.parse(commit).commit, Revision.parse(ref).ref))
    return events.replay(found)


def replay(build_id: str, *, server: str | None = None) -> Firing:
    """Run the handlers here for the event of a build, as they are now; `%brig replay` is this.

    The server is only asked what the event was. A build there of the same event is `brignb build rerun`.

    Raises:
        NotFound: The server has no such build.
        Unreachable: No server answers.
    """
    with connected(server) as client:
        found = stored_event(client, client.build(build_id)["event"]["id"])
    return events.replay(found)


def written_payload(text: str, variables: Mapping[str, Any]) -> Any:
    """The payload that `--payload` names: JSON, a variable of the notebook, a file, or, for `-`, a line that is asked for.

    Raises:
        NotFound: It is none of these.
    """
    if text == "-":
        return input("payload: ")
    if text[:1] in {"{", "[", '"'}:
        try:
            json.loads(text)
        except ValueError as error:
            raise BadInput(f"is no JSON: {error}", where="--payload", hint="or name a file that holds it") from error
        return text
    if text.isidentifier() and text in variables:
        return variables[text]
    return Path(text)


def told(firing: Firing, answered: Answered) -> str:
    """What happened, a line for each handler; and what there is when none answered."""
    event = firing.event
    if answered:
        return repr(answered)
    known = sorted({kind for each in events.handlers for kind in each.types})
    others = f"the handlers here answer {', '.join(known)}" if known else "no handler is registered yet"
    return "; ".join(filter(None, (f"no handler answers {event.type}", others, nearest(event.type, known))))


def read_payload(path: Path) -> bytes:
    """What a payload's file holds.

    Raises:
        NotFound: It cannot be read.
    """
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise NotFound(
            f"cannot be read: {error.strerror}",
            where=f"payload {path}",
            hint="name a file, a variable of the notebook, or write JSON, which begins with { or [",
        ) from error
