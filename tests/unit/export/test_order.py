"""The review of names: what works only in the order in which its author ran it, and silence about everything else."""

from __future__ import annotations

import pytest
from reviewed import IMPORT, code, only, told


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ("    return limit", "error"),
        ("    def inner():\n        return limit\n    return inner", "error"),
        ("    return [limit for _ in range(3)]", "error"),
        ("    if event:\n        return limit", "warning"),
    ],
)
def test_a_handler_that_needs_a_scratch_cell_is_told(body: str, severity: str) -> None:
    """It worked in the author's kernel; in a build it would be a NameError, once an event comes."""
    found = only(IMPORT, code("limit = 3", "scratch"), f"@events.on('push')\ndef push(event):\n{body}")
    assert (found.severity, found.check) == (severity, "scratch-name")
    assert "only cell 2 defines it" in found.message


@pytest.mark.parametrize(
    "body",
    [
        "    limit = 1\n    return limit",
        "    return [limit for limit in range(3)]",
        "    return (lambda limit: limit)(1)",
        "    for limit in []: ...\n    return limit",
        "    import limit\n    return limit",
        "    with open('x') as limit:\n        return limit",
        "    match event:\n        case {'a': limit, **rest}:\n            return limit, rest",
        "    try: ...\n    except ValueError as limit:\n        print(limit)",
        "    if (limit := 3):\n        return limit",
        "    class A:\n        limit = 3\n        twice = limit * 2\n    return A",
        "    def limit(): ...\n    return limit()",
    ],
)
def test_names_of_a_functions_own_are_not_the_notebooks(body: str) -> None:
    assert told(IMPORT, code("limit = 3", "scratch"), f"@events.on('push')\ndef push(event):\n{body}") == []


def test_a_name_from_a_cell_below_is_told_with_the_count_that_shows_why_it_worked() -> None:
    cells = code("print(rows)", execution_count=5), code("rows = 3", execution_count=2)
    found = only(*cells)
    assert (found.severity, found.check, found.where) == ("error", "order", "cell 1, line 1")
    assert "In [2]" in found.message
    assert "cell 2" in found.hint


def test_a_cell_that_was_run_twice_is_told() -> None:
    """`count = count + 1` works once `count` is there, and never from top to bottom."""
    assert told("count = count + 1") == [("error", "order", "cell 1, line 1")]
    assert told("count += 1") == [("error", "order", "cell 1, line 1")]


@pytest.mark.parametrize(
    "cells",
    [
        ["import os, sys as s\nprint(os, s)"],
        ["def f():\n    return later", "later = 1", "f()"],
        ["from math import *", "print(pi)", "pi = 3"],
        ["%run other.py", "print(x)", "x = 1"],
        ["%time x = 1", "print(x)", "x = 2"],
        ["%%time\nx = 1", "print(x)", "x = 2"],
        ["%%capture out\nprint(1)", "print(out)", "out = 1"],
        ["files = !ls", "print(files)", "files = 1"],
        ["%%bash --out said\nls", "print(said)", "said = 1"],
        ["%matplotlib inline\nimport math", "math.pi"],
        ["for i in range(3):\n    if i:\n        print(last)\n    last = i"],
        ["try:\n    cache\nexcept NameError:\n    cache = {}"],
        ["if 'model' in globals():\n    print(model)", "model = 1"],
        ["x, (y, *z) = 1, (2, 3)\nprint(x, y, z)"],
        ["print([a for a in [1] if a for b in [a] if b])"],
        ["import asyncio\nawait asyncio.sleep(0)"],
        ["print(_, _3, In, Out, __name__)\ndisplay(1)\nget_ipython()"],
        ["print(event.type, project.name)"],
        ["global g\ng = 1", "print(g)"],
        ["def f():\n    global g\n    g = 1\nf()", "print(g)"],
        ["class A:\n    x = 1\n    def f(self):\n        return x"],
        ["def f(x: Later) -> Later: ...", "class Later: ..."],
        ["undefined_anywhere"],
        ["X = int", "def f(*a, k=X, **b): return a, b, k"],
        ["!echo {name}", "name = 1"],
        ["import a.b\nprint(a)"],
        ["with open('f') as a, open(a) as b:\n    print(a, b)"],
        ["lambda q: q"],
    ],
)
def test_ordinary_notebooks_get_no_word(cells: list[str]) -> None:
    """A checker that cries wolf is switched off."""
    assert told(*cells) == []
