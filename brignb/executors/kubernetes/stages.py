"""A pod's life in words: what is told of it as it happens. Pure: events of Kubernetes in, sentences out.

scheduling → (source) → pulling → starting → running
"""

from __future__ import annotations

from typing import Any, Final

from brignb.executors.kubernetes.hub import about
from brignb.executors.kubernetes.naming import ARTIFACTS, SOURCE

SCHEDULING: Final = "scheduling"
PULLING: Final = "pulling"
STARTING: Final = "starting"
RUNNING: Final = "running"

_ORDER: Final = (SCHEDULING, PULLING, STARTING, RUNNING)
_QUIET: Final = frozenset({"Created", "Killing", "Pulled", "SuccessfulAttachVolume", "TaintManagerEviction"})
_LESS: Final = "Error: "
"""How a `Failed` begins that says less than the one before it."""
_WHOSE: Final = {SOURCE: " (brings the source)", ARTIFACTS: " (takes the artifacts)"}


class Stages:
    """Of one job; a sentence is told once, a stage never goes back."""

    def __init__(self) -> None:
        self.stage = SCHEDULING
        self._said: set[str] = set()

    def event(self, event: dict[str, Any]) -> str | None:
        """What is to be told of a Kubernetes event; None: nothing new."""
        reason, message, container = about(event)
        whose = _WHOSE.get(container or "", "")
        if reason == "Scheduled":
            self.reach(STARTING if self.stage == SCHEDULING else self.stage)
            return self._once(f"scheduled on {message.rpartition(' ')[2]}")
        if reason == "Pulling":
            if not whose:
                self.stage = PULLING
            return self._once(f"pulling {_quoted(message)}{whose}")
        if reason == "Pulled":
            if not whose and self.stage == PULLING:
                self.stage = STARTING
            return (
                None
                if "already present" in message
                else self._once(f"pulled {_quoted(message)}{whose}{_took(message)}")
            )
        if event.get("type") != "Warning" or reason in _QUIET or message.startswith(_LESS):
            return None
        return self._once(message if reason == "Failed" else f"{reason}: {message}")

    def reach(self, stage: str) -> None:
        """The pod's status says so."""
        if _ORDER.index(stage) > _ORDER.index(self.stage):
            self.stage = stage

    def _once(self, sentence: str) -> str | None:
        if sentence in self._said:
            return None
        self._said.add(sentence)
        return sentence


def _quoted(message: str) -> str:
    """The image of `Pulling image "busybox:1"`."""
    parts = message.split('"')
    return parts[1] if len(parts) > 2 else message  # noqa: PLR2004 - between two quotes


def _took(message: str) -> str:
    """The time of `Successfully pulled image "x" in 2.1s (…)`."""
    took = message.partition('" in ')[2].split(" ")[0]
    return f" in {took}" if took else ""
