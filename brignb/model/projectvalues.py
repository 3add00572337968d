"""How each kind of value in a project file is read.

Each reader takes a node and answers the value, or None after it has said what is wrong. A null or an empty text is as good as
absent, as in Brigade v1. No message holds a value of a field that may be secret, nor a clone URL, which people put tokens in.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from brignb.errors import BadInput
from brignb.model.findings import Findings
from brignb.model.names import project_name
from brignb.model.yamltree import Entries, Items, Node, Scalar

EXECUTORS: Final = ("process", "podman", "kubernetes")
TIERS: Final = ("auto", "fork", "kernel", "cold")
PATH_MAX: Final = 1024
TOKEN_LIKE: Final = 20
"""Characters; a longer user name in an http URL is taken for a token."""

_KINDS: Final = {
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "str": "text",
    "any": "text",
}
TEXTS: Final = frozenset({"str", "any"})
"""Kinds of scalars that are a text as they stand."""
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_COUNT = re.compile(r"[0-9]{1,9}\Z")
_HELPER = re.compile(r"[A-Za-z0-9.+-]*::")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Place(NamedTuple):
    """A key, with where to say what is wrong with its value."""

    key: str
    line: int
    findings: Findings

    def wrong(self, message: str, hint: str = "") -> None:
        """Say that the value cannot be taken."""
        self.findings.error(self.line, f"`{self.key}` {message}", hint)

    def odd(self, message: str) -> None:
        """Say that the value is taken, but."""
        self.findings.warning(self.line, f"`{self.key}` {message}")


Reader = Callable[[Node, Place], Any]


def kind(node: Node) -> str:
    """What a value is, for people."""
    if isinstance(node, Scalar):
        return _KINDS[node.kind]
    return "a list" if isinstance(node, Items) else "a mapping"


def absent(node: Node) -> bool:
    """Whether a value is as good as not there."""
    return isinstance(node, Scalar) and (node.kind == "null" or not node.text)


def text(node: Node, place: Place) -> str | None:
    """A text; a number or flag wants quotes."""
    if isinstance(node, Scalar) and node.kind in TEXTS:
        return node.text
    place.wrong(f"wants text and is {kind(node)}", "put it in quotes" if isinstance(node, Scalar) else "")
    return None


def loose(node: Node, place: Place) -> str | None:
    """A text; a number or flag is taken as it is written, with a warning."""
    if not isinstance(node, Scalar):
        return text(node, place)
    if node.kind in {"int", "float", "bool"}:
        place.odd(f"is {kind(node)} and is taken as the text that is written there; put it in quotes")
    return node.text


def flag(node: Node, place: Place) -> bool | None:
    """`true` or `false`, quoted or not (Brigade v1's chart quotes them)."""
    if isinstance(node, Scalar):
        word = node.text.lower()
        if word in {"true", "false"}:
            return word == "true"
        if node.kind == "bool":  # YAML 1.1's yes, no, on, off
            return word in {"yes", "on"}
    place.wrong("wants true or false")
    return None


def count(least: int) -> Reader:
    """A whole number, `least` or more, of at most nine digits."""

    def reader(node: Node, place: Place) -> int | None:
        whole = isinstance(node, Scalar) and node.kind in {"int", "any"} and _COUNT.match(node.text)
        if whole and int(whole[0]) >= least:
            return int(whole[0])
        place.wrong(f"wants a whole number from {least} to 999999999")
        return None

    return reader


def one_of(*words: str) -> Reader:
    """One of some words."""

    def reader(node: Node, place: Place) -> str | None:
        word = text(node, place)
        if word is None or word in words:
            return word
        near = difflib.get_close_matches(word, words, 1)
        place.wrong(f"is none of {', '.join(words)}", f"did you mean {near[0]}?" if near else "")
        return None

    return reader


def name(node: Node, place: Place) -> str | None:
    """A project's name."""
    word = text(node, place)
    try:
        return word and project_name(word)
    except BadInput as error:
        place.wrong("is not a project's name", error.hint)
        return None


def namespace(node: Node, place: Place) -> str | None:
    """A Kubernetes namespace: a DNS label (RFC 1123)."""
    word = text(node, place)
    if word is None or _NAMESPACE.match(word):
        return word
    place.wrong("is not a Kubernetes namespace", "a-z, 0-9 and -, at most 63 characters")
    return None


def names(node: Node, place: Place) -> tuple[str, ...] | None:
    """A list of names; Brigade v1 writes it as one text with commas."""
    if isinstance(node, Scalar) and node.kind in TEXTS:
        return tuple(part.strip() for part in node.text.split(",") if part.strip())
    if isinstance(node, Items) and all(isinstance(item, Scalar) and item.kind == "str" for item in node.items):
        return tuple(item.text for item in node.items if isinstance(item, Scalar))
    place.wrong("wants a list of names, or one text with commas")
    return None


def path(node: Node, place: Place) -> str | None:
    """A path below the repository's top."""
    word = text(node, place)
    if word is None:
        return None
    parts = PurePosixPath(word).parts
    if word.startswith("/") or ".." in parts or not parts or _CONTROL.search(word) or len(word) > PATH_MAX:
        place.wrong("wants a path in the repository", "without a leading / and without ..")
        return None
    return "/".join(parts)


def notebook(node: Node, place: Place) -> str | None:
    """A notebook's text. Whether it can run is checked when it is exported."""
    if isinstance(node, Entries):
        place.wrong("wants the notebook's text and is a mapping", "indent it under `defaultNotebook: |`")
        return None
    word = text(node, place)
    try:
        if word is None or isinstance(json.loads(word).get("cells"), list):
            return word
    except (ValueError, AttributeError, RecursionError):
        pass  # said below, with the notebook that is JSON but no notebook
    place.wrong("is not a notebook", "a notebook is a JSON object with `cells`")
    return None


def clone_url(node: Node, place: Place) -> str | None:
    """Any URL that git takes, but none that runs a program, and none with a secret in it."""
    url = text(node, place)
    if url is None:
        return None
    if fault := _clone_fault(url):
        place.wrong(*fault)
        return None
    return url


def _clone_fault(url: str) -> tuple[str, str] | None:
    if url.startswith("-") or _CONTROL.search(url):
        return "is not a URL that git takes", ""
    if _HELPER.match(url):
        return "names a transport that runs programs", "use https, ssh, git or file"
    if "://" not in url:
        local = url.startswith("/") or ":" in url.partition("/")[0]  # an absolute path, or host:path
        return (
            None
            if local
            else ("is a relative path", "write it whole, as /srv/git/demo.git or file:///srv/git/demo.git")
        )
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return "is not a URL that git takes", ""
    web = parts.scheme in {"http", "https"}
    if parts.password or (web and len(parts.username or "") >= TOKEN_LIKE):
        return "holds a password or token", "put it under `github: {token: …}`, and the URL without it here"
    return None
