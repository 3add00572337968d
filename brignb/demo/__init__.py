"""`brignb demo`: the main job, start to end, on this machine, with nothing to configure.

    git push (signed webhook) ──▶ build job ──▶ registry stand-in ──▶ its webhook ──▶ notify job ──▶ Slack stand-in

The server, the repository, the worker, the jobs and every HTTP request are real; only the registry and Slack are stand-ins, since
they belong to others.
"""

from __future__ import annotations


def main(*, keep: bool) -> int:
    """Run the demo; with `keep` the server stays until it is interrupted. Answers the exit code."""
    from brignb.demo.story import tell  # noqa: PLC0415 - the command line starts without it

    return tell(keep=keep)
