"""A project's credentials, for the time of one git command.

They live in memfds of this process. Git's children read them through `/proc/<our pid>/fd/<n>`, which only this user can open: they
never stand on a command line, in an environment, in a configuration or in a file on disk. (OpenSSH closes the descriptors that it
inherits, so handing down the memfd itself would not do.)
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from brignb.model.projects import Project
from brignb.source.surroundings import Surroundings

_NETWORK = "git:http:https:ssh"
_SSH = (
    "ssh",
    "-F/dev/null",
    "-oBatchMode=yes",
    "-oConnectTimeout=15",
    "-oIdentitiesOnly=yes",
    "-oIdentityAgent=none",
    "-oStrictHostKeyChecking=accept-new",
)


def is_local(url: str) -> bool:
    """Whether a clone URL is a folder of this machine."""
    return url.startswith(("/", "file://"))


@contextmanager
def credentials(project: Project, surroundings: Surroundings) -> Iterator[dict[str, str]]:
    """Environment variables that let git, within the context, reach what the project may."""
    url = project.clone_url or ""
    with ExitStack() as stack:
        allowed = f"{_NETWORK}:file" if is_local(url) else _NETWORK
        ssh = [*_SSH, f"-oUserKnownHostsFile={surroundings.known_hosts}"]
        ssh.append(f"-oIdentityFile={_held(stack, project.ssh_key) if project.ssh_key else 'none'}")
        if project.ssh_cert:
            ssh.append(f"-oCertificateFile={_held(stack, project.ssh_cert)}")
        found = {"GIT_ALLOW_PROTOCOL": allowed, "GIT_SSH_COMMAND": shlex.join(ssh), "GIT_SSH_VARIANT": "ssh"}
        parts = urlsplit(url)
        if project.github_token and parts.scheme in {"http", "https"}:
            site = parts.netloc.rpartition("@")[2]
            user = parts.username or "x-access-token"
            found |= {
                "GIT_ASKPASS": str(surroundings.askpass),
                "BRIGNB_ASK_USER": f"Username for '{parts.scheme}://{site}': ",
                "BRIGNB_ASK_TOKEN": f"Password for '{parts.scheme}://{user}@{site}': ",
                "BRIGNB_TOKEN_FD": _held(stack, project.github_token),
            }
        yield found


def _held(stack: ExitStack, value: str) -> str:
    fd = os.memfd_create("brignb", os.MFD_CLOEXEC)
    stack.callback(os.close, fd)
    os.fchmod(fd, 0o600)  # ssh wants a key that nobody else can read
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(value.encode())
    return f"/proc/{os.getpid()}/fd/{fd}"
