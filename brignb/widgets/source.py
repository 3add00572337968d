"""The front end's code, as the one ES module that anywidget wants: the files of `esm/`, joined.

Each file is a module of its own, so that editors, linters and `node --test` understand it; since all are joined into one scope, a name
is exported once, and no two files declare the same one.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Final

ORDER: Final = (
    "dom",
    "records",
    "ansi",
    "ring",
    "stream",
    "rows",
    "loglist",
    "search",
    "logpanel",
    "facts",
    "jobview",
    "groupview",
    "line",
    "mount",
    "hub",
)
"""Each after what it imports."""

_IMPORT: Final = re.compile(r"^import .*?;\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?!default)", re.MULTILINE)


def module() -> str:
    """All of it, without comments that stand on lines of their own and without indentation."""
    folder = resources.files("brignb.widgets") / "esm"
    css = (folder / "view.css").read_text(encoding="utf-8")
    parts = [f"const CSS = {json.dumps(_squeezed(css), ensure_ascii=False)};"]
    for name in ORDER:
        code = (folder / f"{name}.js").read_text(encoding="utf-8")
        parts.append(_squeezed(_EXPORT.sub("", _IMPORT.sub("", code))))
    return "\n".join(parts)


def _squeezed(code: str) -> str:
    lines = (line.strip() for line in code.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/**")))
