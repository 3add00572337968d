"""What all suites share: a PostgreSQL, started when the first test asks for one; interrupts that are heard."""

from __future__ import annotations

import signal

from postgresql import postgres_archive, postgresql

__all__ = ["postgres_archive", "postgresql"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores interrupts (POSIX, "Asynchronous Lists"), and Python leaves it so: tests that send one would wait.
    signal.signal(signal.SIGINT, signal.default_int_handler)
