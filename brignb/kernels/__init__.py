"""Forked kernels: a full ipykernel in a fork of a process that has imported everything already.

    thread-free process ──▶ fork ──▶ ipykernel on five Unix sockets of its own     (forking, app, shell)
    Jupyter front end ──▶ KernelManager ──▶ provisioner ──▶ zygote ──▶ fork        (provisioner)

Its sockets have paths that nobody else has, so that no two kernels ever want the same. What must never happen: a kernel that outlives
who wanted it, a fork of a process that has threads.
"""

from __future__ import annotations

from typing import Final

AHEAD: Final = (
    "brignb.kernels.app",
    "brignb.kernels.forking",
    "brignb.wiring.onkernel",
    "brignb.engine.protocol.widgets",
    "jupyter_client.asynchronous.client",
)
"""What a zygote imports ahead for builds of the `kernel` tier: the driver's modules and its kernel's. None leaves a thread."""
