"""Shapes: the types that a parameter can have, as plain values that check and parse.

    Shape ──▶ check(value), parse(text)

What a shape accepts is JSON: null, booleans, whole and finite numbers, texts, lists and objects. Nothing here evaluates: a text is
read by `int`, `float` or a JSON parser.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

DEPTH_MAX: Final = 64
"""Nesting of a parameter's value; the gateways' own limit (contract, "HTTP")."""

DIGITS_MAX: Final = 4000
"""Digits of a whole number; Python itself writes and reads no more than 4,300."""

_INT = re.compile(rf"[+-]?[0-9]{{1,{DIGITS_MAX}}}\Z")
_INT_END: Final = 10**DIGITS_MAX
_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no"})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
DATE: Final = "date"
FILE: Final = "file"
FORMS: Final = (DATE, FILE)
"""Of a text: `2026-01-31`; the path of a file, which need not be there (it may be in another build's source)."""
SCALARS: Final = {"str": str, "bool": bool, "int": int, "float": float}


class ShapeError(ValueError):
    """A value, a text or an annotation that does not fit; the message is half a sentence, for people."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A type.

    Args:
        kind: `str`, `int`, `float`, `bool`, `none`, `any`, `list`, `dict`, `union` or `literal`.
        inner: Of a list its items' shape, of a dict its values' shape, of a union its members.
        values: Of a literal.
        form: Of a text, what more is known of it, of `FORMS`.
    """

    kind: str
    inner: tuple[Shape, ...] = ()
    values: tuple[Any, ...] = ()
    form: str = ""

    def __str__(self) -> str:
        """As it is written in Python."""
        if self.kind == "literal":
            return f"Literal[{', '.join(map(repr, self.values))}]"
        if self.kind == "union":
            return " | ".join(map(str, self.inner))
        if self.kind == "dict" and self.inner:
            return f"dict[str, {self.inner[0]}]"
        if self.form:
            return f"Annotated[{self.kind}, {self.form!r}]"
        if self.inner:
            return f"{self.kind}[{self.inner[0]}]"
        return {"none": "None", "any": "Any"}.get(self.kind, self.kind)

    def check(self, value: Any, depth: int = 0) -> Any:
        """The value as it is bound: itself, but a float where a whole number stands for one.

        Raises:
            ShapeError: It is of another type, is no JSON, or nests deeper than `DEPTH_MAX`.
        """
        if depth > DEPTH_MAX:
            raise ShapeError(f"nests deeper than {DEPTH_MAX}")
        if self.kind == "union":
            return _first(self.inner, lambda member: member.check(value, depth), f"is {_kind_of(value)}, not {self}")
        if self.kind == "literal":
            return self._one_of(value)
        if self.kind == "any":
            return _json(value, depth)
        if self.kind == "list" and type(value) is list:
            item = self.inner[0] if self.inner else ANY
            return [item.check(v, depth + 1) for v in value]
        if self.kind == "dict" and type(value) is dict:
            item = self.inner[0] if self.inner else ANY
            return {_text(k): item.check(v, depth + 1) for k, v in value.items()}
        return self._scalar(value)

    def parse(self, text: str) -> Any:
        """The value of `NAME=VALUE`'s right side.

        Raises:
            ShapeError: The text does not say a value of this shape.
        """
        if self.kind == "str":
            return self._formed(_text(text))
        if self.kind == "union":
            members = sorted(self.inner, key=lambda member: member.kind == "str")  # a text is anything: asked last
            if any(member.kind == "str" for member in members):
                members = [member for member in members if member.kind != "none"]  # `null` is a text there
            return _first(members, lambda member: member.parse(text), f"{text!r:.80} is not {self}")
        if self.kind == "literal":
            return self._spelled(text)
        if self.kind == "any":
            try:
                return _json(_loads(text), 0)
            except ShapeError:
                return _text(text)
        return self._parse_scalar(text) if self.kind in SCALARS else self.check(_loads(text))

    def _parse_scalar(self, text: str) -> Any:
        word = text.strip().lower()
        if self.kind == "bool" and word in _TRUE | _FALSE:
            return word in _TRUE
        if self.kind == "int" and _INT.match(word):
            return int(word)
        if self.kind == "float" and word.isascii() and "_" not in word:
            try:
                return self.check(float(word))
            except ValueError as error:
                raise ShapeError(f"{text!r:.80} is not a finite number") from error
        hint = "; write true or false" if self.kind == "bool" else ""
        raise ShapeError(f"{text!r:.80} is not {self}{hint}")

    def _one_of(self, value: Any) -> Any:
        for one in self.values:
            if type(one) is type(value) and one == value:
                return one
        raise ShapeError(f"is not one of {', '.join(map(repr, self.values))}")

    def _spelled(self, text: str) -> Any:
        for one in self.values:
            if text == (one if isinstance(one, str) else json.dumps(one)):
                return one
        raise ShapeError(f"{text!r:.80} is not one of {', '.join(map(repr, self.values))}")

    def _formed(self, value: Any) -> Any:
        """The value, if it has the form that is asked for."""
        if self.form == DATE:
            try:
                if _DATE.match(value) and date.fromisoformat(value):
                    return value
            except ValueError:
                pass
            raise ShapeError(f"{value!r:.80} is no date; write it as 2026-01-31")
        return value

    def _scalar(self, value: Any) -> Any:
        if self.kind == "none" and value is None:
            return None
        if self.kind == "float" and type(value) is int:
            try:
                return float(value)
            except OverflowError as error:
                raise ShapeError("is too large for a float") from error
        if self.kind in SCALARS and type(value) is SCALARS[self.kind]:
            return self._formed(_json(value, 0))
        raise ShapeError(f"is {_kind_of(value)}, not {self}")


ANY: Final = Shape("any")


def shape_of(value: Any) -> Shape:
    """The shape of a default without an annotation."""
    for kind in ("bool", "int", "float", "str", "list", "dict"):
        if type(value).__name__ == kind:
            return Shape(kind)
    return ANY


def _first(members: Iterable[Shape], attempt: Callable[[Shape], Any], complaint: str) -> Any:
    """What the first member makes that does not refuse."""
    for member in members:
        try:
            return attempt(member)
        except ShapeError:
            continue
    raise ShapeError(complaint)


def _loads(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise ShapeError(f"{word} is no JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except ShapeError:
        raise
    except (ValueError, RecursionError) as error:
        raise ShapeError(f"{text!r:.80} is no JSON") from error


def _json(value: Any, depth: int) -> Any:
    if depth > DEPTH_MAX:
        raise ShapeError(f"nests deeper than {DEPTH_MAX}")
    kind = type(value)  # exactly: what a subclass says of itself is somebody's code
    if kind is str:
        return _text(value)
    if kind is int and not -_INT_END < value < _INT_END:
        raise ShapeError(f"has more than {DIGITS_MAX} digits")
    if value is None or kind in {bool, int} or (kind is float and math.isfinite(value)):
        return value
    if kind is list:
        return [_json(v, depth + 1) for v in value]
    if kind is dict:
        return {_text(k): _json(v, depth + 1) for k, v in value.items()}
    raise ShapeError(f"is {_kind_of(value)}, which is no JSON")


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ShapeError("has a key that is no text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ShapeError("holds a character that is no Unicode text") from error
    return value


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a finite number"
    return type(value).__name__
