"""Words that are told within a process and between those on one database: who is called when one falls.

    pending      a build waits             told by the store, with the commit
    projects     they have changed         told by the store, with the commit; here once it is known
    cancel ID    a build is to end         said here
    build ID     something about a build   said here (`store.news`)
    ended ID     nothing more about it     said here (`store.news`)
    all          anything may have been missed: the database was away

What must never happen: somebody who is not called since another one, in another process, did it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable


class Words:
    """See the module; all of it on one event loop."""

    def __init__(self) -> None:
        self._calls: defaultdict[str, list[Callable[[str], object]]] = defaultdict(list)
        self._tell: Callable[[str, str], None] = lambda _word, _about: None

    def reach(self, tell: Callable[[str, str], None]) -> None:
        """From now on there are other processes, which `tell` tells a word and what it is about."""
        self._tell = tell

    def on(self, word: str, call: Callable[[str], object]) -> None:
        """Whenever a word falls `call` is called with what it is about; with nothing, after all may have been missed."""
        self._calls[word].append(call)

    def here(self, word: str, about: str = "") -> None:
        """In this process; the others hear it from elsewhere, or need not."""
        for call in self._calls[word]:
            call(about)

    def tell(self, word: str, about: str = "") -> None:
        """To the others only."""
        self._tell(word, about)

    def say(self, word: str, about: str = "") -> None:
        """In this process and to the others."""
        self.here(word, about)
        self._tell(word, about)

    def heard(self, word: str, about: str) -> None:
        """From another process."""
        for each in list(self._calls) if word == "all" else [word]:
            self.here(each, about)
