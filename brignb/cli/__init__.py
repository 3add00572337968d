"""The command line: words in, calls of `wiring` and `client` out, and an exit code that scripts can rely on.

0 done; 1 the build or job did not succeed; 2 bad usage, bad input, unknown id, it exists already; 3 the server cannot be reached or
refuses the caller; 130 interrupted (contract, "Command line"). Errors go to stderr, one sentence and a hint; a traceback is for
whoever asks for it by `BRIGNB_DEBUG=1`.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final

from brignb.errors import BrignbError, JobError, Refused, Unavailable, Unreachable

FAILED: Final = 1
USAGE: Final = 2
NO_SERVER: Final = 3
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
"""128 + SIGPIPE, as shells have it."""


def main(args: Sequence[str] | None = None) -> int:
    """Run a command; answers its exit code."""
    from typer.exceptions import TyperException  # noqa: PLC0415 - `import brignb.cli` costs nothing

    try:
        return _run(args)
    except BrignbError as error:
        _complain(str(error))
        return _exit_code(error)
    except TyperException as error:
        if message := error.format_message():  # without one its help was shown instead
            _complain(f"{message}\n  `{_command(error)} --help` shows how it is used")
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _close_quietly()
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug is told in one line
        if os.environ.get("BRIGNB_DEBUG"):
            traceback.print_exc()
        _complain(f"brignb made a mistake: {error!r}\n  BRIGNB_DEBUG=1 shows where")
        return FAILED


def _run(args: Sequence[str] | None) -> int:
    import typer  # noqa: PLC0415 - the same

    from brignb.cli.app import app  # noqa: PLC0415 - the same

    try:
        code = typer.main.get_command(app).main(args, prog_name="brignb", standalone_mode=False)
        sys.stdout.flush()
    except typer.Abort:
        return INTERRUPTED
    except SystemExit as left:  # typer answers a broken pipe with 1, which means something else here
        if isinstance(left.__context__, BrokenPipeError):
            return BROKEN_PIPE
        raise
    return code if isinstance(code, int) else 0


def _exit_code(error: BrignbError) -> int:
    if isinstance(error, Unreachable | Refused | Unavailable):
        return NO_SERVER
    return FAILED if isinstance(error, JobError) else USAGE


def _command(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context else "brignb"


def _complain(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201 - the terminal is the place


def _close_quietly() -> None:
    """Whoever read our output is gone; Python would say so once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
