"""YAML as a small tree that knows its lines.

What enters: text. What leaves: `Scalar`, `Items` and `Entries`, each with the line it stands on, so that whoever reads them can say
where something is wrong. JSON is YAML and is taken too.

What must never happen: an object that YAML's tags would make, an alias (a few lines of them unfold to gigabytes), a tree so deep
that walking it ends the stack, or a message that quotes the text, which may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

DEPTH_MAX: Final = 16
"""Levels of a tree."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = yaml.resolver.Resolver()
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_ESCAPE = re.compile(r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, number, flag or null, as it was written.

    Args:
        text: Without its quotes.
        kind: `str`, `int`, `float`, `bool` or `null`, as YAML 1.1 tells them apart; `any` where a format has nothing but texts.
        line: From 1; 0 where there are none.
    """

    text: str
    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value; the line is the key's."""

    key: str
    value: Node
    line: int


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping, in the order it was written; keys may repeat, which is its reader's to refuse."""

    entries: tuple[Entry, ...]
    line: int


Node = Scalar | Items | Entries


class YamlFault(Exception):
    """Text that is no YAML, or YAML that is not taken.

    Args:
        line: From 1.
        message: What is wrong; it quotes nothing.
        hint: What to do; may be empty.
    """

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.hint = hint


def name_or_place(text: str) -> str:
    """A key as it may be shown: in malformed YAML a secret can stand where a name should."""
    return f"`{text}`" if _NAME.match(text) else "a key that is no name"


def load(text: str) -> Node:
    """The one document in a text; an empty one is a null.

    Raises:
        YamlFault: It is not YAML, holds more than one document, an alias, an anchor or a tag, or is nested too deeply.
    """
    try:
        return _document(_events(_joined(text) if text.lstrip().startswith("{") else text))
    except yaml.reader.ReaderError as error:
        raise YamlFault(text.count("\n", 0, error.position) + 1, "a character that YAML does not allow") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = _QUOTED.sub(_harmless, error.problem or "it cannot be read")
        hint = "indent with spaces" if "\\t" in what else ""
        raise YamlFault(mark.line + 1 if mark else 1, f"this is not YAML: {what}", hint) from None


def _joined(text: str) -> str:
    """JSON's surrogate pairs as the one character they stand for; YAML has no such thing."""

    def one(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0]
        return (bytes.fromhex(found[1]) + bytes.fromhex(found[2])).decode("utf-16-be")

    return _ESCAPE.sub(one, text)


def _harmless(quoted: re.Match[str]) -> str:
    """What a message of the parser quotes, if it is a sign or one of its own words, and not the file's."""
    inner = quoted[0][1:-1]
    return quoted[0] if len(inner) < 2 or inner == "\\t" or re.fullmatch(r"<[\w ]+>", inner) else "…"  # noqa: PLR2004


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _events(text: str) -> Iterator[yaml.Event]:
    for event in yaml.parse(text, Loader=_LOADER):
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            raise YamlFault(
                line, "YAML aliases are not taken", "write the value out, or put text that begins with * in quotes"
            )
        if getattr(event, "anchor", None):
            raise YamlFault(line, "YAML anchors are not taken", "put text that begins with & in quotes")
        if getattr(event, "tag", None):
            raise YamlFault(line, "YAML tags are not taken", "put text that begins with ! in quotes")
        yield event


def _document(events: Iterator[yaml.Event]) -> Node:
    root: Node | None = None
    for event in events:
        if not isinstance(event, yaml.NodeEvent | yaml.CollectionStartEvent):
            continue
        if root is not None:
            raise YamlFault(_line(event), "a second YAML document", "keep one to a file")
        root = _node(event, events, 1)
    return root or Scalar("", "null", 1)


def _node(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
    line = _line(event)
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(event.value, _kind(event), line)
    if depth > DEPTH_MAX:
        raise YamlFault(line, f"this is nested more than {DEPTH_MAX} levels deep")
    children = []
    for child in events:
        if isinstance(child, yaml.CollectionEndEvent):
            break
        children.append(_node(child, events, depth + 1))
    if isinstance(event, yaml.SequenceStartEvent):
        return Items(tuple(children), line)
    pairs = zip(children[::2], children[1::2], strict=True)
    return Entries(tuple(_entry(key, value) for key, value in pairs), line)


def _entry(key: Node, value: Node) -> Entry:
    if not isinstance(key, Scalar):
        raise YamlFault(key.line, "a list or mapping as a key", "a value with { or [ in it wants quotes")
    return Entry(key.text, value, key.line)


def _kind(event: yaml.ScalarEvent) -> str:
    tag = _RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]  # PyYAML's stubs
    kind = str(tag).rpartition(":")[2]
    return kind if kind in {"int", "float", "bool", "null"} else "str"
