"""Where things are in the Kubernetes API."""

from __future__ import annotations


def path(namespace: str, kind: str, name: str = "", sub: str = "", *, group: str = "") -> str:
    """Of a namespace: `/api/v1/namespaces/<namespace>/<kind>[/<name>[/<sub>]]`.

    Args:
        namespace: Of the object.
        kind: In the plural (`pods`).
        name: Of one object; empty: all of them.
        sub: A part of it (`log`).
        group: Group and version (`coordination.k8s.io/v1`); empty: the core's.
    """
    root = f"/apis/{group}" if group else "/api/v1"
    return "/".join(part for part in (f"{root}/namespaces/{namespace}/{kind}", name, sub) if part)
