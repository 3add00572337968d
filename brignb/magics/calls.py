"""What each command of `%brig` does with its words: the function of `brignb.magics` that does the same, called.

Each imports what it needs when it is called: `%load_ext brignb` costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brignb.errors import BadInput
from brignb.magics.later import Later

Given = Mapping[str, Any]
"""What was typed, by the words' names."""
Variables = dict[str, Any]
"""The notebook's."""


def call_fire(given: Given, variables: Variables) -> Later:
    """`%brig fire`."""
    from brignb.magics.firing import fire, told, written_payload  # noqa: PLC0415 - each command pays for itself

    if given["type"] is None and given["event"] is None:
        raise BadInput("which event?", where="%brig fire", hint="a type, such as push, or --event ID")
    payload = None if given["payload"] is None else written_payload(given["payload"], variables)
    about = {name: given[name] for name in ("event", "commit", "ref", "server")}
    firing = fire(given["type"], payload, **about)
    return Later(firing, lambda ran: told(firing, ran))


def call_replay(given: Given, _variables: Variables) -> Later:
    """`%brig replay`."""
    from brignb.magics.firing import replay, told  # noqa: PLC0415 - the same

    firing = replay(given["build"], server=given["server"])
    return Later(firing, lambda ran: told(firing, ran))


def call_listen(given: Given, _variables: Variables) -> Later:
    """`%brig listen`."""
    from brignb.magics.hearing import listen  # noqa: PLC0415 - the same

    about = {name: given[name] for name in ("project", "server")}
    return Later(listen(given["type"], seconds=given["for"], **about), lambda _handled: "", ours=True)


def call_debug(given: Given, _variables: Variables) -> Any:
    """`%brig debug`."""
    from brignb.magics.debugging import debug  # noqa: PLC0415 - the same

    return debug(given["build"], given["dir"], server=given["server"])


def call_builds(given: Given, _variables: Variables) -> Any:
    """`%brig builds`."""
    from brignb.magics.buildlist import builds  # noqa: PLC0415 - the same

    return builds(state=given["state"], project=given["project"], limit=given["limit"] or 20, server=given["server"])


def call_build(given: Given, _variables: Variables) -> Any:
    """`%brig build`."""
    from brignb.magics.buildview import build  # noqa: PLC0415 - the same

    return build(given["build"], server=given["server"])


def call_export(given: Given, _variables: Variables) -> Any:
    """`%brig export`."""
    from brignb.magics.exporting import export  # noqa: PLC0415 - the same

    return export(given["output"], notebook=given["notebook"])


def call_check(given: Given, _variables: Variables) -> Any:
    """`%brig check`."""
    from brignb.magics.exporting import check  # noqa: PLC0415 - the same

    return check(given["notebook"])


def call_form(given: Given, variables: Variables) -> Any:
    """`%brig form`."""
    from brignb.magics.firing import written_payload  # noqa: PLC0415 - the same
    from brignb.magics.forms import form  # noqa: PLC0415 - the same

    payload = None if given["payload"] is None else written_payload(given["payload"], variables)
    return form(given["type"], payload, notebook=given["notebook"])


def call_inbox(given: Given, _variables: Variables) -> Any:
    """`%brig inbox`."""
    from brignb.magics.inboxes import inbox  # noqa: PLC0415 - the same

    about = {name: given[name] for name in ("project", "server")}
    return inbox(given["type"], limit=given["limit"] or 50, **about)


def call_help(given: Given, _variables: Variables) -> Any:
    """`%brig help`."""
    from brignb.magics.helping import help_for  # noqa: PLC0415 - the same

    return help_for(given["name"])
