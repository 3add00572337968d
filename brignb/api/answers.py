"""Answers: JSON, and errors in the contract's one shape, `{"error": {"code", "message", "where", "hint"}}`.

The house's errors know no HTTP; their statuses are given out here. What HTTP itself gets wrong (a body that is too large, a host that
is not ours) is a `Rejected`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from brignb.errors import BadInput, BrignbError, Conflict, NotFound, Refused, Unavailable

RETRY_AFTER: Final = "5"
"""Seconds after which to try again what could not be stored."""

_STATUS: Final[dict[type[BrignbError], int]] = {
    BadInput: 400,
    Refused: 401,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
}
_HEADERS: Final[dict[int, dict[str, str]]] = {
    401: {"www-authenticate": "Bearer"},
    503: {"retry-after": RETRY_AFTER},
}


class Rejected(BrignbError):
    """A request that HTTP's own rules turn away.

    Args:
        status: Of the answer.
        code: The error's, for programs.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        where: str = "",
        hint: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


class JSON(Response):
    """A JSON document; what is no JSON number is not written."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """As UTF-8, without spaces."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def failure(error: BrignbError, status: int | None = None) -> Response:
    """The answer to an error, with the status of its kind unless another is given."""
    headers: dict[str, str] = {}
    if isinstance(error, Rejected):
        status, headers = error.status, error.headers
    if status is None:
        status = next((found for kind in type(error).__mro__ if (found := _STATUS.get(kind))), 500)
    return JSON({"error": error.to_json()}, status, {**_HEADERS.get(status, {}), **headers})


async def on_error(_request: Request, error: Exception) -> Response:
    """An error of the house."""
    assert isinstance(error, BrignbError)  # noqa: S101 - registered for these only
    return failure(error)


async def on_http(request: Request, error: Exception) -> Response:
    """No such route, or not with this method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these only
    path = _shown(request.url.path)
    if error.status_code == 405:  # noqa: PLR2004 - HTTP's own number
        allowed = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
        hint = f"it takes {allowed}" if allowed else ""
        return failure(
            Rejected(405, "method", f"{request.method} is not for this", where=path, hint=hint, headers=error.headers)
        )
    if error.status_code == 404:  # noqa: PLR2004 - the same
        return failure(
            Rejected(404, "not_found", "nothing is there", where=path, hint="/api/openapi.json lists the API")
        )
    return failure(Rejected(error.status_code, "http", str(error.detail), where=path, headers=error.headers))


async def on_crash(request: Request, _error: Exception) -> Response:
    """A bug: the caller learns that it is one, and nothing of our inside; the server logs the traceback."""
    return failure(
        Rejected(500, "internal", "brignb made a mistake; its log says more", where=_shown(request.url.path))
    )


def _shown(path: str) -> str:
    """A path as errors may say it: some of the gateways' hold a secret."""
    return path[:200] if path.startswith("/api/") else ""
