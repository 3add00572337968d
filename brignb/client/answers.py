"""What the server answers, as errors of the house."""

from __future__ import annotations

from typing import Any, Final

import httpx

from brignb.errors import BadInput, BrignbError, Conflict, Down, NotFound, Refused, Unavailable, Unreachable

_KINDS: Final[dict[int, type[BrignbError]]] = {
    400: BadInput,
    401: Refused,
    403: Refused,
    404: NotFound,
    408: BadInput,
    409: Conflict,
    413: BadInput,
    415: BadInput,
    422: BadInput,
    421: Refused,
    503: Unavailable,
}
_HOW_TO_BE_KNOWN: Final = (
    "set $BRIGNB_TOKEN to what is in the file `token` in the server's home, or $BRIGNB_HOME to that home"
)


def checked(answer: httpx.Response, server: str) -> httpx.Response:
    """The answer, if it is a good one.

    Raises:
        BrignbError: As the server says; `Unreachable` when it does not speak as brignb does.
    """
    if answer.is_success:
        return answer
    kind = _KINDS.get(answer.status_code)
    facts = _facts(answer)
    if kind is None or facts is None:
        raise _strange(answer, server, facts["message"] if facts else "")
    hint = _HOW_TO_BE_KNOWN if answer.status_code == 401 else facts["hint"]  # noqa: PLR2004 - as HTTP has it
    error = kind(facts["message"], where=facts["where"], hint=hint)
    error.code = facts["code"]
    raise error


def document(answer: httpx.Response, server: str) -> dict[str, Any]:
    """The JSON object of a good answer.

    Raises:
        Unreachable: It is none; then it is not brignb that answers.
    """
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _strange(answer, server)
    return found


def unreachable(error: httpx.TransportError, server: str) -> Unreachable:
    """Nobody answers."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.ProxyError):
        return Unreachable(f"it cannot be asked: {error}", where=server)
    why = (
        "it does not answer in time" if isinstance(error, httpx.TimeoutException) else f"nobody answers there: {error}"
    )
    hint = "is `brignb serve` running? Name its address by --server or $BRIGNB_SERVER"
    return (Down if _was_turned_away(error) else Unreachable)(why, where=server, hint=hint)


def _was_turned_away(error: BaseException | None) -> bool:
    """Whether the other machine itself said that nobody listens there; httpx keeps the system's error as a cause of its own."""
    while error is not None and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__ or error.__context__
    return error is not None


def _strange(answer: httpx.Response, server: str, why: str = "") -> Unreachable:
    return Unreachable(
        f"what answers there, with {answer.status_code}, is not brignb, or is broken",
        where=server,
        hint=why or "look at the address, and at the server's log",
    )


def _facts(answer: httpx.Response) -> dict[str, str] | None:
    """The contract's error, if that is what this is."""
    try:
        error: Any = answer.json()["error"]
        return {name: str(error[name]) for name in ("code", "message", "where", "hint")}
    except (ValueError, KeyError, TypeError):
        return None
