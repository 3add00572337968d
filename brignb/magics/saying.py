"""What is wrong, said as IPython says that a magic was used wrongly: one line, no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from IPython.core.error import UsageError

from brignb.errors import BrignbError, JobError


@contextmanager
def plainly() -> Iterator[None]:
    """Our errors as IPython's usage errors.

    Raises:
        UsageError: Instead of a `BrignbError`; a failed job keeps its own error, with the log's tail.
    """
    try:
        yield
    except JobError:
        raise
    except BrignbError as error:
        raise UsageError(one_line(error)) from None


def one_line(error: BrignbError) -> str:
    """Where, what, and what to do; what has several lines already, such as a notebook's problems, keeps them."""
    if "\n" in error.message:
        return str(error)
    head = f"{error.where}: {error.message}" if error.where else error.message
    return " ".join(f"{head}; {error.hint}".split()) if error.hint else " ".join(head.split())
