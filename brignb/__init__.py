"""Event-driven pipelines, written, run and debugged in a notebook.

    from brignb import events, Job, Group, project

Nothing is imported before it is asked for (PEP 562): `import brignb` costs a millisecond. This module stands above the floors: it
also tells `brignb.script` how a session is made where there is no build.
"""

from __future__ import annotations

import sys

from brignb.script import providing

TYPE_CHECKING = False  # type checkers know the name; importing `typing` would be most of the cost of `import brignb`
if TYPE_CHECKING:
    from typing import Any

    from brignb.errors import (
        BrignbError,
        JobCanceled,
        JobError,
        JobFailed,
        JobLost,
        JobRefused,
        JobTimedOut,
        SecretMissing,
    )
    from brignb.model.events import Event
    from brignb.script.group import Group
    from brignb.script.grouphandle import GroupHandle
    from brignb.script.handle import JobHandle
    from brignb.script.job import Job
    from brignb.script.options import Cache, Docker, Host, Resources, Storage
    from brignb.script.project import project
    from brignb.script.registry import events
    from brignb.script.session import Session

    __version__: str

__all__ = [
    "BrignbError",
    "Cache",
    "Docker",
    "Event",
    "Group",
    "GroupHandle",
    "Host",
    "Job",
    "JobCanceled",
    "JobError",
    "JobFailed",
    "JobHandle",
    "JobLost",
    "JobRefused",
    "JobTimedOut",
    "Resources",
    "SecretMissing",
    "Storage",
    "__version__",
    "events",
    "project",
]

_HOMES = {
    "magics": ("load_ipython_extension", "unload_ipython_extension"),  # `%load_ext brignb`
    "errors": (
        "BrignbError",
        "JobCanceled",
        "JobError",
        "JobFailed",
        "JobLost",
        "JobRefused",
        "JobTimedOut",
        "SecretMissing",
    ),
    "model.events": ("Event",),
    "script.group": ("Group",),
    "script.grouphandle": ("GroupHandle",),
    "script.handle": ("JobHandle",),
    "script.job": ("Job",),
    "script.options": ("Cache", "Docker", "Host", "Resources", "Storage"),
    "script.project": ("project",),
    "script.registry": ("events",),
}
_HOME = {name: f"brignb.{module}" for module, names in _HOMES.items() for name in names}


def _local_session() -> Session:
    from brignb import wiring  # noqa: PLC0415 - only who runs something pays for it

    return wiring.local_session()


def _watch_cells() -> None:
    """In a notebook: remember from the first word on which cell is which, so that views land where they were asked for."""
    if "ipykernel" in sys.modules:
        from brignb.wiring import views  # noqa: PLC0415 - elsewhere nobody pays for it

        views.watch_cells()


providing.provide(_local_session)


def __getattr__(name: str) -> Any:
    import importlib  # noqa: PLC0415 - the same

    if name == "__version__":
        value: Any = importlib.import_module("importlib.metadata").version("brignb")
    elif name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        _watch_cells()
    else:
        raise AttributeError(f"module 'brignb' has no attribute {name!r}")
    globals()[name] = value  # asked for once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
