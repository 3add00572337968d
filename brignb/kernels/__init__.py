"""Forked kernels: a full ipykernel in a fork of a process that has imported everything already.

    thread-free process ──▶ fork ──▶ ipykernel on five Unix sockets of its own     (forking, app, shell)
    Jupyter front end ──▶ KernelManager ──▶ provisioner ──▶ zygote ──▶ fork        (provisioner)

Its sockets have paths that nobody else has, so that no two kernels ever want the same. What must never happen: a kernel that outlives
who wanted it, a fork of a process that has threads.
"""
