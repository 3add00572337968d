"""JSON bodies, read strictly: what strangers send becomes a value or a `PayloadError`, and nothing else.

What enters: bytes of any kind, before a signature is checked. What leaves: a `Document`. What must never happen: any other
exception; a stack or a heap that a small body can exhaust; a value that cannot be written as JSON again.

The rules are the contract's ("Notebook" and "HTTP"): UTF-8 and nothing else, no mark before it; at most 64 levels; no NaN, no Infinity
(nor a number so large that a double becomes one), no raw control bytes, no lone surrogates, raw or escaped. An escaped NUL is data.
Of duplicate keys the last counts; `Document.full_name` alone looks closer, since what it answers decides whose secret is asked.

Levels are counted before anything is parsed, by deleting every byte that does not open, close or quote: a body of 10 KB costs 10 µs,
and one of 100,000 brackets costs as much as any other.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, Final

from brignb.errors import PayloadError

DEPTH_MAX: Final = 64
"""Levels of arrays and objects (contract, "HTTP")."""

VALUES_MAX: Final = 1_000_000
"""Commas, and brackets in pairs, of a body. GitHub's largest, 25 MiB, have fewer; 25 MiB of `[],[],` would become 500 MiB of lists."""

_BOM = b"\xef\xbb\xbf"
_NOT_MARKS = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_CURLY_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_QUOTED = re.compile(rb'"[^"]*"')
_LONE_SURROGATE = re.compile(
    rb"(?:[^\\]++"
    rb"|\\(?!u[dD][89a-fA-F])[\s\S]"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+(?=\\u)"
)
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]|NaN|-?Infinity', re.DOTALL)
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}

Pairs = list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Document:
    """A body that is JSON.

    Args:
        text: The body as text.
        data: Its value.
        repeats: Objects that name a key twice, each with all its pairs.
    """

    text: str
    data: Any
    repeats: tuple[tuple[dict[str, Any], Pairs], ...] = field(default=(), repr=False)

    def full_name(self) -> str | None:
        """The top-level `repository.full_name`; None when there is no such text.

        Raises:
            PayloadError: There is a second top-level `repository`, or a second `full_name` in it.
        """
        if not isinstance(self.data, dict):
            return None
        self._only_one(self.data, "repository", "repository")
        repository = self.data.get("repository")
        if not isinstance(repository, dict):
            return None
        self._only_one(repository, "full_name", "repository.full_name")
        name = repository.get("full_name")
        return name if isinstance(name, str) else None

    def _only_one(self, part: dict[str, Any], key: str, where: str) -> None:
        for repeated, pairs in self.repeats:
            if repeated is part and sum(name == key for name, _ in pairs) > 1:
                raise PayloadError(f"{where} is given twice", where=where)


def decode(body: bytes) -> Any:
    """The value of a JSON body.

    Raises:
        PayloadError: It is not the JSON that the contract takes.
    """
    return document(body).data


def document(body: bytes) -> Document:
    """A JSON body, parsed once.

    Raises:
        PayloadError: It is not the JSON that the contract takes.
    """
    text = _text(body)
    _check_shape(body, text)
    repeats: list[tuple[dict[str, Any], Pairs]] = []

    def build(pairs: Pairs) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            repeats.append((made, pairs))
        return made

    reader = json.JSONDecoder(object_pairs_hook=build, parse_float=_float, parse_constant=_no_constant)
    try:
        data = reader.decode(text)
    except json.JSONDecodeError as error:
        raise PayloadError(f"not JSON: {error.msg}", where=_place(text, error.pos)) from None
    except _ConstantError as error:
        raise PayloadError(f"not JSON: {error}", where=_place(text, _first(text, str(error)))) from None
    except ValueError:
        raise PayloadError("a number of more than 4,300 digits", where="body") from None
    _check_surrogates(body, text)
    return Document(text, data, tuple(repeats))


class _ConstantError(Exception):
    """`NaN`, `Infinity` or `-Infinity`, which are not JSON."""


def _text(body: bytes) -> str:
    if body.startswith(_BOM):
        raise PayloadError("it starts with a byte order mark", where="line 1, column 1", hint="send UTF-8 without one")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        place = _place(body[: error.start].decode(), error.start)
        raise PayloadError("not UTF-8", where=place, hint="send UTF-8; no other encoding is read") from None


def _check_shape(body: bytes, text: str) -> None:
    marks = _marks(body)
    if len(body) > VALUES_MAX and max(body.count(b","), len(marks) // 2) > VALUES_MAX:
        raise PayloadError(f"more than {VALUES_MAX:,} values", where="body")
    shape = _QUOTED.sub(b"", marks)
    if len(shape) > DEPTH_MAX and _levels(shape) > DEPTH_MAX:
        raise PayloadError(f"more than {DEPTH_MAX} levels", where=_place(text, _too_deep(text)))


def _marks(body: bytes) -> bytes:
    """All brackets, and the quotes of those texts that hold some.

    Outside of texts a backslash is an error, at which the parser stops; inside, escaped ones go first, so that the next quote
    after a run of them is known for what it is. Two neighbouring quotes can go without changing what is inside and outside.
    """
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return body.translate(None, _NOT_MARKS).replace(b'""', b"")


def _levels(shape: bytes) -> int:
    """The depth of brackets: how often innermost pairs can be taken out, and what is left where they do not pair."""
    shape = shape.translate(_CURLY_AS_SQUARE)
    rounds = 0
    while rounds <= DEPTH_MAX and (fewer := shape.replace(b"[]", b"")) != shape:
        rounds, shape = rounds + 1, fewer
    return rounds + shape.count(b"[")


def _too_deep(text: str) -> int:
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += _STEP.get(token[0], 0)
        if depth > DEPTH_MAX:
            return token.start()
    return len(text)


def _first(text: str, constant: str) -> int:
    return next((token.start() for token in _TOKEN.finditer(text) if token[0] == constant), 0)


def _check_surrogates(body: bytes, text: str) -> None:
    if b"\\" not in body or (b"\\ud" not in body and b"\\uD" not in body):  # a single byte is found fastest
        return
    if lone := _LONE_SURROGATE.match(body):
        where = _place(text, len(body[: lone.end()].decode()))
        raise PayloadError("half a surrogate pair, which is no character", where=where)


def _float(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise PayloadError(f"{literal[:40]} is larger than any double", where="body")
    return number


def _no_constant(name: str) -> Any:
    raise _ConstantError(name)


def _place(text: str, offset: int) -> str:
    line = text.count("\n", 0, offset) + 1
    return f"line {line}, column {offset - text.rfind(chr(10), 0, offset)}"
