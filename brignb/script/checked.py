"""Objects whose fields are checked as they are set: a wrong type is refused there and then, and so is a name that is no field."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from brignb.script.fields import Take

_V1: Final = {
    "imageForcePull": 'image_pull_policy = "Always"',
    "resourceRequests": "resources.requests",
    "resourceLimits": "resources.limits",
    "streamLogs": "`for line in job.run():`",
    "podName": "id",
}
"""Fields of Brigade v1's Job whose names here are not just spelled otherwise."""


class Checked:
    """See the module. A subclass gives `_takes`: what each field takes, by the field's name."""

    _takes: ClassVar[Mapping[str, Take]] = {}
    _of: ClassVar[str] = ""

    if not TYPE_CHECKING:  # a type checker that saw it would let any name pass

        def __setattr__(self, name: str, value: Any) -> None:
            take = self._takes.get(name)
            if take is not None:
                value = take(f"{self._of}{name}", value)
            elif not (name.startswith("_") or isinstance(getattr(type(self), name, None), property)):
                raise AttributeError(f"{type(self).__name__} has no field {name!r}{self._nearest(name)}")
            object.__setattr__(self, name, value)

    @classmethod
    def _nearest(cls, name: str) -> str:
        if name in _V1:
            return f"; here it is {_V1[name]}"
        snake = re.sub(r"([A-Z])", r"_\1", name).lower()
        near = difflib.get_close_matches(snake, cls._takes, n=1)
        return f"; did you mean {near[0]}?" if near else f"; it has {', '.join(sorted(cls._takes))}"
