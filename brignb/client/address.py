"""Where the server is, and the token it wants (contract, "Command line").

The address: `--server`, `$BRIGNB_SERVER`, else `server.json` in the home. The token: `$BRIGNB_TOKEN`, else the home's file `token`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from brignb.errors import BadInput, Refused, Unreachable

_HINT: Final = "start one with `brignb serve`, or name its address by --server or $BRIGNB_SERVER"


@dataclass(frozen=True, slots=True)
class Address:
    """A server and the token for it."""

    url: str
    token: str = field(repr=False)


def find_home(environment: Mapping[str, str] = os.environ) -> Path:
    """`$BRIGNB_HOME`, else the platform's user data folder; absolute."""
    if chosen := environment.get("BRIGNB_HOME"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path  # noqa: PLC0415 - most callers that care for speed say where it is

    return user_data_path("brignb", appauthor=False)


def find_server(given: str | None = None, environment: Mapping[str, str] = os.environ) -> Address:
    """The server to speak to.

    Args:
        given: Its address, as `--server` has it.
        environment: For `BRIGNB_SERVER`, `BRIGNB_TOKEN` and `BRIGNB_HOME`.

    Raises:
        BadInput: The address is none.
        Unreachable: No server is known.
        Refused: No token is known.
    """
    home = find_home(environment)
    url = given or environment.get("BRIGNB_SERVER") or _announced(home)
    return Address(checked_url(url), environment.get("BRIGNB_TOKEN") or _token(home))


def _announced(home: Path) -> str:
    place = home / "server.json"
    try:
        return str(json.loads(place.read_text())["url"])
    except FileNotFoundError:
        raise Unreachable("no server runs here", where=str(home), hint=_HINT) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreachable(f"it cannot be read: {error}", where=str(place), hint=_HINT) from error


def _token(home: Path) -> str:
    place = home / "token"
    try:
        token = place.read_text().strip()
    except (OSError, ValueError):
        token = ""
    if token and token.isascii() and token.isprintable():
        return token
    raise Refused(
        "no token is known for the server", where=str(place), hint="set $BRIGNB_TOKEN to what the server's file says"
    )


def checked_url(url: str) -> str:
    """A server's address, without a slash at its end.

    Raises:
        BadInput: It is none.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in {"http", "https"} or not rest.strip("/"):
        raise BadInput(
            f"{url!r:.120} is not a server's address", where="--server", hint="such as http://127.0.0.1:7744"
        )
    return url.rstrip("/")
