"""The engine over the Jupyter protocol: a notebook is run by a kernel, another process, cell by cell.

    notebook + Plan ──▶ KernelEngine ──▶ Run ──▶ Front ──▶ kernel        (shell channel: what to execute)
                                          ▲        │
                                          └────────┴──▶ Scribe ──▶ Sink  (iopub: what it showed)

The kernel may be any: forked (`brignb.kernels`) or one that is named by a kernelspec (`brignb.engine.protocol.named`). One that knows
brignb has a backstage (`brignb.engine.protocol.backstage`): it tells which handlers come after the notebook's own cells. What must
never happen: a cell that is called `completed` when its kernel died, output that is lost without a mark.
"""
