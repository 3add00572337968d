"""The only place that names concrete classes: what is built of what, in each kind of process.

`serving` puts a server together, `running` a build without one, `work` a worker, `away` one that is not on its server's machine,
`sessions` the author's words in a plain script or
notebook. Imported lazily, each on its own, so that none pays for the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brignb.model.options import RunOptions, ServeOptions, WorkerOptions
    from brignb.script.session import Session


def serve(options: ServeOptions) -> int:
    """`brignb serve`; answers its exit code."""
    from brignb.wiring import serving  # noqa: PLC0415 - only a server pays for the web framework

    return serving.serve(options)


def run(options: RunOptions) -> int:
    """`brignb run`; answers its exit code."""
    from brignb.wiring import running  # noqa: PLC0415 - the same

    return running.run(options)


def work_away(options: WorkerOptions) -> int:
    """`brignb worker`; answers its exit code."""
    from brignb.wiring import away  # noqa: PLC0415 - the same

    return away.work_away(options)


def local_session() -> Session:
    """What the author's words act in, outside of a worker."""
    from brignb.wiring import sessions  # noqa: PLC0415 - the same

    return sessions.local_session()
