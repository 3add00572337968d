"""How a project file's secrets are read. Their values never reach a message."""

from __future__ import annotations

from typing import Final

from brignb.model.projectvalues import Place, absent, kind, loose, text
from brignb.model.redaction import SHORTEST
from brignb.model.yamltree import Entries, Node, name_or_place

SIGNING_SECRET: Final = 16
"""Bytes; a shorter secret that signs webhooks can be guessed."""


def plain(node: Node, place: Place) -> str | None:
    """A secret text. One that is too short to be redacted is warned about."""
    value = loose(node, place)
    if value is not None and len(value) < SHORTEST:
        place.odd(f"is shorter than {SHORTEST} characters: it cannot be kept out of logs and records")
    return value


def signing(node: Node, place: Place) -> str | None:
    """A secret that signs webhooks."""
    value = plain(node, place)
    if value is not None and len(value) >= SHORTEST and len(value.encode("utf-8", "surrogatepass")) < SIGNING_SECRET:
        place.odd(f"is shorter than {SIGNING_SECRET} bytes and can be guessed")
    return value


def ssh_key(node: Node, place: Place) -> str | None:
    """A private key in PEM; Brigade v1 stores its newlines as `$`."""
    value = text(node, place)
    if value is None:
        return None
    pem = value.replace("\r\n", "\n").replace("$", "\n").strip() + "\n"
    if pem.startswith("-----BEGIN ") and "PRIVATE KEY-----\n" in pem:
        return pem
    place.wrong("is not a private key", "the file that `ssh-keygen` made without .pub, from -----BEGIN on")
    return None


def ssh_cert(node: Node, place: Place) -> str | None:
    """The certificate of the ssh key, one line of OpenSSH's form (Brigade v1's `sshCert`)."""
    value = text(node, place)
    if value is None or "-cert-v01@openssh.com " in value:
        return value and value.strip() + "\n"
    place.wrong("is not an OpenSSH certificate", "the line in the file -cert.pub")
    return None


def secrets(node: Node, place: Place) -> dict[str, str] | None:
    """Secrets by name. A null is an empty text, as Brigade v1 takes it."""
    if not isinstance(node, Entries):
        place.wrong(f"wants a mapping of names to texts and is {kind(node)}")
        return None
    found: dict[str, str] = {}
    for entry in node.entries:
        shown = name_or_place(entry.key).strip("`")
        here = Place(f"{place.key}: {shown}", entry.line, place.findings)
        if entry.key in found:
            here.wrong("stands there twice")
        if absent(entry.value):
            here.odd("is empty")
            found[entry.key] = ""
        else:
            found[entry.key] = plain(entry.value, here) or ""
    return found
