"""How a session is made when none was entered. Apart from `session`, so that `import brignb` imports nothing else."""

from __future__ import annotations

TYPE_CHECKING = False  # as in `brignb/__init__.py`
if TYPE_CHECKING:
    from collections.abc import Callable

    from brignb.script.session import Session

_make: Callable[[], Session] | None = None


def provide(make: Callable[[], Session]) -> None:
    """How a session is made; `make` is called at most once, on first use."""
    global _make  # noqa: PLW0603 - one session per process is the point
    _make = make


def provided() -> Callable[[], Session] | None:
    """What `provide` was told."""
    return _make
