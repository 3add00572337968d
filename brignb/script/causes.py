"""Brigade v1's events about a build: `after` when it went well, `error` when a failure was not handled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from brignb.model.events import Event


def after(event: Event) -> Event:
    """What fires when all handlers of an event went well."""
    return _about(event, "after", {"event": event.to_json(), "trigger": "success"})


def error(event: Event, failure: BaseException) -> Event:
    """What fires, once, when something failed and nobody handled it; v1's `reason` and `trigger`."""
    reason = f"{type(failure).__name__}: {failure}"
    return _about(event, "error", {"event": event.to_json(), "reason": reason, "trigger": "unhandledRejection"})


def _about(event: Event, kind: str, cause: dict[str, Any]) -> Event:
    return replace(event, type=kind, source="brignb", payload="", image=None, cause=cause, attributes={})
