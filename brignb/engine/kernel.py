"""`get_ipython().kernel`, as far as libraries look at it: that it is there, whose request runs, and who manages the comms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from IPython.core.interactiveshell import InteractiveShell


class Kernel:
    """See the module. Whoever wants more of a kernel needs the tier `kernel`; the attribute that is missing says so by its name.

    Args:
        shell: Its.
    """

    implementation = "ipython"

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell

    @property
    def comm_manager(self) -> Any:
        """The one of the library `comm`."""
        import comm  # noqa: PLC0415 - who asks has it

        return comm.get_comm_manager()

    def get_parent(self, channel: str | None = None) -> dict[str, Any]:  # noqa: ARG002 - ipykernel's signature
        """The request that runs: one for each cell."""
        header = {
            "date": datetime.now(UTC),
            "msg_id": f"brignb-{self.shell.execution_count}",
            "msg_type": "execute_request",
            "session": "brignb",
            "username": "brignb",
            "version": "5.3",
        }
        return {
            "header": header,
            "msg_id": header["msg_id"],
            "msg_type": "execute_request",
            "parent_header": {},
            "metadata": {},
            "content": {},
        }
