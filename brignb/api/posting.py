"""JSON that callers post: read within a limit, decoded as the contract has it, checked by its shape, errors with their place."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from brignb.api.bodies import read_body
from brignb.errors import BadInput
from brignb.model.payload import decode

S = TypeVar("S", bound=BaseModel)

LIMIT: Final = 25 * 1024 * 1024
"""Bytes of a posted document; as much as GitHub's largest event."""
_LARGE: Final = 64 * 1024
"""Bytes, above which a body is decoded in a thread."""


async def posted(request: Request, shape: type[S], *, limit: int = LIMIT) -> S:
    """The body.

    Raises:
        Rejected: It is too large, too slow, or encoded.
        PayloadError: It is not the JSON that the contract takes.
        BadInput: It has another shape.
    """
    body = await read_body(request.headers, request.receive, limit)
    return await asyncio.to_thread(_checked, body, shape) if len(body) > _LARGE else _checked(body, shape)


def described(shape: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """What the OpenAPI document says of such a body."""
    schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)  # they stand among the document's components already
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def _checked(body: bytes, shape: type[S]) -> S:
    try:
        return shape.model_validate(decode(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        hint = f"see {shape.__name__} in /api/openapi.json"
        raise BadInput(str(first["msg"]), where=where[:200], hint=hint) from None
