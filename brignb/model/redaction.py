"""Known secret values out of everything that reaches a disk, a screen or a wire.

A `Redactor` knows the values; it replaces each, and each in the forms that programs like to print them in (JSON's, URL's and
HTML's escapes, base64), by `REDACTED`. A value of several lines is replaced line by line, since logs are lines. Values under six
characters are left alone: replacing them would garble more than it hides (`project create` warns of them).

A `Redacting` stream does the same across chunks: it keeps back only what could be the beginning of a value.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote, quote_plus

MARK: Final = "REDACTED"
SHORTEST: Final = 6
"""Characters; shorter values are left alone (issue "The main path", 3)."""


def _forms(value: str) -> set[str]:
    """A value as it may be printed."""
    pieces = {value, value.strip(), *(line.strip() for line in value.splitlines())}
    forms: set[str] = set()
    for piece in pieces:
        if len(piece) < SHORTEST:
            continue
        raw = piece.encode("utf-8", "surrogatepass")
        forms |= {piece, json.dumps(piece)[1:-1], json.dumps(piece, ensure_ascii=False)[1:-1], repr(piece)[1:-1]}
        forms |= {quote(raw, safe=""), quote(raw), quote_plus(raw), html.escape(piece), html.escape(piece, quote=False)}
        forms |= {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    return {form for form in forms if len(form) >= SHORTEST and "\n" not in form and "\r" not in form}


class Redactor:
    """Replaces known values in text.

    Args:
        values: What must not be seen.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self.learn(*values)

    def learn(self, *values: str) -> None:
        """More values that must not be seen from now on (a secret that a person has just typed)."""
        for value in values:
            self._known |= _forms(value)
        self._forms = tuple(sorted(self._known, key=lambda form: (-len(form), form)))
        self._pattern = re.compile("|".join(re.escape(form) for form in self._forms)) if self._forms else None
        self._longest = len(self._forms[0]) if self._forms else 0
        self._by_head: dict[str, list[str]] = {}
        for form in self._forms:
            self._by_head.setdefault(form[0], []).append(form)

    def __call__(self, text: str) -> str:
        """The text without the values."""
        return self._pattern.sub(MARK, text) if self._pattern else text

    def tree(self, value: Any) -> Any:
        """A JSON value with every text in it redacted, keys too."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {self(k) if isinstance(k, str) else k: self.tree(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(v) for v in value]
        return value

    def settled(self, text: str) -> int:
        """Up to where `text` can be redacted now: what follows may be the beginning of a value.

        No form holds a newline, so only the last line matters.
        """
        begin = max(text.rfind("\n") + 1, len(text) - self._longest + 1, 0)
        for at in range(begin, len(text)):
            tail = text[at:]
            if any(len(form) > len(tail) and form.startswith(tail) for form in self._by_head.get(tail[0], ())):
                return at
        return len(text)

    def split(self, text: str) -> tuple[str, str]:
        """The part that may be shown, redacted, and the rest, which waits for what comes next."""
        if self._pattern is None:
            return text, ""
        cut = self.settled(text)
        for found in self._pattern.finditer(text):
            if found.start() < cut < found.end():
                cut = found.end()  # a whole value that lies across the cut is known already
        return self(text[:cut]), text[cut:]

    def stream(self) -> Redacting:
        """A stream that redacts across chunks."""
        return Redacting(self)


class Redacting:
    """One stream of text: `feed` what comes, `flush` at its end."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._kept = ""

    def feed(self, text: str) -> str:
        """What may be shown so far."""
        shown, self._kept = self._redactor.split(self._kept + text)
        return shown

    def flush(self) -> str:
        """What was kept back; the stream has ended, or waits for nothing more."""
        kept, self._kept = self._redactor(self._kept), ""
        return kept
