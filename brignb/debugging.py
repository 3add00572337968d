"""In a notebook that `brignb debug` has made: `begin()` binds the build's event and project, and remembers the jobs that had succeeded.

from brignb.debugging import begin

event, project = begin()
"""

from __future__ import annotations

from brignb.wiring.recalling import begin

__all__ = ["begin"]
