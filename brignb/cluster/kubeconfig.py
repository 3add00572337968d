"""Which cluster, and as whom: as kubectl understands `$KUBECONFIG` and contexts; where there is no kubeconfig, a pod's own account.

The `kubernetes` client reads the files, runs the programs that get credentials, and reads rotated tokens again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from yaml import YAMLError

from brignb.errors import Unreachable

if TYPE_CHECKING:
    from kubernetes.aio.client import Configuration

_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class Place:
    """Which cluster, for people, and the namespace that is meant when none is named."""

    server: str
    context: str
    namespace: str


async def load(configuration: Configuration, context: str | None) -> Place:
    """Fill in a client's configuration.

    Args:
        configuration: Address and credentials are put into it.
        context: Of the kubeconfig; None: its current one.

    Raises:
        Unreachable: There is no kubeconfig and no account, or no such context.
    """
    from kubernetes.aio import config  # noqa: PLC0415 - an extra

    files = _files(config.KUBE_CONFIG_DEFAULT_LOCATION)
    try:
        if not _any(files) and "KUBERNETES_SERVICE_HOST" in os.environ and not context:
            config.load_incluster_config(configuration)
            return Place(configuration.host, "", _account_namespace())
        named = os.pathsep.join(files)
        if not _any(files):
            raise FileNotFoundError(named)  # the client would say it once more, on stderr
        await config.load_kube_config(named, context, configuration)
        contexts, current = config.list_kube_config_contexts(named)
    except (config.ConfigException, OSError, ValueError, YAMLError) as error:
        raise _no_config(error, context, files) from error
    chosen = next((each for each in contexts if each["name"] == context), None) if context else current
    facts = chosen["context"] if chosen else {}
    return Place(configuration.host, chosen["name"] if chosen else "", facts.get("namespace") or "default")


def _files(default: str) -> list[str]:
    """Of the kubeconfig, as kubectl finds them."""
    named = os.environ.get("KUBECONFIG") or str(Path(default).expanduser())
    return [file for file in named.split(os.pathsep) if file]


def _any(files: list[str]) -> bool:
    return any(Path(file).is_file() for file in files)


def _account_namespace() -> str:
    return _ACCOUNT.read_text("utf-8").strip()


def _no_config(error: Exception, context: str | None, files: list[str]) -> Unreachable:
    if not _any(files):
        return Unreachable(
            f"there is no kubeconfig ({', '.join(files)})",
            where="$KUBECONFIG",
            hint="set KUBECONFIG to the file that kubectl uses, or take --executor process",
        )
    what = f"no usable context {context!r}" if context else "no usable current context"
    return Unreachable(
        f"{what}: {error}", where=", ".join(files), hint="kubectl config get-contexts shows which there are"
    )
