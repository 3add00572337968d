"""`%load_ext brignb`: the magics, their completion, and two small changes to how a cell is read.

* `%%scratch` is taken off the top of its cell, so that the rest is an ordinary cell in every respect: top-level `await`, the
  debugger, line numbers, the last value.
* `%brig fire`, at the beginning of a line, becomes `await …`: handlers then run on the cell's own event loop, in the main thread, where
  Interrupt, breakpoints and everything that is bound to a thread work. Elsewhere (in a function) it blocks instead.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any, Final

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import no_var_expand

from brignb.errors import BadInput, JobError
from brignb.magics.commands import command
from brignb.magics.completing import completer
from brignb.magics.helping import help_for
from brignb.magics.jobcell import run_cell
from brignb.magics.later import Later
from brignb.magics.saying import plainly
from brignb.magics.terminal import forget, heed_interrupts
from brignb.magics.words import fill, parse, split

AWAITED: Final = "brig_awaited"
"""The magic that `%brig` becomes where it is awaited; nobody types it."""
_SCRATCH: Final = re.compile(r"%%scratch[ \t]*\n?\Z")
_BRIG: Final = re.compile(
    r"(?P<before>(?:[\w, .\[\]]+ ?= ?)?)get_ipython\(\)\.run_line_magic\('brig', (?P<rest>'(?:fire|replay|listen)\b)"
)
_HOOKS: Final = ("%brig", "%%job", "%%scratch")


class Magics:
    """What is registered with one shell.

    Args:
        shell: The author's.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    @no_var_expand
    def brig(self, line: str) -> Any:
        """`%brig COMMAND …`: fire events, look at builds, export. `%brig help` tells all."""
        answer = self._asked(line)
        return answer.wait() if isinstance(answer, Later) else answer

    @no_var_expand
    def brig_awaited(self, line: str) -> Awaitable[Any]:
        """The same, for a cell that awaits it."""
        answer = self._asked(line)
        return answer.done() if isinstance(answer, Later) else _answered(answer)

    @no_var_expand
    def job(self, line: str, cell: str) -> Any:
        """`%%job NAME [IMAGE]`: run the cell's body as a job. `%brig help %%job` tells all."""
        __tracebackhide__ = True  # IPython leaves this frame out of an author's traceback
        try:
            with plainly():
                return run_cell(self._words(line), cell, self._shell.user_ns)
        except JobError as failure:
            raise failure.with_traceback(None) from None  # nothing of it is the author's: the job says what went wrong

    @no_var_expand
    def scratch(self, line: str, cell: str = "") -> None:
        """`%%scratch`: run the cell, but never export it."""
        message = "takes nothing after it" if line.strip() else "stands on the first line of its cell"
        with plainly():
            raise BadInput(message, where="%%scratch", hint="write the cell's body below it" if not cell else "")

    def without_scratch(self, lines: list[str]) -> list[str]:
        """A cell without its `%%scratch`; its other lines keep their numbers."""
        return ["# scratch\n", *lines[1:]] if lines and _SCRATCH.match(lines[0]) else lines

    def with_await(self, lines: list[str]) -> list[str]:
        """A cell that awaits what `%brig` has to run."""
        if not self._shell.autoawait:
            return lines
        return [_BRIG.sub(_awaiting, line, count=1) if _BRIG.match(line) else line for line in lines]

    def _asked(self, line: str) -> Any:
        """What a command answers. Errors become one line here; those of handlers, which run later, stay as they are."""
        with plainly():
            words = self._words(line)
            if not words:
                return help_for(None)
            chosen = command(words[0])
            given = parse(f"%brig {chosen.name}", chosen.words, words[1:])
            return chosen.call(vars(given), self._shell.user_ns)

    def _words(self, line: str) -> list[str]:
        return [fill(word, self._shell.user_ns) for word in split(line)]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext brignb`; loading it again changes nothing."""
    unload_ipython_extension(shell)
    magics, register = Magics(shell), shell.magics_manager.register_function
    register(magics.brig, "line", "brig")
    register(magics.brig_awaited, "line", AWAITED)
    register(magics.job, "cell", "job")
    register(magics.scratch, "line_cell", "scratch")
    shell.input_transformers_cleanup.append(magics.without_scratch)
    shell.input_transformers_post.append(magics.with_await)
    heed_interrupts(shell)
    for name in _HOOKS:
        shell.set_hook("complete_command", completer(shell), str_key=name)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext brignb`."""
    forget(shell)
    for transformers in (shell.input_transformers_cleanup, shell.input_transformers_post):
        transformers[:] = [each for each in transformers if not isinstance(getattr(each, "__self__", None), Magics)]
    registered = shell.magics_manager.magics
    for kind, name in (("line", "brig"), ("line", AWAITED), ("cell", "job"), ("line", "scratch"), ("cell", "scratch")):
        if isinstance(getattr(registered[kind].get(name), "__self__", None), Magics):
            del registered[kind][name]
    if (completers := shell.strdispatchers.get("complete_command")) is not None:
        for name in _HOOKS:
            completers.strs.pop(name, None)


def _awaiting(found: re.Match[str]) -> str:
    return f"{found['before']}await get_ipython().run_line_magic('{AWAITED}', {found['rest']}"


async def _answered(answer: Any) -> Any:
    return answer
