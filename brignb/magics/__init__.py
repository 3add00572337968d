"""Magics: what an author types while writing a pipeline, and the functions that do the same.

    %load_ext brignb
    %brig help

    from brignb.magics import build, builds, check, debug, export, fire, form, inbox, job, listen, replay

What enters: words typed in a cell. What leaves: jobs, fired events, displays that say as much in a terminal and in a saved notebook.
What must never happen: a traceback for a mistyped word, a cell that is blocked unless it asked for it, a value of Python's spliced into
a shell's script, a completion that waits for a server. Nothing here is for builds: an export refuses what only this module knows.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from brignb.magics.buildlist import builds
    from brignb.magics.buildview import build
    from brignb.magics.debugging import debug
    from brignb.magics.exporting import check, export
    from brignb.magics.firing import fire, replay
    from brignb.magics.forms import form
    from brignb.magics.hearing import listen
    from brignb.magics.inboxes import inbox
    from brignb.magics.jobs import job
    from brignb.magics.loading import load_ipython_extension, unload_ipython_extension

__all__ = [
    "build",
    "builds",
    "check",
    "debug",
    "export",
    "fire",
    "form",
    "inbox",
    "job",
    "listen",
    "load_ipython_extension",
    "replay",
    "unload_ipython_extension",
]

_HOME: Final = {
    "build": "buildview",
    "builds": "buildlist",
    "check": "exporting",
    "debug": "debugging",
    "export": "exporting",
    "fire": "firing",
    "form": "forms",
    "inbox": "inboxes",
    "job": "jobs",
    "listen": "hearing",
    "load_ipython_extension": "loading",
    "replay": "firing",
    "unload_ipython_extension": "loading",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'brignb.magics' has no attribute {name!r}")
    return getattr(importlib.import_module(f"brignb.magics.{_HOME[name]}"), name)
