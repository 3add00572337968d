"""The words of a magic: one table says what it takes, and parsing, help and completion are read off it.

    'fire push --payload {"ref": "main"}'  ──▶ split, fill ──▶ ["fire", "push", '{"ref": "main"}'] ──▶ parse ──▶ Namespace

Words are split as a shell does, but JSON stands as it is. `{name}` and `$name` are filled from the notebook's variables, word by word,
after the splitting: a value never becomes two arguments, or an option. What must never happen: a traceback for a wrong word; each
becomes a `BadInput` that names the right one.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from IPython.utils.text import DollarFormatter

from brignb.errors import BadInput

_WORD: Final = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""")
_BEFORE_JSON: Final = re.compile(r"--[\w-]+=(?=[{\[])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One argument.

    Args:
        name: `TYPE`, or `--timeout`.
        help: Half a sentence.
        short: Of an option, the same with one dash.
        value: Of an option, what stands for its value in help; empty: it is a flag.
        kind: What completes it, of `completing`.
        needed: Of one without dashes: whether it must be there.
        many: Whether it may come several times.
        take: Its value, from the text; a `ValueError` says half a sentence on what is wrong.
    """

    name: str
    help: str
    short: str = ""
    value: str = ""
    kind: str = ""
    needed: bool = False
    many: bool = False
    take: Callable[[str], Any] = str

    @property
    def option(self) -> bool:
        """Whether it has dashes."""
        return self.name.startswith("-")

    @property
    def attribute(self) -> str:
        """Its name in what `parse` answers."""
        return self.name.strip("-").replace("-", "_").lower()

    def __str__(self) -> str:
        """As it stands in a line of usage."""
        shown = f"{self.name} {self.value}" if self.value else self.name
        shown += " …" if self.many else ""
        return shown if self.needed else f"[{shown}]"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong as one of our errors, and never exits."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(message.removeprefix("argument "), where=self.prog, hint=f"usage: {self.usage}")


def usage(name: str, words: Iterable[Word]) -> str:
    """One line."""
    return " ".join([name, *map(str, words)])


def parse(name: str, words: Sequence[Word], given: Sequence[str]) -> argparse.Namespace:
    """The values of the arguments.

    Raises:
        BadInput: One is unknown (the nearest is named), missing, or has a value that it does not take.
    """
    parser = _Parser(prog=name, usage=usage(name, words), add_help=False, allow_abbrev=False)
    for word in words:
        if not word.option:
            how: dict[str, Any] = {"nargs": None if word.needed else "?", "metavar": word.name}
            parser.add_argument(word.attribute, type=_taking(word), **how)
        elif word.value:
            how = {"action": "append", "default": []} if word.many else {}
            parser.add_argument(
                *filter(None, (word.short, word.name)),
                dest=word.attribute,
                type=_taking(word),
                metavar=word.value,
                **how,
            )
        else:
            parser.add_argument(word.name, dest=word.attribute, action="store_true")
    found, rest = parser.parse_known_args(list(given))
    if rest:
        _refuse(name, words, rest[0])
    return found


def nearest(word: str, known: Iterable[str]) -> str:
    """The one that was meant, as a question; empty when none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else ""


def split(line: str) -> list[str]:
    """The words of a line; JSON that begins one is a word as it stands.

    Raises:
        BadInput: A quote is not closed.
    """
    words, at, decoder = list[str](), 0, json.JSONDecoder()
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        begin = at + len(found[0]) if (found := _BEFORE_JSON.match(line, at)) else at
        end = _json_end(line, begin, decoder) if line[begin : begin + 1] in {"{", "["} else begin
        if end > begin:
            words.append(line[at:end])
            at = end
            continue
        found = _WORD.match(line, at)
        if found is None:
            raise BadInput("a quote is not closed", where=line[at : at + 40], hint="close it, or write \\ before it")
        words += shlex.split(found[0])
        at = found.end()
    return words


def fill(word: str, variables: Mapping[str, Any]) -> str:
    """A word with `{name}` and `$name` replaced by the notebook's values, as in IPython's own magics; `{{` is a brace.

    Raises:
        BadInput: A variable is not there.
    """
    begin = len(found[0]) if (found := _BEFORE_JSON.match(word)) else 0
    if word[begin : begin + 1] in {"{", "["} and _json_end(word, begin, json.JSONDecoder()) == len(word):
        return word
    try:
        return DollarFormatter().vformat(word, (), dict(variables))
    except Exception as error:  # any expression may stand there, and raise anything
        hint = "JSON that is right is taken as it stands; for braces write {{ and }}"
        raise BadInput(f"cannot be filled: {error}", where=word[:80], hint=hint) from error


def _json_end(line: str, at: int, decoder: json.JSONDecoder) -> int:
    """Where the JSON that begins here ends, if it does so at a word's end; else `at`."""
    try:
        _, end = decoder.raw_decode(line, at)
    except (ValueError, RecursionError):
        return at
    return end if end == len(line) or line[end].isspace() else at


def _taking(word: Word) -> Callable[[str], Any]:
    def take(text: str) -> Any:
        try:
            return word.take(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return take


def _refuse(name: str, words: Sequence[Word], stranger: str) -> NoReturn:
    stranger = stranger.partition("=")[0] if stranger.startswith("-") else stranger
    options = [word.name for word in words if word.option]
    near = nearest(stranger, options) if stranger.startswith("-") else ""
    message = f"knows no {stranger}" if stranger.startswith("-") else f"takes nothing more: {stranger!r:.80}"
    raise BadInput(message, where=name, hint=near or f"usage: {usage(name, words)}")
