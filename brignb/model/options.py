"""What `brignb serve`, `brignb run` and `brignb worker` are asked to do, checked: the command line makes these, `wiring` follows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOCKS: Final = ("privileged", "host-mounts", "docker-socket", "service-account")
"""What an operator may allow (contract, "Project file")."""
GATEWAYS: Final = ("github", "registry", "generic")
"""Parts of a server that take events; `generic` is simple events and CloudEvents."""
PARTS: Final = (*GATEWAYS, "api", "controller")
"""Parts of a server, which may be processes apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Of `brignb serve`.

    Args:
        home: None: `$BRIGNB_HOME`, else the platform's user data folder.
        port: 0 takes any that is free.
        cr: Whether container registries may send webhooks.
        workers: Builds that run here at once; None: as many as there are cores; 0: workers elsewhere run them.
        executor: For projects that name none.
        allow: The operator's locks that are open, of `LOCKS`.
        store: A database's URL; None: SQLite in the home.
        hosts: Names, besides its own, by which callers may address the server: those of a proxy before it.
        keep_ms: Milliseconds for which a build is kept after its end; None: for ever.
        keep_builds: Of each project; None: all.
        parts: What this process does, of `PARTS`.
        workers_as: `processes` of the controller's machine, or `pods`.
        projects: The namespace whose project Secrets are taken up, `.` for this pod's own or the context's; None: none are.
        lease: The Lease by which one of several controllers leads, `NAME` or `NAMESPACE/NAME`; None: they are in no cluster.
        key_file: What seals secrets; None: the home's.
        token_file: The API's token; None: the home's.
        tls_cert: Of the listener for workers, with its chain; None: there is no such listener.
        tls_key: Its private key.
        worker_port: Where that listens.
        linger: Seconds for which requests are still taken once the server was asked to end, while it says that it is not ready.
    """

    home: Path | None = None
    host: str = "127.0.0.1"
    port: int = 7744
    cr: bool = False
    workers: int | None = None
    executor: str = "process"
    allow: frozenset[str] = frozenset()
    store: str | None = None
    hosts: tuple[str, ...] = ()
    keep_ms: int | None = None
    keep_builds: int | None = None
    parts: frozenset[str] = frozenset(PARTS)
    workers_as: str = "processes"
    projects: str | None = None
    lease: str | None = None
    key_file: Path | None = None
    token_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    worker_port: int = 7746
    linger: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Of `brignb run`.

    Args:
        event: Its type; None: `exec`.
        payload: The event's payload, as text.
        project: A project file.
        parameters: Names and values of `-p`, as they were written.
        executor: None: `process`.
        record: Where to write the executed notebook; None: nowhere.
    """

    notebook: Path
    event: str | None = None
    payload: str | None = None
    project: Path | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    executor: str | None = None
    record: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """Of `brignb worker`.

    Args:
        server: The address of its desk.
        token_file: Holds what the server has given for one build, or for a project's pool.
        ca: Certificates that vouch for the server; None: those that this machine trusts.
        secrets_file: The project's secrets, a JSON object; None: the server sends them with each build.
        work: For everything that a build needs on a disk.
        name: Who it is, for the server: its pod's.
        builds: After so many it ends; None: it does not.
        preload: Modules that are imported before a build comes.
    """

    server: str
    token_file: Path
    ca: Path | None = None
    secrets_file: Path | None = None
    work: Path
    name: str
    builds: int | None = None
    preload: tuple[str, ...] = ()
