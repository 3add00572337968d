"""What git sees of this machine: nearly nothing.

Git reads configuration, credentials and hooks from many places (the system's, the user's, `~/.netrc`, the ssh agent). A project's
repository must not get what belongs to the operator, nor behave otherwise on another machine, so git runs with a configuration, a
home and an environment of our own. Proxies and certificate authorities are the machine's and are passed on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PASSED_ON: Final = (
    "PATH",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
)
"""Variables of the server that git may see."""

# Any folder is safe: only this user's mirrors and checkouts are worked in, and a `file:` remote may be another user's.
# A mirror serves checkouts of commits that no ref reaches. Collecting is started by us, and waited for.
_CONFIG: Final = """\
[safe]
	directory = *
[core]
	hooksPath = /dev/null
	logAllRefUpdates = false
	fsmonitor = false
[init]
	defaultBranch = main
[advice]
	detachedHead = false
[gc]
	autoDetach = false
[maintenance]
	auto = false
[uploadpack]
	allowAnySHA1InWant = true
[http]
	followRedirects = initial
"""

# Git asks with the site in its question. The answer goes to the project's own site only: a submodule may be anybody's.
_ASKPASS: Final = """\
#!/bin/sh
if [ "$1" = "$BRIGNB_ASK_USER" ]; then echo x-access-token
elif [ "$1" = "$BRIGNB_ASK_TOKEN" ]; then exec cat "$BRIGNB_TOKEN_FD"
else exit 1
fi
"""


class Surroundings:
    """Files and environment that git runs with.

    Args:
        folder: Where they are kept, 0700; made when it is not there.
        environ: The server's environment.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = {name: environ[name] for name in PASSED_ON if name in environ}

    @property
    def askpass(self) -> Path:
        """The program that answers git's questions."""
        return self._folder / "askpass"

    @property
    def known_hosts(self) -> Path:
        """Keys of ssh servers, kept from the first time each is seen."""
        return self._folder / "known_hosts"

    def prepare(self) -> None:
        """Write the files."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self._folder / "gitconfig", _CONFIG, 0o600)
        _write(self.askpass, _ASKPASS, 0o700)

    def environment(self) -> dict[str, str]:
        """For any git command."""
        return {
            "PATH": os.defpath,
            **self._environ,
            "HOME": str(self._folder),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self._folder / "gitconfig"),
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TEMPLATE_DIR": "",
            "GIT_TERMINAL_PROMPT": "0",
        }


def _write(path: Path, text: str, mode: int) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    fresh.replace(path)
