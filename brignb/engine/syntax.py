"""Whether a cell's source can be compiled, as IPython would: magics, `!commands`, `?` and top-level `await` are its language too.

Most cells are plain Python, which the compiler alone can tell; IPython is imported only for the others. Nothing is executed.
"""

from __future__ import annotations

import ast
import functools
import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_BODY_IS_PYTHON: Final = re.compile(r"%%(?:time|timeit|capture|prun)\b[^\n]*\n")

_quiet = threading.Lock()
"""Two threads that change the warning filters at a time would leave them changed."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What the compiler says; `line` is in the cell, from 1."""

    line: int
    message: str


def plain(source: str) -> bool:
    """Whether a source is Python without IPython's additions."""
    return _compile(source) is None


def flaw(source: str) -> Flaw | None:
    """What is wrong with a cell's source; None when nothing is."""
    if _compile(source) is None:
        return None
    try:
        python = transformed(source)
    except SyntaxError as error:
        return Flaw(error.lineno or 1, error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        return Flaw(1, str(error) or type(error).__name__)
    return _compile(python)


def transformed(source: str) -> str:
    """A cell as Python: its magics and `!commands` as calls, the body of a cell magic that runs Python as itself, lines in place.

    Raises:
        SyntaxError: IPython cannot read it.
        ValueError: The same.
    """
    if found := _BODY_IS_PYTHON.match(source):
        source = "#\n" + source[found.end() :]
    return _transformer()(source)


def _compile(source: str) -> Flaw | None:
    try:
        with _quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a strange escape is a warning when it runs, not here
            compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return Flaw(error.lineno or 1, error.msg)
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        return Flaw(1, str(error) or type(error).__name__)
    return None


@functools.cache
def _transformer() -> Callable[[str], str]:
    from IPython.core.inputtransformer2 import TransformerManager  # noqa: PLC0415 - 0.1 s, for few notebooks

    return TransformerManager().transform_cell
