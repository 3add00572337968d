"""Completion: commands, options, and the things they speak of, read off the same table as parsing.

    the line up to the cursor ──▶ which word is it? ──▶ its kind ──▶ candidates

What a server knows is asked in a thread and waited for a quarter of a second. What must never happen: an exception, which IPython would
print into the author's line; a line that hangs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from IPython.core.interactiveshell import InteractiveShell

from brignb.errors import BrignbError
from brignb.magics import jobcell
from brignb.magics.asking import PATIENCE, Answers, connected
from brignb.magics.commands import COMMANDS
from brignb.magics.words import Word
from brignb.model.builds import State
from brignb.model.eventtypes import GITHUB, OTHERS
from brignb.script.registry import events

_COUNT: Final = 50
"""Of the newest events and builds, whose ids are offered."""
_FILES_MAX: Final = 500

answers = Answers()


def completer(shell: InteractiveShell) -> Callable[[Any, SimpleNamespace], list[str]]:
    """The hook that IPython calls with the line; the shell's variables are what some words speak of."""

    def complete(_shell: Any, about: SimpleNamespace) -> list[str]:
        line = about.text_until_cursor.rpartition("\n")[2]
        word = "" if line[-1:].isspace() else line.split()[-1]
        head = word[: len(word) - len(about.symbol)]
        whole = candidates(line, shell.user_ns)
        return [each[len(head) :] for each in whole if each.startswith(head)]

    return complete


def candidates(line: str, variables: dict[str, Any]) -> list[str]:
    """What may stand where the line ends; whole words, of which the last one's letters are the beginning."""
    words = line.split()
    last = "" if line[-1:].isspace() else words.pop()
    taken = _words_of(words)
    if taken is None:
        return _fit([*COMMANDS], last) if words[:1] == ["%brig"] else []
    table, given = taken
    name, equals, begun = last.partition("=")
    if equals and (word := _option(table, name)):
        return [f"{name}={each}" for each in _fit(_of_kind(word.kind, begun, variables), begun)]
    if given and (word := _option(table, given[-1])) and word.value:
        return _fit(_of_kind(word.kind, last, variables), last)
    if last.startswith("-"):
        used = {each.name for each in table if not each.many and each.name in given}
        return _fit([each.name for each in table if each.option and each.name not in used], last)
    place = _place(table, given)
    return _fit(_of_kind(place.kind, last, variables), last) if place else []


def _words_of(words: Sequence[str]) -> tuple[Sequence[Word], Sequence[str]] | None:
    """The table for what comes next, and the words that it has been given; None: there is none yet."""
    if words[:1] == [jobcell.NAME]:
        return jobcell.WORDS, words[1:]
    if words[:1] == ["%brig"] and words[1:] and words[1] in COMMANDS:
        return COMMANDS[words[1]].words, words[2:]
    return None


def _option(table: Sequence[Word], name: str) -> Word | None:
    return next((each for each in table if each.option and name in {each.name, each.short}), None)


def _place(table: Sequence[Word], given: Sequence[str]) -> Word | None:
    """Which of the words without dashes comes next."""
    count, value = 0, False
    for each in given:
        if value:
            value = False
        elif each.startswith("-"):
            word = _option(table, each)
            value = word is not None and bool(word.value)
        else:
            count += 1
    places = [each for each in table if not each.option]
    return places[count] if count < len(places) else None


def _fit(found: Iterable[str], begun: str) -> list[str]:
    return sorted({each for each in found if each.startswith(begun)})


def _of_kind(kind: str, begun: str, variables: dict[str, Any]) -> list[str]:
    """Everything of a kind."""
    local: dict[str, Callable[[], list[str]]] = {
        "type": known_types,
        "command": lambda: [*COMMANDS, "%%job", "%%scratch"],
        "state": lambda: list(map(str, State)),
        "job": lambda: list(jobcell.jobs_of(variables)),
        "variable": lambda: _plain(variables),
        "secret": _secrets,
        "payload": lambda: [*_files(begun, ".json"), *_plain(variables)] if begun else _files(begun, ".json"),
        "notebook": lambda: _files(begun, ".ipynb"),
    }
    if kind in local:
        return local[kind]()
    return answers.get(kind, _ASKED[kind]) if kind in _ASKED else []


def known_types() -> list[str]:
    """Those that handlers here answer, and those that gateways give."""
    given = {f"{name}:{action}" for name, actions in GITHUB.items() for action in actions} | GITHUB.keys() | OTHERS
    return sorted((given | {kind for each in events.handlers for kind in each.types}) - {"*"})


def _plain(variables: dict[str, Any]) -> list[str]:
    return [name for name in variables if name[0] != "_" and name not in {"In", "Out", "exit", "quit", "get_ipython"}]


def _secrets() -> list[str]:
    """Names only; a broken project file is told of when something is run."""
    from brignb.script.session import current  # noqa: PLC0415 - it makes the session

    try:
        return list(current().secrets)
    except BrignbError:
        return []


def _files(begun: str, suffix: str) -> list[str]:
    """Files of a kind, and folders, below what has been typed."""
    folder, slash, _ = begun.rpartition("/")
    try:
        inside = sorted(Path(folder or ("/" if slash else ".")).expanduser().iterdir())[:_FILES_MAX]
        return [
            f"{folder}{slash}{each.name}{'/' if each.is_dir() else ''}"
            for each in inside
            if not each.name.startswith(".") and (each.is_dir() or each.suffix == suffix)
        ]
    except OSError:
        return []


def _build_ids() -> list[str]:
    with connected(seconds=4 * PATIENCE) as client:
        return [each["id"] for each in client.builds(limit=_COUNT)["items"]]


def _event_ids() -> list[str]:
    with connected(seconds=4 * PATIENCE) as client:
        return [each["id"] for each in client.events(limit=_COUNT)["items"]]


def _projects() -> list[str]:
    with connected(seconds=4 * PATIENCE) as client:
        return [each["project"] for each in client.projects()["items"]]


_ASKED: Final = {"build": _build_ids, "event": _event_ids, "project": _projects}
