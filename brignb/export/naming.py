"""Names in a cell: which it binds, and which it uses that it has not bound before.

    tree ──▶ read ──▶ Names(binds, uses)

A use in a function's body is *deferred*: it counts when the function is called. One below an `if`, a `try` or a loop may never happen: it
is not *sure*. Where Python's rules are intricate (class bodies, annotations, loops that use what they bind later) a use is rather not
seen than wrongly told.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_GIVEN: Final = frozenset({*dir(builtins), "get_ipython", "display", "In", "Out", "exit", "quit", "event", "project"})
"""Names that are there without a definition: Python's, IPython's, and a build's own."""


@dataclass(frozen=True, slots=True)
class Use:
    """A name that is read.

    Args:
        name: It.
        line: In the cell, from 1.
        function: The outermost function in whose body it stands; None: it is read when the cell runs. A lambda is called `lambda`.
        sure: Whether it is read whenever the cell (or the function) runs.
    """

    name: str
    line: int
    function: str | None
    sure: bool


@dataclass(slots=True)
class Names:
    """What a cell does with names of the notebook.

    Args:
        binds: Names, each with the line of its first binding.
        uses: In their order; not those of names that the cell has bound before.
    """

    binds: dict[str, int] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)


def read(tree: ast.Module) -> Names:
    """See the module."""
    reader = _Reader()
    reader.visit(tree)
    return reader.names


def bound_in(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that statements bind in their own scope, wherever in them."""
    found: set[str] = set()
    outside: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Global):
            outside.update(node.names)
        found.update(_bound_by(node))
        waiting.extend(ast.iter_child_nodes(node))
    return found - outside


def _bound_by(node: ast.AST) -> Iterator[str]:
    """Names that a node itself binds."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


class _Reader(ast.NodeVisitor):
    """Walks a cell in the order in which it runs."""

    def __init__(self) -> None:
        self.names = Names()
        self._scopes: list[set[str]] = []
        self._function: str | None = None
        self._unsure = 0

    def visit(self, node: ast.AST) -> None:
        """A node; what it binds is bound after what it reads."""
        super().visit(node)
        for name in _bound_by(node):
            if not any(name in scope for scope in self._scopes):
                self.names.binds.setdefault(name, getattr(node, "lineno", 0))

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._use(node.id, node.lineno)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._each(node.value, *node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self._each(node.value, node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._use(node.target.id, node.lineno)
        self._each(node.value, node.target)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._define(node.name, node.lineno)
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._each(node.value, node.target)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function_of(node, node.name, *node.decorator_list)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function_of(node, node.name, *node.decorator_list)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function_of(node, "lambda")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._each(*node.decorator_list, *node.bases, *node.keywords)
        with self._scope(bound_in(node.body)):
            self._each(*node.body)
        self._define(node.name, node.lineno)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node, node.elt)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node, node.elt)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node, node.elt)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node, node.key, node.value)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._each(node.iter)
        self._loop(node, node.target, *node.body, *node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815 - ast's name

    def visit_While(self, node: ast.While) -> None:
        self._loop(node, node.test, *node.body, *node.orelse)

    def visit_If(self, node: ast.If | ast.IfExp) -> None:
        self._each(node.test)
        rest = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [*node.body, *node.orelse]
        with self._maybe():
            self._each(*rest)

    visit_IfExp = visit_If  # noqa: N815 - ast's name

    def visit_Try(self, node: ast.AST) -> None:
        with self._maybe():
            self.generic_visit(node)

    visit_TryStar = visit_Match = visit_BoolOp = visit_Try  # noqa: N815 - ast's names

    def _loop(self, node: ast.AST, *parts: ast.AST) -> None:
        for name in bound_in([node]):  # what one round binds, the next may read
            self._define(name, getattr(node, "lineno", 0))
        with self._maybe():
            self._each(*parts)

    def _comprehension(self, node: _Comprehension, *results: ast.AST) -> None:
        self._each(node.generators[0].iter)
        with self._scope(bound_in(each.target for each in node.generators)):
            for generator in node.generators:
                self._each(generator.target, *generator.ifs)
            self._each(*(each.iter for each in node.generators[1:]), *results)

    def _function_of(self, node: _Function, name: str, *decorators: ast.AST) -> None:
        arguments = node.args
        self._each(*decorators, *arguments.defaults, *(each for each in arguments.kw_defaults if each))
        if not isinstance(node, ast.Lambda):
            self._define(name, node.lineno)
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        outer, unsure = self._function, self._unsure
        self._function = outer or name
        self._unsure = unsure if outer else 0
        with self._scope({each.arg for each in every if each} | bound_in(body)):
            self._each(*body)
        self._function, self._unsure = outer, unsure

    def _each(self, *nodes: ast.AST) -> None:
        for node in nodes:
            self.visit(node)

    @contextmanager
    def _scope(self, names: set[str]) -> Iterator[None]:
        self._scopes.append(names)
        yield
        self._scopes.pop()

    @contextmanager
    def _maybe(self) -> Iterator[None]:
        self._unsure += 1
        yield
        self._unsure -= 1

    def _define(self, name: str, line: int) -> None:
        if not any(name in scope for scope in self._scopes):
            self.names.binds.setdefault(name, line)

    def _use(self, name: str, line: int) -> None:
        given = name in _GIVEN or name.startswith("_")
        here = self._function is None and name in self.names.binds
        if not (given or here or any(name in scope for scope in self._scopes)):
            self.names.uses.append(Use(name, line, self._function, not self._unsure))
