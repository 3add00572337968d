"""`python -m brignb.zygote.cradle MODULE …`: run a module in user and process namespaces of its own.

A zygote that a user runs needs it: to have each child born in a new process namespace it must be able to come back to its own, and the
one that bubblewrap puts it into belongs to a user namespace that it has left again.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from brignb.zygote import linux


def main() -> NoReturn:
    """Run it as the first process of the namespace; end as it does."""
    linux.be_the_same_user()
    linux.unshare(linux.NEW_PROCESSES)
    child = os.fork()
    if child == 0:
        linux.die_with_parent(signal.SIGKILL)
        linux.keep_capabilities()
        os.execv(sys.executable, [sys.executable, "-P", "-m", *sys.argv[1:]])  # noqa: S606 - ourselves
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
