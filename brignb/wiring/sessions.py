"""The author's words in a plain script or notebook: jobs run here, or in a cluster, on a copy of the author's files.

Everything lives in a private folder of the process that is gone when it ends. Secrets come from a project file
(`$BRIGNB_PROJECT`, else `project.yaml` here, else beside the notebook), from `BRIGNB_SECRET_<NAME>`, or are asked for.
"""

from __future__ import annotations

import atexit
import contextlib
import getpass
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from brignb.archive.files import FileArchive
from brignb.errors import BrignbError, NotFound, SecretMissing
from brignb.executors.seam import Executor
from brignb.model.names import id_time_ms
from brignb.model.projectfile import read
from brignb.model.projects import Project
from brignb.model.redaction import Redactor
from brignb.model.secrets import Secret, Secrets
from brignb.script import portal
from brignb.script.session import NoView, Session
from brignb.source.copying import WorkCopy
from brignb.wiring import executing
from brignb.wiring.clock import fresh_id, now_ms
from brignb.wiring.lastbuilds import last_builds
from brignb.wiring.views import live_view

PROJECT_FILE = "project.yaml"
CLOSED_WITHIN = 10.0
"""Seconds that a process's end waits for its jobs' remains to be taken away."""
SECRET_PREFIX = "BRIGNB_SECRET_"  # noqa: S105 - a prefix, not a secret


def local_project(given: Path | None = None, *, beside: Path = Path()) -> Project:
    """The project of a local project file; without one, a project named after the folder.

    Args:
        given: The file; None: `$BRIGNB_PROJECT`, else `project.yaml` here, else in `beside`.
        beside: The notebook's folder.

    Raises:
        NotFound: A file that was named cannot be read.
        ProjectFileError: The file is not one.
    """
    named = given or os.environ.get("BRIGNB_PROJECT")
    places = [Path(named)] if named else [Path(PROJECT_FILE), beside / PROJECT_FILE]
    for path in places:
        if named or path.is_file():
            return read(_content(path), name=str(path), runnable=False).project
    folder = (
        "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "-" for c in Path.cwd().name).strip(".") or "here"
    )
    return Project(name=f"local/{folder}")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"cannot be read: {error.strerror}", where=str(path)) from error


class LocalSecrets(Mapping[str, Secret]):
    """A project file's secrets, then the environment's, then what a person answers; each is remembered.

    Args:
        project: With the file's secrets.

    """

    def __init__(self, project: Project) -> None:
        environment = {
            name.removeprefix(SECRET_PREFIX): value
            for name, value in os.environ.items()
            if name.startswith(SECRET_PREFIX)
        }
        self._known = dict(Secrets({**project.secrets, **environment}, project=project.name))
        self._project = project.name
        self.redactor = Redactor(self._known.values())

    def __getitem__(self, name: str) -> Secret:
        if name not in self._known:
            self._known[name] = self._ask(name)
            self.redactor.learn(self._known[name])
        return self._known[name]

    def _ask(self, name: str) -> Secret:
        if not (sys.stdin and sys.stdin.isatty()) and "ipykernel" not in sys.modules:
            return Secrets({}, project=self._project)[name]
        try:
            return Secret(getpass.getpass(f"secret {name} of {self._project}: "))
        except (EOFError, KeyboardInterrupt, NotImplementedError):
            raise SecretMissing(
                f"no answer for secret {name!r}",
                hint=f"answer the prompt, put it under `secrets:` in {PROJECT_FILE}, or set {SECRET_PREFIX}{name}",
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._known))})"


def _forget(folder: Path, owner: int) -> None:
    """Only who made it takes it away: a forked child that exits has it from its parent."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _close(executor: Executor, owner: int) -> None:
    """What is left of jobs elsewhere is taken away; the jobs themselves have ended by then."""
    if os.getpid() == owner and portal.running():
        with contextlib.suppress(BrignbError, TimeoutError):
            portal.submit(executor.close()).result(CLOSED_WITHIN)


def _unheard(_job_id: str, _size: int) -> None:
    """Nobody looks on."""


def local_session(file: Path | None = None) -> Session:
    """See the module; made on the first `run()` or the first look at `project`.

    Args:
        file: The project file; None: see `local_project`.
    """
    folder = Path(tempfile.mkdtemp(prefix="brignb-"))
    atexit.register(_forget, folder, os.getpid())
    project = local_project(file)
    secrets = LocalSecrets(project)
    own = fresh_id(now_ms())
    work = folder / "work"
    work.mkdir()

    def executor(name: str) -> Executor:
        made = executing.make(executing.known(name), work, project, build_id=None, cache=folder / "cache")
        atexit.register(_close, made, os.getpid())
        return made

    copy = WorkCopy(Path.cwd(), folder / "src")
    live = live_view()
    return Session(
        build_id=own,
        build_ms=id_time_ms(own),
        project_name=project.name,
        clone_url=project.clone_url,
        namespace=project.namespace,
        policy=project.policy,
        secrets=secrets,
        executor=executor(executing.choose(project)),
        executors=executor,
        archive=FileArchive(folder / "builds"),
        redactor=secrets.redactor,
        source=lambda: str(copy.refresh()),
        project_facts=project.public,
        last_builds=lambda: last_builds(project.name),
        view=live or NoView(),
        progressed=live.grew if live else _unheard,
    )
