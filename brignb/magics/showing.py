"""Showing what is alive in Jupyter and must say as much elsewhere: in a terminal, in a saved notebook, on GitHub.

A widget's output is dead without its kernel: a reopened notebook says "model not found". So there are two outputs: the static one, and
the live one, which hides the static one for as long as it is there itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display


def show(still: Mapping[str, str], make: Callable[[], Any]) -> None:
    """Show it.

    Args:
        still: Its static display, by MIME type.
        make: Makes a box of widgets; called only where there is a kernel and a front end may show it.
    """
    live = _live(make)
    if live is None:
        display(dict(still), raw=True)
        return
    import ipywidgets as widgets  # noqa: PLC0415 - only a front end with widgets needs them

    mark = f"brignb-still-{secrets.token_hex(8)}"
    display({**still, "text/html": f'<div class="{mark}">{still["text/html"]}</div>'}, raw=True)
    hides = widgets.HTML(f"<style>.{mark} {{ display: none }}</style>", layout=widgets.Layout(display="none"))
    live.children = (hides, *live.children)
    display({**live._repr_mimebundle_(), "text/plain": "(live in Jupyter)"}, raw=True)


def _live(make: Callable[[], Any]) -> Any:
    """The widgets; None where they cannot be."""
    if getattr(get_ipython(), "kernel", None) is None:
        return None
    try:
        return make()
    except ModuleNotFoundError as error:
        if error.name != "ipywidgets":
            raise
        return None
