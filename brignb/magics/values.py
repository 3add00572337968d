"""From a form's values to an event: values whose parameters name a path stand in its payload, as a sender would have put them there."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from brignb.model.declarations import Declared

_DATA: Final = "data"


@dataclass(slots=True)
class Made:
    """What an event is made of.

    Args:
        data: Its payload; None: none.
        about: `type`, `commit` and `ref`, where a parameter is filled from them.
    """

    data: Any = None
    about: dict[str, str] = field(default_factory=dict)


_ABOUT: Final = {"event.type": "type", "event.revision.commit": "commit", "event.revision.ref": "ref"}


def event_of(declared: Sequence[Declared], values: Mapping[str, Any], base: Any = None) -> Made:
    """An event from which a build would fill the parameters with these values.

    Args:
        declared: The parameters.
        values: By name.
        base: A payload to put them into; it stays as it is.
    """
    made = Made(copy.deepcopy(base))
    for each in declared:
        value = values.get(each.name)
        if each.path is None or each.name not in values:
            continue
        _, root, *steps = each.path.split(".")
        if root == _DATA and steps:
            made.data = _placed(made.data, steps, value)
        elif root == _DATA:
            made.data = value
        elif each.path in _ABOUT and isinstance(value, str) and value:
            made.about[_ABOUT[each.path]] = value
    return made


def _placed(inside: Any, steps: Sequence[str], value: Any) -> Any:
    """What holds the value at the end of the steps; what is in the way is replaced."""
    if not steps:
        return value
    step, *rest = steps
    if isinstance(inside, list) and step.isascii() and step.isdigit() and int(step) < len(inside):
        inside[int(step)] = _placed(inside[int(step)], rest, value)
        return inside
    held = inside if isinstance(inside, dict) else {}
    held[step] = _placed(held.get(step), rest, value)
    return held
