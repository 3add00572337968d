"""`papermill --engine brignb`: the engine core behind papermill's contract, for anyone.

    papermill (load, render the injected cell) ──▶ BrignbEngine ──▶ ShellEngine ──▶ Mirror ──▶ papermill's notebook

The names and types of `metadata.papermill.parameters` are checked against the declared cell, and its values are bound; the injected
cell is not executed. With a `sink` (a worker), papermill's notebook stays as it is: the journal has what was seen.

papermill imports this module by its entry point, and shows what it raises as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from papermill.engines import Engine, NotebookExecutionManager
from papermill.exceptions import PapermillException

from brignb.engine.injection import INJECTED, PARAMETERS, source_of, tags_of
from brignb.engine.language import PYTHON, language_of
from brignb.errors import BrignbError
from brignb.model.builds import Outcome, State
from brignb.model.parameters import check, read

if TYPE_CHECKING:
    from brignb.engine.seam import Plan, Sink


class BrignbEngine(Engine):
    """See the module."""

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """The kernelspec's name; a notebook without one is Python's.

        Raises:
            PapermillException: Its language is another.
        """
        language = language_of(nb)
        if language != PYTHON:
            raise PapermillException(
                f"the notebook's language is {language}: the engine brignb runs Python notebooks only; "
                "leave out `--engine brignb` to run it with its own kernel"
            )
        return str(name or nb.metadata.get("kernelspec", {}).get("name") or "python3")

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Always Python."""
        return language or language_of(nb)

    @classmethod
    def execute_notebook(  # type: ignore[override] # noqa: D102 - papermill's; it calls by keyword
        cls,
        nb: Any,
        kernel_name: str,
        *,
        output_path: str | None = None,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        **options: Any,
    ) -> Any:
        with os.fdopen(os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2), "w") as terminal:
            bar = (
                {"file": terminal, **(progress_bar if isinstance(progress_bar, dict) else {})}
                if progress_bar
                else False
            )
            manager = NotebookExecutionManager(nb, output_path, log_output, bar, autosave_cell_every)
            manager.notebook_start()
            try:
                cls.execute_managed_notebook(manager, kernel_name, log_output=log_output, terminal=terminal, **options)
            finally:
                manager.notebook_complete()
            return manager.nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,  # noqa: ARG003 - there is one: this process
        *,
        plan: Plan | None = None,
        sink: Sink | None = None,
        told: Callable[[Outcome], None] | None = None,
        execution_timeout: int | None = None,
        **options: Any,
    ) -> None:
        """Run it.

        Args:
            nb_man: papermill's.
            kernel_name: papermill's.
            plan: A worker's; None: one that is made of the notebook's parameters.
            sink: A worker's; None: what is seen goes into papermill's notebook.
            told: Hears the outcome.
            execution_timeout: papermill's, refused.
            options: papermill's `log_output`, `stdout_file`, `stderr_file`; what only a kernel needs is left alone.

        Raises:
            PapermillException: Undeclared or ill-typed parameters, a time limit.
            KeyboardInterrupt: The run was cancelled.
        """
        from brignb.engine.core import ShellEngine  # noqa: PLC0415 - IPython; papermill's other users do not need it
        from brignb.engine.mirror import Mirror  # noqa: PLC0415 - the same
        from brignb.engine.seam import Plan  # noqa: PLC0415 - the same

        if execution_timeout:
            raise PapermillException("the engine brignb has no time limit per cell; leave out --execution-timeout")
        if plan is not None and sink is not None:
            outcome = ShellEngine().run(nb_man.nb, plan, sink)
        else:
            parameters = _parameters(nb_man.nb)
            with Mirror(nb_man, options) as mirror:
                outcome = ShellEngine().run(nb_man.nb, Plan(parameters=parameters, spill=mirror.spilling), mirror)
        if told is not None:
            told(outcome)
        elif outcome.state is State.CANCELED:
            raise KeyboardInterrupt


def _parameters(nb: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the injected cell shows, checked."""
    if not any(INJECTED in tags_of(cell) for cell in nb["cells"]):
        return {}
    given = nb["metadata"].get("papermill", {}).get("parameters", {})
    cells = [source_of(cell) for cell in nb["cells"] if PARAMETERS in tags_of(cell)]
    declared = read(cells[0]).declared if cells else ()
    try:
        return {name: check(name, _plain(value), declared) for name, value in given.items()}
    except BrignbError as error:
        raise PapermillException(str(error)) from error


def _plain(value: Any) -> Any:
    """Papermill's own dict types as Python's."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
