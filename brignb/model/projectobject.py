"""A project as a Kubernetes object: Brigade v1's Secret, read and written.

    Secret ──read──▶ keys and texts ──▶ projectfile ──▶ Project, warnings
    Project ──written──▶ Secret

Its shape is v1's (`brigade-project` chart, `brig project create`): named by the project's id, of type `brigade.sh/project`, the name in
the annotation `projectName`, every key flat (`github.token`), every value a text: lists by commas, `secrets` as JSON, the newlines of
`sshKey` as `$`. Our own keys stand beside v1's under the project file's names. What is read and written again is the same project.

What must never happen: a Secret that says it is another one's project; a secret's value in a message.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from brignb.errors import BadInput
from brignb.model.findings import Findings
from brignb.model.names import project_id, project_name
from brignb.model.projectfile import KEYS, ProjectFile, of_tree
from brignb.model.projects import Project
from brignb.model.yamltree import Entries, Entry, Items, Node, Scalar, name_or_place

TYPE: Final = "brigade.sh/project"
LABELS: Final = {"app": "brigade", "heritage": "brigade", "component": "project"}
NAME: Final = "projectName"
"""The annotation with the project's name."""

_DEFAULTS: Final = Project(name="")


def read(secret: Mapping[str, Any]) -> ProjectFile:
    """The project of a Secret, as the API server tells of it.

    A Secret without `namespace` means its own, as in v1.

    Raises:
        ProjectFileError: With everything that is wrong.
    """
    metadata = secret["metadata"]
    findings = Findings(f"Secret {metadata['namespace']}/{metadata['name']}")
    name = (metadata.get("annotations") or {}).get(NAME)
    _check_name(name, metadata["name"], findings)
    data = {"namespace": "", **(secret.get("data") or {})}
    entries = [Entry("project", _text(str(name)), 0)]
    for key, value in data.items():
        if key == "project":
            findings.warning(0, f"`project` is left out: the annotation `{NAME}` says it")
        else:
            entries.append(Entry(key, _node(key, value, findings), 0))
    return of_tree(Entries(tuple(_placed(entries, metadata["namespace"])), 0), findings)


def _check_name(name: object, secret: str, findings: Findings) -> None:
    try:
        wanted = project_id(project_name(name))
    except BadInput as error:
        findings.error(0, f"the annotation `{NAME}` does not name a project", error.hint)
        findings.refuse()
    else:
        if wanted != secret:
            findings.error(
                0,
                f"it claims to be project {name}, whose Secret is named {wanted}",
                "a Secret's name is its project's id",
            )


def _placed(entries: list[Entry], namespace: str) -> Iterator[Entry]:
    for entry in entries:
        empty = entry.key == "namespace" and entry.value == _text("")
        yield Entry("namespace", _text(namespace), 0) if empty else entry


def _node(key: str, value: str | None, findings: Findings) -> Node:
    try:
        text = base64.b64decode(value or "").decode()
    except ValueError:
        findings.error(0, f"{name_or_place(key)} is not UTF-8 text")
        return _text("")
    return _parsed(text, findings) if key == "secrets" and text.strip() else _text(text)


def _text(text: str) -> Scalar:
    return Scalar(text, "any", 0)


def _parsed(text: str, findings: Findings) -> Node:
    """JSON as a tree; YAML's reader would do, but JSON takes signs that YAML does not."""
    try:
        return _tree(
            json.loads(
                text,
                object_pairs_hook=lambda pairs: Entries(tuple(Entry(name, _tree(v), 0) for name, v in pairs), 0),
                parse_int=lambda number: Scalar(number, "int", 0),
                parse_float=lambda number: Scalar(number, "float", 0),
                parse_constant=_refused,
            )
        )
    except (ValueError, RecursionError):
        findings.error(0, "`secrets` is not JSON", 'an object of names and texts: {"NAME": "value"}')
        return _text("")


def _tree(value: Any) -> Node:
    if isinstance(value, Scalar | Entries):
        return value
    if isinstance(value, list):
        return Items(tuple(map(_tree, value)), 0)
    if isinstance(value, bool):
        return Scalar(str(value).lower(), "bool", 0)
    if value is None:
        return Scalar("", "null", 0)
    value.encode()  # a lone surrogate is a ValueError: no text that a file or an environment can hold
    return Scalar(value, "str", 0)


def _refused(_word: str) -> NoReturn:
    raise ValueError


def written(project: Project, namespace: str) -> dict[str, Any]:
    """The Secret of a project, for a namespace. What is as by default is left out, but for the namespace, whose default differs."""
    texts = {key: _said(key, project) for key in KEYS if key != "project"}
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items() if text}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": TYPE,
        "metadata": {
            "name": project.id,
            "namespace": namespace,
            "labels": {**LABELS, "app.kubernetes.io/managed-by": "brignb"},
            "annotations": {NAME: project.name},
        },
        "data": data,
    }


def _said(key: str, project: Project) -> str:
    field = KEYS[key].field
    value = _field(project, field) if field else project.v1.get(key)
    if field and key != "namespace" and value == _field(_DEFAULTS, field):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    text = "" if value is None else str(value)
    return text.replace("\n", "$") if key == "sshKey" else text


def _field(project: Project, field: str) -> Any:
    value: Any = project
    for part in field.split("."):
        value = getattr(value, part)
    return value
