"""`brignb project create --kube` and `delete --kube`: the cluster instead of a server, as the caller, by kubeconfig."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from brignb.cli.output import note
from brignb.errors import BadInput

if TYPE_CHECKING:
    from brignb.cluster.connection import Connection

T = TypeVar("T")

Kube = Annotated[
    bool, typer.Option("--kube", help="As a Secret in the cluster, by your kubeconfig; a server there takes it up.")
]
Context = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        envvar="BRIGNB_KUBERNETES_CONTEXT",
        show_envvar=False,
        help="With --kube: of the kubeconfig; else the current one.",
    ),
]
Namespace = Annotated[
    str | None, typer.Option("-n", "--namespace", metavar="NAME", help="With --kube: the Secret's; else the context's.")
]


def create(text: bytes, *, name: str, replace: bool, context: str | None, namespace: str | None) -> dict[str, Any]:
    """Write the Secret of a project file; the project as the API would answer it, and `secret`, where it is.

    Raises:
        ProjectFileError: With everything that is wrong; nothing is written.
        Conflict, NotFound, Refused, Unreachable: See `cluster.projects.put`.
    """
    from brignb.cluster import projects  # noqa: PLC0415 - most commands need no cluster
    from brignb.model import projectfile  # noqa: PLC0415 - the same

    file = projectfile.read(text, name=name)

    async def put(connection: Connection) -> projects.Written:
        return await projects.put(connection, file.project, namespace or connection.place.namespace, replace=replace)

    written = _connected(context, put)
    if written.release:
        note(f"warning: it is Helm's, of release {written.release}, whose next upgrade writes it again")
    kept_in = written.place.partition("/")[0]
    return {**file.project.public(), "keptIn": kept_in, "secret": written.place, "warnings": [*file.warnings]}


def delete(project: str, *, context: str | None, namespace: str | None) -> str:
    """Delete a project's Secret; answers `NAMESPACE/NAME`.

    Raises:
        NotFound, Refused, Unreachable: See `cluster.projects.remove`.
    """
    from brignb.cluster import projects  # noqa: PLC0415 - most commands need no cluster

    return _connected(context, lambda there: projects.remove(there, project, namespace or there.place.namespace))


def check(server: str | None, *, kube: bool, namespace: str | None) -> None:
    """Options that contradict each other.

    Raises:
        BadInput: A server and a cluster at once, or a namespace for a server.
    """
    if kube and server:
        raise BadInput("a project is written to a server or to a cluster, not to both", where="--server, --kube")
    if not kube and namespace:
        raise BadInput(
            "a server knows no namespaces of Secrets", where="--namespace", hint="add --kube to write to the cluster"
        )


def _connected(context: str | None, act: Callable[[Connection], Awaitable[T]]) -> T:
    from brignb.cluster.connection import connect  # noqa: PLC0415 - most commands need no cluster

    async def acting() -> T:
        connection = await connect(context)
        try:
            return await act(connection)
        finally:
            await connection.close()

    return asyncio.run(acting())
