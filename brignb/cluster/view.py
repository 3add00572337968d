"""All objects of one kind that there are, kept up to date: for whoever compares wholes instead of counting changes.

Watch ──listed, changed──▶ View.objects by name ──▶ `changed()`: something is another than before
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from brignb.cluster.connection import Connection
from brignb.cluster.watching import Object, Watch
from brignb.errors import BrignbError

log = logging.getLogger(__name__)


class View:
    """See the module; `watch.run()` keeps it.

    Args:
        connection: To the cluster.
        namespace: Of the objects.
        kind: In the plural (`secrets`).
        selectors: `labelSelector`, `fieldSelector`.
        changed: Is called after each change.
    """

    def __init__(
        self,
        connection: Connection,
        namespace: str,
        kind: str,
        *,
        selectors: dict[str, Any],
        changed: Callable[[], None],
    ) -> None:
        self.objects: dict[str, Object] | None = None
        """By name; None before the first list."""
        self._tell = changed
        self._what = f"{kind} of namespace {namespace}"
        self._trouble: str | None = None
        self.watch = Watch(
            connection,
            namespace,
            kind,
            selectors=selectors,
            listed=self._listed,
            changed=self._changed,
            trouble=self._troubled,
        )

    def _listed(self, objects: list[Object]) -> None:
        self.objects = {each["metadata"]["name"]: each for each in objects}
        self._tell()

    def _changed(self, kind: str, one: Object) -> None:
        objects = self.objects = self.objects or {}
        if kind == "DELETED":
            objects.pop(one["metadata"]["name"], None)
        else:
            objects[one["metadata"]["name"]] = one
        self._tell()

    def _troubled(self, error: BrignbError | None) -> None:
        said = None if error is None else error.message
        if said and said != self._trouble:
            log.warning("%s cannot be watched now: %s", self._what, said)
        self._trouble = said
