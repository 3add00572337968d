"""How a project file's sizes, and the modules it wants at hand, are read."""

from __future__ import annotations

import keyword
import math
import re
from fractions import Fraction
from typing import Final

from brignb.model.projectvalues import TEXTS, Place, Reader, count, names
from brignb.model.yamltree import Node, Scalar

PRELOAD_MAX: Final = 32
"""Modules; each is imported again whenever a zygote is started."""
WORKERS_MAX: Final = 100
"""Warm workers of a project: each is a pod that waits."""
_MODULE_MAX: Final = 200
"""Characters of a module's name."""

# Kubernetes' quantities (its `resource.Quantity`), without fractions below one, which no size has.
_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)(?:([kMGTP]|[KMGTP]i)|[eE]([0-9]{1,2}))?\Z")
_UNITS: Final[dict[str, int]] = {
    **{unit: 1000**power for power, unit in enumerate("kMGTP", 1)},
    **{f"{unit}i": 1024**power for power, unit in enumerate("KMGTP", 1)},
}


def quantity(text: str) -> int | None:
    """What a Kubernetes quantity stands for, rounded up to a whole number: `4Mi`, `1.5G`, `129e6`, `4096`; None: it is none."""
    found = _QUANTITY.match(text)
    if found is None:
        return None
    number, unit, power = found.groups()
    return math.ceil(Fraction(number) * _UNITS.get(unit, 1) * int("1" + "0" * int(power or 0)))


def size(least: int, most: int) -> Reader:
    """A whole number of bytes or things, plain or as a quantity."""
    bounds = f"from {_shown(least)} to {_shown(most)}"

    def reader(node: Node, place: Place) -> int | None:
        value = quantity(node.text) if isinstance(node, Scalar) and node.kind in {"int", "float", *TEXTS} else None
        if value is not None and least <= value <= most:
            return value
        place.wrong(f"wants a whole number or a quantity such as 4Mi, {bounds}")
        return None

    return reader


def workers(node: Node, place: Place) -> int | None:
    """How many of them wait for builds."""
    found: int | None = count(0)(node, place)
    if found is not None and found > WORKERS_MAX:
        place.wrong(f"wants {found} workers, and at most {WORKERS_MAX} can be kept warm")
        return None
    return found


def modules(node: Node, place: Place) -> tuple[str, ...] | None:
    """Names of modules, each once."""
    found = names(node, place)
    if found is None:
        return None
    for word in found:
        if len(word) > _MODULE_MAX or not all(p.isidentifier() and not keyword.iskeyword(p) for p in word.split(".")):
            place.wrong("holds what is no module's name", "as in `import`: numpy, scipy.stats")
            return None
    once = tuple(dict.fromkeys(found))
    if len(once) > PRELOAD_MAX:
        place.wrong(f"names {len(once)} modules, and at most {PRELOAD_MAX} can be loaded ahead")
        return None
    return once


def _shown(number: int) -> str:
    for unit in ("Ti", "Gi", "Mi", "Ki"):
        if number % _UNITS[unit] == 0:
            return f"{number // _UNITS[unit]}{unit}"
    return str(number)
