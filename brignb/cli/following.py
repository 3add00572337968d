"""Logs in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from brignb.cli.output import note, write_log

if TYPE_CHECKING:
    from brignb.archive.follow import Told
    from brignb.client import Client, End


def tell(client: Client, build_id: str, *, job: str | None = None, following: bool, quiet: bool = False) -> End:
    """Print a build's lines; answers how the build is then.

    Args:
        client: Of the server.
        build_id: Whose.
        job: A name or id; None: the worker's and all jobs' lines, each with its `name | `.
        following: Until the build ends.
        quiet: Print nothing, only wait.
    """
    from brignb.archive.follow import Text  # noqa: PLC0415 - `--help` needs no logs
    from brignb.client import End  # noqa: PLC0415 - the same

    text = Text(prefixed=job is None)
    try:
        for told in client.logs(build_id, job=job, following=following, on_retry=_reconnecting):
            if isinstance(told, End):
                if not quiet:
                    write_log(text.end())
                return told
            if not quiet:
                write_log(text.show(told))
    except KeyboardInterrupt:
        note(f"the build goes on: `brignb build logs -f {build_id}`, or `brignb build cancel {build_id}`")
        raise
    raise AssertionError("logs end with an End")


def lines(client: Client, build_id: str, *, job: str | None, following: bool) -> tuple[list[dict[str, Any]], End]:
    """A build's lines as values, and how the build is then."""
    from brignb.client import End  # noqa: PLC0415 - `--help` needs no logs

    found: list[dict[str, Any]] = []
    for told in client.logs(build_id, job=job, following=following, on_retry=_reconnecting):
        if isinstance(told, End):
            return found, told
        found.append(_line(told))
    raise AssertionError("logs end with an End")


def result(end: End, *, quiet: bool = False) -> int:
    """0 when the build succeeded, else 1, and why."""
    if not quiet:
        because = f" ({end.reason})" if end.reason else ""
        note(f"build {end.state}{because}")
        if end.message and end.state != "succeeded":
            note(f"  {end.message}")
    return 0 if end.state == "succeeded" else 1


def _line(told: Told) -> dict[str, Any]:
    from brignb.model.times import rfc3339  # noqa: PLC0415 - the same

    line = told.line
    facts = {"at": rfc3339(line.at), "job": told.name, "stream": line.stream, "text": line.text}
    return {**facts, "partial": True} if line.partial else facts


def _reconnecting(why: str) -> None:
    note(f"the connection was lost ({why}); connecting again")
