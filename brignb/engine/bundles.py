"""MIME bundles as JSON: what objects show of themselves, made fit for a journal.

Bytes become base64 as in Jupyter, what no JSON holds becomes its text, lone surrogates become U+FFFD. What must never happen: a
strange object that keeps a record from being written.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, Final

DEPTH_MAX: Final = 200
"""Nesting of a displayed JSON; deeper parts are shown as text."""


def clean_text(text: str) -> str:
    """Text that UTF-8 can write."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean(value: Any, depth: int = 0) -> Any:
    """A value as JSON."""
    if depth < DEPTH_MAX and isinstance(value, Mapping):
        return {clean_text(str(k)): clean(v, depth + 1) for k, v in value.items()}
    if depth < DEPTH_MAX and isinstance(value, list | tuple | set | frozenset):
        return [clean(v, depth + 1) for v in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    return clean_text(str(value) if isinstance(value, str) else repr(value))


def clean_bundle(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """A bundle by MIME type. What is no JSON type is text, whatever object stood there."""
    return {
        str(mime): value if isinstance(value := clean(data), str) or "json" in str(mime) else str(value)
        for mime, data in bundle.items()
    }
