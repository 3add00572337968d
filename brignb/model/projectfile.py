"""Project files: YAML, with Brigade v1's keys and ours.

    text ──▶ yamltree ──▶ flat keys ──▶ projectvalues, projectsecrets ──▶ Project, warnings

Every key of Brigade v1's project chart is taken with v1's meaning, nested (`github: {token: …}`) or flat as in v1's Kubernetes
Secret (`github.token: …`). Names are the contract's ("Project file"). All that is wrong comes out as one error with its lines; a
key that nobody knows is a warning with the nearest one that is known. What must never happen: a secret's value in a message.

Where we differ from v1 on purpose: `allowPrivilegedJobs: false` without quotes means false (v1's chart took it for true), and a
flag that is neither `true` nor `false` is an error (v1 took it for false).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from brignb.model import projectlimits as limit
from brignb.model import projectsecrets as secret
from brignb.model import projectvalues as read_as
from brignb.model.findings import Findings
from brignb.model.projects import PARTS, Project
from brignb.model.projectvalues import Place, Reader
from brignb.model.yamltree import Entries, Entry, Node, YamlFault, load, name_or_place

SIZE_MAX: Final = 256 * 1024
"""Bytes of a project file."""


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """What a project file says.

    Args:
        project: With its secrets in clear text.
        warnings: One line each, without secrets.
    """

    project: Project
    warnings: tuple[str, ...] = ()


class _Key(NamedTuple):
    reader: Reader
    field: str = ""  # of Project, or after a dot of one of its PARTS; empty: kept in Project.v1
    unused: str = ""  # what to say of a key that has no meaning here; its value is dropped


_SCRIPT = "is not used: brignb runs notebooks, not brigade.js; write a notebook, and name it by `notebook:` or `defaultNotebook:`"
_MI: Final = 1024 * 1024
_YARN = "is not used: brignb's worker is not a Node program"

KEYS: Final[dict[str, _Key]] = {
    "project": _Key(read_as.name, "name"),
    "repository": _Key(read_as.text, "repository"),
    "cloneURL": _Key(read_as.clone_url, "clone_url"),
    "namespace": _Key(read_as.namespace, "namespace"),
    "sharedSecret": _Key(secret.signing, "shared_secret"),
    "registrySecret": _Key(secret.plain, "registry_secret"),
    "genericGatewaySecret": _Key(secret.plain, "generic_gateway_secret"),
    "github.token": _Key(secret.plain, "github_token"),
    "sshKey": _Key(secret.ssh_key, "ssh_key"),
    "sshCert": _Key(secret.ssh_cert, "ssh_cert"),
    "secrets": _Key(secret.secrets, "secrets"),
    "notebook": _Key(read_as.path, "notebook"),
    "defaultNotebook": _Key(read_as.notebook, "default_notebook"),
    "executor": _Key(read_as.one_of(*read_as.EXECUTORS), "executor"),
    "tier": _Key(read_as.one_of(*read_as.TIERS), "tier"),
    "preload": _Key(limit.modules, "preload"),
    "limits.memory": _Key(limit.size(64 * _MI, 1024 * 1024 * _MI), "limits.memory"),
    "limits.processes": _Key(limit.size(16, 65_536), "limits.processes"),
    "outputLimits.cellBytes": _Key(limit.size(1024, 256 * _MI), "output_limits.cell_bytes"),
    "outputLimits.cellDisplays": _Key(limit.size(1, 100_000), "output_limits.cell_displays"),
    "outputLimits.runBytes": _Key(limit.size(1024, 1024 * _MI), "output_limits.run_bytes"),
    "timeout": _Key(read_as.count(1), "timeout"),
    "retries": _Key(read_as.count(0), "retries"),
    "warmWorkers": _Key(limit.workers, "warm_workers"),
    "initGitSubmodules": _Key(read_as.flag, "init_submodules"),
    "imagePullSecrets": _Key(read_as.names, "image_pull_secrets"),
    "serviceAccount": _Key(read_as.text, "service_account"),
    "allowPrivilegedJobs": _Key(read_as.flag, "policy.allow_privileged_jobs"),
    "allowHostMounts": _Key(read_as.flag, "policy.allow_host_mounts"),
    "allowServiceAccounts": _Key(read_as.names, "policy.allow_service_accounts"),
    "kubernetes.allowSecretKeyRef": _Key(read_as.flag, "policy.allow_secret_key_ref"),
    "kubernetes.cacheStorageClass": _Key(read_as.text),
    "kubernetes.buildStorageClass": _Key(read_as.text),
    "buildStorageSize": _Key(read_as.loose),
    "github.baseURL": _Key(read_as.text),
    "github.uploadURL": _Key(read_as.text),
    "vcsSidecar": _Key(read_as.text),
    "vcsSidecarResources.limits.cpu": _Key(read_as.loose),
    "vcsSidecarResources.limits.memory": _Key(read_as.loose),
    "vcsSidecarResources.requests.cpu": _Key(read_as.loose),
    "vcsSidecarResources.requests.memory": _Key(read_as.loose),
    "worker.registry": _Key(read_as.text),
    "worker.name": _Key(read_as.text),
    "worker.tag": _Key(read_as.loose),
    "worker.pullPolicy": _Key(read_as.text),
    "workerCommand": _Key(read_as.text, unused=_YARN),
    "defaultScript": _Key(read_as.text, unused=_SCRIPT),
    "defaultScriptName": _Key(read_as.text, unused=_SCRIPT),
    "brigadejsPath": _Key(read_as.text, unused=_SCRIPT),
    "defaultConfig": _Key(read_as.text, unused=_YARN),
    "defaultConfigName": _Key(read_as.text, unused=_YARN),
    "brigadeConfigPath": _Key(read_as.text, unused=_YARN),
}

_GROUPS: Final = frozenset(key[:at] for key in KEYS for at, letter in enumerate(key) if letter == ".")


def read(content: str | bytes, *, name: str = "project.yaml", runnable: bool = True) -> ProjectFile:
    """Read a project file.

    Args:
        content: YAML or JSON, UTF-8.
        name: Of the file, for messages.
        runnable: Whether it must say what to run: `cloneURL` or `defaultNotebook`. `brignb run` has its notebook at hand.

    Raises:
        ProjectFileError: With everything that is wrong, each with its line.
    """
    findings = Findings(name)
    return of_tree(_root(content, findings), findings, runnable=runnable)


def of_tree(root: Entries, findings: Findings, *, runnable: bool = True) -> ProjectFile:
    """The project that a mapping of keys to values describes, wherever it stood.

    Args:
        root: Nested or flat.
        findings: Of what was read.
        runnable: See `read`.

    Raises:
        ProjectFileError: With everything that is wrong.
    """
    found = _flat(root, findings)
    values, v1 = _values(found, findings)
    if "project" not in found:
        findings.error(0, "`project` is missing", "its name, as owner/repo")
    if v1.get("vcsSidecar") == "NONE" and found.pop("cloneURL", None):
        findings.warning(
            found["vcsSidecar"].line, "`vcsSidecar` is NONE: as in Brigade v1 the repository is not fetched"
        )
        values.pop("clone_url", None)
    if runnable and not ({"cloneURL", "defaultNotebook"} & found.keys()):
        findings.error(0, "there is nothing to run", "give the project a `cloneURL` or a `defaultNotebook`")
    findings.refuse()
    parts: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    for field in tuple(values):
        part, _, inner = field.partition(".")
        if inner:
            parts[part][inner] = values.pop(field)
    made = {part: PARTS[part](**inner) for part, inner in parts.items()}
    return ProjectFile(Project(**values, **made, v1=v1), findings.warnings)


def _root(content: str | bytes, findings: Findings) -> Entries:
    root: Node | None = None
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(raw) > SIZE_MAX:
        findings.error(0, f"a project file has at most {SIZE_MAX // 1024} KiB, this one has {len(raw) // 1024}")
    else:
        try:
            root = load(raw.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            findings.error(raw.count(b"\n", 0, error.start) + 1, "this is not UTF-8 text")
        except YamlFault as fault:
            findings.error(fault.line, fault.message, fault.hint)
        else:
            if not isinstance(root, Entries):
                findings.error(
                    root.line, "a project file is a mapping of keys to values", "such as `project: owner/repo`"
                )
    findings.refuse()
    assert isinstance(root, Entries)  # noqa: S101  # all else was refused in the line before
    return root


def _flat(root: Entries, findings: Findings, prefix: str = "") -> dict[str, Entry]:
    """Known keys by their dotted names, without those that are as good as absent."""
    found: dict[str, Entry] = {}

    def take(key: str, entry: Entry) -> None:
        if key in found:
            findings.error(entry.line, f"`{key}` stands there twice, first in line {found[key].line}")
        found.setdefault(key, entry)

    for entry in root.entries:
        key = prefix + entry.key
        if key in KEYS:
            take(key, entry)
        elif key not in _GROUPS:
            findings.warning(entry.line, f"{name_or_place(key)} is not known and is left out{_nearest(key)}")
        elif isinstance(entry.value, Entries):
            for inner, value in _flat(entry.value, findings, f"{key}.").items():
                take(inner, value)
        elif not read_as.absent(entry.value):
            Place(key, entry.line, findings).wrong("wants a mapping")
    if prefix:
        return found
    return {key: entry for key, entry in found.items() if not read_as.absent(entry.value)}


def _nearest(key: str) -> str:
    lower = {known.lower(): known for known in KEYS}
    near = difflib.get_close_matches(key.lower(), lower, 1, 0.7)
    return f"; did you mean `{lower[near[0]]}`?" if near else ""


def _values(found: dict[str, Entry], findings: Findings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of Project by name, and what is kept of Brigade v1's other keys."""
    values: dict[str, Any] = {}
    v1: dict[str, Any] = {}
    for key, entry in found.items():
        reader, field, unused = KEYS[key]
        place = Place(key, entry.line, findings)
        value = reader(entry.value, place)
        if unused:
            place.odd(unused)
        elif value is not None:
            (values if field else v1)[field or key] = value
    return values, v1
