"""A worker whose notebook runs on a kernel: tiers `kernel` and `cold`.

    Seat (no thread yet) ──▶ fork the kernel ──▶ threads ──▶ KernelEngine

The kernel gets its own tie to this process and none of this process's others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brignb.engine.protocol.engine import KernelEngine
from brignb.engine.protocol.named import Named
from brignb.engine.protocol.seam import Kernel, KernelRefused
from brignb.engine.seam import Plan, Sink
from brignb.errors import BrignbError, ParameterError
from brignb.model.assignment import Assignment
from brignb.model.builds import Outcome, State
from brignb.wiring.onstage import entering
from brignb.worker.channel import Channel
from brignb.worker.relay import Relay


class OnKernel:
    """Executes on a kernel; made before there is a thread, used once.

    Args:
        assignment: What to do.
        secrets: The project's.
        channel: To the host.
    """

    def __init__(self, assignment: Assignment, secrets: Mapping[str, str], channel: Channel) -> None:
        self._assignment = assignment
        self._relay = Relay(channel, assignment, secrets)
        self._forked: Kernel | None = None
        if assignment.tier == "kernel":
            self._forked = _forked(self._relay, channel)

    def __call__(self, notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
        """See `brignb.engine.seam.Engine.run`."""
        try:
            kernel = self._forked or self._named(notebook)
        except KernelRefused as error:
            return Outcome(state=State.FAILED, reason="kernel_missing", message=str(error))
        self._relay.begin()
        try:
            return KernelEngine(self._assignment.tier, kernel).run(notebook, plan, sink)
        except ParameterError as error:
            return Outcome(state=State.FAILED, reason="parameter", message=plan.redactor(str(error)))
        finally:
            self._relay.end()

    def _named(self, notebook: Mapping[str, Any]) -> Kernel:
        fd = self._relay.theirs
        return Named(notebook, entering=entering(fd), plain=_plain(self._assignment), keep=[fd])


def _forked(relay: Relay, channel: Channel) -> Kernel:
    try:
        from brignb.kernels.forking import Forked  # noqa: PLC0415 - an extra
    except ImportError as error:  # pragma: no cover - the tests' environment has it
        raise BrignbError("the kernel tier needs ipykernel", hint="pip install 'brignb[kernel]'") from error
    return Forked(shut=[channel.fileno(), relay.ours], entering=entering(relay.theirs))


def _plain(assignment: Assignment) -> dict[str, Any]:
    """`event` and `project` as JSON, for a Python that has no brignb; without secrets."""
    event, project = assignment.event, assignment.project
    name, clone_url = project.get("name"), project.get("clone_url")
    return {
        "event": event.to_json(),
        "project": {
            "name": name,
            "repo": {"name": name, "clone_url": clone_url},
            "namespace": project.get("namespace"),
        },
    }
