"""Which language a notebook's kernel speaks, and how ours says so."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any, Final

PYTHON: Final = "python"
LANGUAGE_INFO: Final = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": PYTHON,
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": platform.python_version(),
}
"""As ipykernel answers `kernel_info`: front ends and nbconvert colour cells by it."""


def language_of(notebook: Mapping[str, Any]) -> str:
    """By name, lower case; `python` when the notebook does not say."""
    metadata = notebook.get("metadata", {})
    kernel, info = metadata.get("kernelspec", {}), metadata.get("language_info", {})
    said = info.get("name") or kernel.get("language") or kernel.get("name") or PYTHON
    word = str(said).lower()
    return PYTHON if word.startswith((PYTHON, "ipython", "xpython")) else word
