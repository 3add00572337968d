"""The shell: IPython's own, whose displays, results, tracebacks and clears are entries for a journal.

    cell ──▶ Shell.run_cell_async ──▶ Shell.tell({"op": "output" | "update" | "clear", …})

It behaves like ipykernel's shell where a notebook can see it: rich displays, `_` and `Out`, `get_ipython()`, magics, coloured
tracebacks, no pager, no profile of the user's, no history on disk. It is built before it is needed, without a thread, so that a
process that holds one can be forked.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, cast

from IPython.core import page
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from brignb.engine.bundles import clean, clean_bundle, clean_text
from brignb.engine.kernel import Kernel
from brignb.engine.telling import error_text, has_group, users_frames

Entry = Mapping[str, Any]


class Publisher(DisplayPublisher):
    """`display`, `update_display` and `clear_output`, from any thread."""

    def publish(  # noqa: D102 - IPython's
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        source: Any = None,  # noqa: ARG002 - IPython's signature
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
        **_options: Any,
    ) -> None:
        self._validate_data(data, metadata)  # type: ignore[no-untyped-call] # IPython's
        bundle, about, name = clean_bundle(data), clean(metadata or {}), (transient or {}).get("display_id")
        if update:
            self.shell.tell({"op": "update", "id": name, "data": bundle, "metadata": about})
            return
        output = {"output_type": "display_data", "data": bundle, "metadata": about}
        self.shell.tell({"op": "output", "output": output} | ({} if name is None else {"id": name}))

    def clear_output(self, wait: bool = False) -> None:  # noqa: D102, FBT001, FBT002 - IPython's
        self.shell.tell({"op": "clear", "wait": bool(wait)})


class Hook(DisplayHook):
    """A cell's last value, as `execute_result`."""

    def write_output_prompt(self) -> None:
        """It is in the output's `execution_count`."""

    def write_format_data(self, format_dict: Mapping[str, Any], md_dict: Any = None) -> None:  # noqa: D102 - IPython's
        output = {
            "output_type": "execute_result",
            "data": clean_bundle(format_dict),
            "metadata": clean(md_dict or {}),
            "execution_count": self.prompt_count,
        }
        cast("Shell", self.shell).tell({"op": "output", "output": output})


_NOT_PLAIN = re.compile(r"^\s*[%!?,;/]|\?[ \t]*(?:#.*)?$|=\s*[%!]|^(?:>>>|In \[)", re.MULTILINE)
"""What IPython's own language may begin with: escapes, help, assigned magics, pasted prompts. In a text it means nothing and costs little."""


def _untold(_entry: Entry) -> None:
    return None


class Shell(InteractiveShell):
    """See the module, whose class is named as ipykernel's: pandas, plotly, rich and others show themselves by that name. `tell` takes the entries, without their cell; `ended_by` is what a cell that is being cancelled shows."""

    display_pub_class = Type(Publisher)
    displayhook_class = Type(Hook)
    tell: Callable[[Entry], None] = staticmethod(_untold)
    ended_by: BaseException | None = None
    error_shown = False
    _transformers_first: tuple[Any, ...] = ()
    kernel: Kernel

    @classmethod
    def build(cls) -> Shell:
        """A new shell. `brignb.engine.stage` makes it the one that `get_ipython()` finds, and `__main__`."""
        config = Config()
        config.HistoryManager.hist_file = ":memory:"
        config.IPKernelApp = Config()  # by its presence tqdm and others know a notebook
        main = sys.modules["__main__"]
        shell = cls(config=config, ipython_dir="")
        sys.modules["__main__"] = main
        shell._transformers_first = shell._transformers()
        shell.kernel = Kernel(shell)
        shell.db = {}  # what `%cd` and `%bookmark` note; IPython's own would be a folder of the profile's
        if shell.display_formatter is not None:  # as it always is
            shell.display_formatter.format(0)  # what it makes on first use is then there for all that are forked
        return shell

    def init_profile_dir(self, profile_dir: Any) -> None:
        """None: a build must not depend on, or write into, somebody's home."""

    def init_virtualenv(self) -> None:
        """As it is: the interpreter was chosen before."""

    def init_hooks(self) -> None:  # noqa: D102 - IPython's
        super().init_hooks()  # type: ignore[no-untyped-call] # IPython's
        hook = page.as_hook(page.display_page)
        self.set_hook("show_in_pager", hook, 99)  # type: ignore[no-untyped-call] # IPython's

    def enable_gui(self, gui: str | None = None) -> None:
        """Only none: there is no screen.

        Raises:
            UsageError: Another was asked for.
        """
        if gui not in {None, "inline", "agg"}:
            raise UsageError(f"a build has no screen for the {gui} GUI; use %matplotlib inline")

    def get_parent(self) -> dict[str, Any]:
        """ipykernel's: the request that runs."""
        return self.kernel.get_parent()

    def set_parent(self, parent: Any) -> None:
        """ipykernel's: there is one cell at a time, and its outputs are its own."""

    def ask_exit(self) -> None:
        """`exit` and `quit` end the cell as `sys.exit()` does."""
        raise SystemExit

    def transform_cell(self, raw_cell: str) -> str:
        """As IPython does it. It leaves plain Python as it is, which a look at its lines tells many times faster.

        Where user code has changed the transformers they see every cell. Single lines may be magics without a `%`, such as `ls`.
        """
        if raw_cell[:1].isspace() or _NOT_PLAIN.search(raw_cell) or self._transformers() != self._transformers_first:
            transformed: str = super().transform_cell(raw_cell)  # type: ignore[no-untyped-call] # IPython's
            return transformed
        cell = raw_cell if raw_cell.endswith("\n") else f"{raw_cell}\n"
        if len(cell.splitlines()) == 1 and self.prefilter_manager is not None:
            with self.builtin_trap:
                cell = f"{self.prefilter_manager.prefilter_lines(cell)}\n"
        return cell

    def _transformers(self) -> tuple[Any, ...]:
        ours = self.input_transformer_manager
        kinds = (ours.cleanup_transforms, ours.line_transforms, ours.token_transformers)
        return (ours, *map(tuple, kinds), tuple(self.input_transformers_post))

    def show_usage_error(self, exc: BaseException) -> None:
        """As an error of the cell, as every other."""
        self._showtraceback(type(exc), exc, [f"UsageError: {exc}"])

    def showtraceback(self, exc_tuple: Any = None, *rest: Any, **options: Any) -> None:
        """IPython's; but a group is an error of the cell, as every other: IPython prints it and says nothing more."""
        error = (exc_tuple or sys.exc_info())[1]
        if error is not None and has_group(error):
            self.show_error(error)
        else:
            super().showtraceback(exc_tuple, *rest, **options)

    def show_error(self, error: BaseException) -> None:
        """The traceback of an exception, from the first frame that is not ours."""
        tb = users_frames(error.__traceback__)
        if has_group(error):  # IPython's renderer does not know groups
            self._showtraceback(type(error), error, traceback.format_exception(type(error), error, tb))
        else:
            self.showtraceback((type(error), error, tb), tb_offset=0)

    def _format_exception_for_storage(self, exception: BaseException, *_rest: Any, **_options: Any) -> dict[str, Any]:
        """For IPython's history, which nobody reads here; rendering a traceback once is enough."""
        return {"ename": type(exception).__name__, "evalue": error_text(exception), "traceback": []}

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        if self.ended_by is not None:  # what asyncio makes of it is a CancelledError
            etype, evalue = type(self.ended_by), self.ended_by
        self.error_shown = True
        output = {
            "output_type": "error",
            "ename": clean_text(etype.__name__),
            "evalue": clean_text(error_text(evalue)),
            "traceback": [clean_text(line) for line in stb],
        }
        self.tell({"op": "output", "output": output})


Shell.__name__ = Shell.__qualname__ = "ZMQInteractiveShell"
