"""Annotations: a type as Python writes it, read from its syntax tree into a `Shape`; nothing is evaluated or imported."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any, Final

from brignb.model.shapes import FORMS, SCALARS, Shape, ShapeError

_BARE: Final = {
    **{name: name for name in SCALARS},
    "list": "list",
    "List": "list",
    "dict": "dict",
    "Dict": "dict",
    "Any": "any",
    "object": "any",
    "None": "none",
}


def read_annotation(node: ast.expr) -> Shape:
    """The shape that an annotation's syntax tree names.

    Raises:
        ShapeError: No parameter can have that type.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _read_text(node.value)
    if isinstance(node, ast.Constant) and node.value is None:
        return Shape("none")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return Shape("union", (*_members(node.left), *_members(node.right)))
    if isinstance(node, ast.Subscript):
        return _read_subscript(_name(node.value), node.slice)
    name = _name(node)
    if name in _BARE:
        return Shape(_BARE[name])
    raise ShapeError(_no_type(node))


def _members(node: ast.expr) -> tuple[Shape, ...]:
    shape = read_annotation(node)
    return shape.inner if shape.kind == "union" else (shape,)


def _read_text(annotation: str) -> Shape:
    try:
        return read_annotation(ast.parse(annotation, mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ShapeError(f"{annotation!r:.80} is not a type") from error


def _read_subscript(name: str, inside: ast.expr) -> Shape:
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    kind = _BARE.get(name, "")
    if name == "Literal":
        return Shape("literal", values=tuple(_literal(part) for part in parts))
    if name == "Annotated":
        return _formed(*parts)
    if name == "Optional" and len(parts) == 1:
        return Shape("union", (*_members(parts[0]), Shape("none")))
    if name == "Union":
        return Shape("union", tuple(member for part in parts for member in _members(part)))
    if kind == "list" and len(parts) == 1:
        return Shape("list", (read_annotation(parts[0]),))
    if kind == "dict" and len(parts) == 2 and _name(parts[0]) == "str":  # noqa: PLR2004 - key and value
        return Shape("dict", (read_annotation(parts[1]),))
    raise ShapeError(
        f"{name or 'that'}[…] is no type a parameter can have; use list[…], dict[str, …], Optional, Literal or Annotated[str, 'date']"
    )


def _formed(node: ast.expr, *about: ast.expr) -> Shape:
    """`Annotated[str, "date"]`: a text of which more is known."""
    shape = read_annotation(node)
    form = about[0].value if len(about) == 1 and isinstance(about[0], ast.Constant) else None
    if shape.kind == "str" and form in FORMS:
        return replace(shape, form=str(form))
    raise ShapeError(f"Annotated[…] takes str and one of {', '.join(map(repr, FORMS))}")


def _literal(node: ast.expr) -> Any:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError) as error:
        raise ShapeError("Literal[…] takes texts, numbers, True, False and None") from error
    if not isinstance(value, str | int | bool | None):
        raise ShapeError("Literal[…] takes texts, numbers, True, False and None")
    return value


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in {"typing", "t"}:
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _no_type(node: ast.expr) -> str:
    return f"{ast.unparse(node):.60} is no type a parameter can have; use str, int, float, bool, list, dict, Optional, Literal or Annotated[str, 'date']"
