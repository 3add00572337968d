"""Which language a notebook's kernel speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PYTHON: Final = "python"


def language_of(notebook: Mapping[str, Any]) -> str:
    """By name, lower case; `python` when the notebook does not say."""
    metadata = notebook.get("metadata", {})
    kernel, info = metadata.get("kernelspec", {}), metadata.get("language_info", {})
    said = info.get("name") or kernel.get("language") or kernel.get("name") or PYTHON
    word = str(said).lower()
    return PYTHON if word.startswith((PYTHON, "ipython", "xpython")) else word
