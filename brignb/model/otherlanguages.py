"""Declarations of a `parameters` cell that is not Python, as far as they can be read without a parser of its language.

    tag <- "dev"            # from: event.data.ref        R
    count=3                                               Bash
    let limit = 2.5         // a limit                    JavaScript, Rust, …

A line that assigns a literal declares a name of that literal's type (a number may be whole or not); one that assigns anything else
declares a name of any type. Other lines are the language's own business.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from brignb.model.declarations import Declarations, Declared, name_problem, path_problem
from brignb.model.shapes import ANY, Shape, ShapeError

_ASSIGNED: Final = re.compile(
    r"\s*(?:(?:const|let|var|val|mut|local|my|export|readonly)\s+)*[$]?(?P<name>[A-Za-z_]\w*)\s*(?::\s*[\w<>\[\]]+\s*)?"
    r"(?:<-|:=|=(?!=))\s*(?P<value>.*)",
    re.ASCII,
)
_FROM: Final = re.compile(r"(?:#|//|--|%|;)\s*from:\s*(\S+)\s*\Z")
_TEXT: Final = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?L?(?=[\s;#/,]|\Z)")
_TRUTH: Final = re.compile(r"[$]?(TRUE|true|True|FALSE|false|False)(?=[\s;#/,]|\Z)")

_STR: Final = Shape("str")
_BOOL: Final = Shape("bool")
_NUM: Final = Shape("union", (Shape("int"), Shape("float")))


def read_lines(source: str) -> Declarations:
    """What a source declares; nothing is raised, everything wrong is told."""
    declared: dict[str, Declared] = {}
    problems: list[tuple[int, str]] = []
    for line, text in enumerate(source.split("\n"), 1):
        found = _ASSIGNED.match(text)
        if found is None:
            continue
        name = found["name"]
        path = _FROM.search(text)
        shape, default = _literal(found["value"])
        complaints = [name_problem(name), path_problem(path[1]) if path else ""]
        problems += [(line, f"{name}: {complaint}") for complaint in complaints if complaint]
        declared[name] = Declared(name=name, type=shape, default=default, path=path[1] if path else None, line=line)
    return Declarations(tuple(declared.values()), tuple(problems))


def _literal(text: str) -> tuple[Shape, Any]:
    """Its type, and its value; None where only the language knows."""
    if found := _TEXT.match(text):
        return _STR, found[1][1:-1]
    if found := _TRUTH.match(text):
        return _BOOL, found[1].lower() == "true"
    if found := _NUMBER.match(text):
        try:
            return _NUM, _NUM.parse(found[0].rstrip("L"))
        except ShapeError:
            return _NUM, None
    return ANY, None


_INTERPOLATING: Final = frozenset({"julia", "powershell", "perl", "ruby", "scala", "csharp", "f#", "c#"})
"""Languages in which papermill writes texts so that `$` and braces in them could be code."""


def dangerous(language: str, value: object) -> bool:
    """Whether a value holds a text that papermill would write as more than a text in that language."""
    return language in _INTERPOLATING and any(sign in json.dumps(value, ensure_ascii=False) for sign in "$`")
