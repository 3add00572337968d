"""A cell as a syntax tree, IPython's own language included, with lines as they stand in the cell.

    source ──▶ Parsed(tree, names, binds, opaque), or None when it does not compile

What a magic does to names is known for a few (`%time x = 1`, `%%capture out`), harmless for others (`%matplotlib inline`); after any
other (`%run`, `%store -r`), and after `from x import *`, `exec` and `globals()`, any name may be there: such a cell is *opaque*. Nothing is executed.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import Final

from brignb.engine.syntax import plain, transformed
from brignb.export.naming import Names, read

_PYTHON_MAGICS: Final = frozenset({"time", "timeit", "prun"})
"""Line magics whose argument is Python."""
_HARMLESS: Final = frozenset(
    re.findall(
        r"\w+",
        """
    alias autoawait autoreload bash brig cat cd clear colors conda config debug dhist dirs doctest_mode env gui help
    hist history html javascript js latex load_ext ls lsmagic magic mamba markdown matplotlib mkdir mv cp rm more
    notebook page pdb pdef pdoc perl pfile pinfo pinfo2 pip popd pprint precision psearch psource pushd pwd quickref
    reload_ext ruby script set_env sh svg sx system sc tb unload_ext unalias uv who who_ls whos writefile xmode
    """,
    )
)
"""Magics that leave the notebook's names as they are."""
_OPAQUE_CALLS: Final = frozenset({"exec", "globals", "locals"})
_OPAQUE_OF_SHELL: Final = frozenset({"push", "ex", "run_cell", "user_ns"})
_BINDING_OPTION = re.compile(r"--(?:out|err|proc)[ =]\s*(\w+)")
_CAPTURE = re.compile(r"%%capture\b(?P<words>[^\n]*)")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A cell's tree.

    Args:
        tree: Of Python; magics are calls of `get_ipython()` in it. Empty when it nests too deep to be walked.
        names: What it binds and uses.
        binds: Names that magics bind.
        opaque: Whether names may be bound that nobody can see here.
    """

    tree: ast.Module
    names: Names
    binds: frozenset[str]
    opaque: bool


def parse(source: str) -> Parsed | None:
    """See the module."""
    binds = _of_cell_magic(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = source if plain(source) else transformed(source)
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    seen = _Magics()
    try:
        names = read(tree := seen.visit(tree))
    except RecursionError:  # Python compiles deeper ones (`a + b + …`, 400 times) than Python code can walk
        return Parsed(ast.Module([], []), Names(), binds, opaque=True)
    return Parsed(tree, names, binds | seen.binds, seen.opaque)


def _of_cell_magic(source: str) -> frozenset[str]:
    """Names that `%%capture NAME` and `%%bash --out NAME` bind."""
    first = source.lstrip().partition("\n")[0]
    names = set(_BINDING_OPTION.findall(first)) if first.startswith("%%") else set()
    if found := _CAPTURE.match(first):
        names |= {word for word in found["words"].split() if word.isidentifier()}
    return frozenset(names)


class _Magics(ast.NodeTransformer):
    """Puts a Python magic's argument in the magic's place, and notes what other magics may do."""

    def __init__(self) -> None:
        self.binds: frozenset[str] = frozenset()
        self.opaque = False

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        name, argument = _magic(node.value)
        if name in _PYTHON_MAGICS and argument is not None:
            code = re.sub(r"^(?:\s*-\w+(?:\s+\d+)?)*\s*", "", argument)
            try:
                body = ast.parse(code).body
            except SyntaxError:
                return node
            return [ast.copy_location(_moved(each, node.lineno), node) for each in body] or node
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name, _ = _magic(node)
        if name is not None and name not in _HARMLESS | _PYTHON_MAGICS:
            self.opaque = True
        self.opaque = self.opaque or (isinstance(node.func, ast.Name) and node.func.id in _OPAQUE_CALLS)
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.opaque = self.opaque or (node.attr in _OPAQUE_OF_SHELL and _is_shell(node.value))
        return self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        self.opaque = self.opaque or any(alias.name == "*" for alias in node.names)
        return node


def _moved(node: ast.stmt, line: int) -> ast.stmt:
    for each in ast.walk(node):
        if isinstance(each, ast.stmt | ast.expr):
            each.lineno = each.end_lineno = line
    return node


def _magic(node: ast.expr) -> tuple[str | None, str | None]:
    """Name and argument of `get_ipython().run_line_magic(…)` or `run_cell_magic(…)`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None, None
    words = [each.value for each in node.args if isinstance(each, ast.Constant)]
    if not _is_shell(node.func.value) or node.func.attr not in {"run_line_magic", "run_cell_magic"} or not words:
        return None, None
    return str(words[0]), str(words[1]) if len(words) > 1 else None


def _is_shell(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_ipython"
