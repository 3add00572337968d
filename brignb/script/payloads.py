"""Payloads of events that are raised here: text as it is, anything else as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from brignb.errors import PayloadError


def payload_text(payload: Any, *, where: str) -> str:
    """The payload as the text that an event carries.

    Raises:
        PayloadError: Bytes that are no UTF-8, text with a lone surrogate, or a value that JSON cannot hold.
    """
    try:
        text = _text(payload)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeError is a ValueError
        raise PayloadError(
            f"the payload cannot be one: {error}", where=where, hint="give a text, or what JSON can hold"
        ) from error
    return text


def _text(payload: Any) -> str:
    if payload is None:
        return ""
    if isinstance(payload, bytes | bytearray):
        return payload.decode()
    if isinstance(payload, str):
        return payload
    return json.dumps(payload, ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    """What JSON does not know by itself, such as a job's outputs."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not what JSON can hold")
