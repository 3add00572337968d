"""The choice of a tier: what executes a notebook, decided before it runs, from what stands in it.

    notebook + project's `tier:` ──▶ choose ──▶ (tier, why)

`fork` runs it in a process of ours and is the fastest; `kernel` has what only a live Jupyter kernel can do (widgets, comms); `cold` is
any kernelspec, in a fresh process. The notebook's own `metadata.brignb.tier` wins over the project's, and both over what is found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from brignb.engine.language import PYTHON, language_of

AUTO: Final = "auto"
FORK: Final = "fork"
KERNEL: Final = "kernel"
COLD: Final = "cold"
TIERS: Final = frozenset({AUTO, FORK, KERNEL, COLD})

_LIVE: Final = re.compile(
    r"""
    ^[ \t]*(?:from[ \t]+|import\b[^\n#]*?\b)
        (?P<module>ipywidgets|anywidget|ipykernel|comm|ipympl|ipyleaflet|bqplot|ipyvuetify|tqdm\.notebook)\b
    | (?P<kernel>get_ipython\(\)[ \t]*\.[ \t]*kernel)\b
    | ^[ \t]*%matplotlib[ \t]+(?P<gui>widget|ipympl|notebook|nbagg)\b
    | (?P<tqdm>\btqdm_notebook\b)
    | (?P<js>\b(?:IPython|Jupyter)\.notebook\.kernel\b)
    """,
    re.MULTILINE | re.VERBOSE,
)
"""What a notebook without a live kernel would do otherwise than in Jupyter. In a text or a comment it costs a slower start, no more."""


def choose(notebook: Mapping[str, Any], project_tier: str = AUTO) -> tuple[str, str]:
    """The tier and the reason, half a sentence; the reason is empty for `fork` when nobody asked for it.

    Args:
        notebook: The worker notebook.
        project_tier: The project's `tier:`.
    """
    metadata = notebook.get("metadata", {})
    language = language_of(notebook)
    if language != PYTHON:
        return COLD, f"its language is {language}"
    mine = metadata.get("brignb", {}).get("tier", AUTO)
    for said, who in ((mine, "the notebook's metadata"), (project_tier, "the project's tier")):
        if said != AUTO:
            return str(said), f"{who} says so"
    for number, cell in enumerate(notebook["cells"], 1):
        if cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        found = _LIVE.search(source if isinstance(source, str) else "".join(source))
        if found:
            return KERNEL, f"cell {number} uses {_named(found)}, which needs a live kernel"
    return FORK, ""


def _named(found: re.Match[str]) -> str:
    word = next(word for word in found.groups() if word)
    return f"%matplotlib {word}" if found["gui"] else word
