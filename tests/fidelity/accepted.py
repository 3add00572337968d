"""The differences from stock papermill that are meant, each with its reason: one table, which `docs/engine.md` repeats.

A difference that is not here fails the suite; one that is here and does not occur any more does, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from fidelity.runner import MIRROR

HERE = ("shell", "papermill", "fork", MIRROR)
"""Our engine core runs the cells."""
RECORDS = ("shell", "papermill", "fork", "kernel", "cold")
"""The result is a record, folded from a journal."""
CORE_RECORDS = ("shell", "papermill", "fork")
PAPERMILL_ONLY = (MIRROR,)
DEATHS = ("os._exit(0)", "a kill", "a crash")


@dataclass(frozen=True)
class Accepted:
    """A row.

    Args:
        what: What is different, from papermill's side to ours.
        tiers: Where.
        why: The reason.
        where: Patterns of `book/behaviour/aspect`; each must occur.
    """

    what: str
    tiers: tuple[str, ...]
    why: str
    where: tuple[str, ...]

    def row(self) -> str:
        """As the document has it; the engine `papermill` is how a worker calls the tier `shell`."""
        tiers = ", ".join(f"`{tier}`" for tier in self.tiers if tier != "papermill")
        return f"| {self.what} | {tiers} | {self.why} |"


ACCEPTED = (
    Accepted(
        "No marker cells are put into a notebook that failed.",
        RECORDS,
        "The record says it in `metadata.brignb` and in each cell's status; cells keep their places.",
        ("*/notebook/markers",),
    ),
    Accepted(
        "`metadata.execution` (nbclient's time stamps) is not written.",
        (*HERE, "kernel", "cold"),
        "The same times stand in `metadata.papermill` of each cell.",
        ("*/notebook/execution",),
    ),
    Accepted(
        "A traceback's excerpt marks the failing expression, and its lines are those that raised.",
        HERE,
        "IPython draws it so wherever it finds a cell's source; ipykernel names cells after files that are not there, so papermill's "
        "shows the line that the frame had reached.",
        ("*/notebook/tracebacks",),
    ),
    Accepted(
        "A cell tagged `raises-exception` that raises does not fail the run.",
        RECORDS,
        "The author allowed it. Stock papermill runs the later cells as well, and raises in the end.",
        ("displays/notebook/raised", "failures/notebook/raised", "figures/notebook/raised", "magics/notebook/raised"),
    ),
    Accepted(
        "`sys.exit()` and `sys.exit(0)` fail the run, as any other end before the last cell.",
        RECORDS,
        "What was to come did not run. Stock papermill calls the run a success with cells left `pending`.",
        (
            "end by sys.exit()/notebook/raised",
            "end by sys.exit(0)/notebook/raised",
            "papermill's sys*exit*/notebook/raised",
        ),
    ),
    Accepted(
        "`exit` and `quit()` end the run, as `sys.exit()` does.",
        (*HERE, "kernel"),
        "They mean it. Under stock papermill the kernel goes on with the next cell.",
        ("end by exit/*", "end by quit()/*"),
    ),
    Accepted(
        "A cell that ended its process is `killed`, the ones after it are `never-run`, the run failed.",
        RECORDS,
        "It is so. Stock papermill calls all of them `completed`, and the run a success, when the process dies quietly.",
        tuple(f"end by {end}/{part}/*" for end in DEATHS for part in ("notebook", "the end", "after")),
    ),
    Accepted(
        "User code that ends its process ends papermill with it; the output notebook is as it was last saved, at most a second before.",
        PAPERMILL_ONLY,
        "The cells run in papermill's own process: that is what makes it fast. `brignb run` gives them a process of their own.",
        tuple(f"end by {end}/*" for end in DEATHS),
    ),
    Accepted(
        "An exception group is an error of its cell, with its traceback.",
        (*HERE, "kernel", "cold"),
        "Stock papermill has the traceback as text on stderr, and no error in the outputs.",
        (
            "failures/an exception group/outputs",
            "failures/a nested group/outputs",
            "failures/a task group that fails/outputs",
            "end by an exception group/the end/outputs",
        ),
    ),
    Accepted(
        "A usage error of a magic is an error of its cell.",
        (*HERE, "kernel", "cold"),
        "Stock papermill has it as text on stderr, and no error in the outputs.",
        (
            "magics/an unknown magic/outputs",
            "magics/an unknown line in a cell of Python/outputs",
            "end by an unknown magic/the end/outputs",
            "papermill's line_magic_error/cell 1/outputs",
        ),
    ),
    Accepted(
        "An exception whose `__str__` fails is shown as itself.",
        (*HERE, "kernel"),
        "Stock papermill shows the failure of ipykernel's own code, twice.",
        ("failures/__str__ that fails/outputs",),
    ),
    Accepted(
        "Help (`name?`, `%pdoc`) and pages are displayed in the cell.",
        (*HERE, "kernel", "cold"),
        "Stock papermill drops them: they go to a front end's pager, and there is none.",
        (
            "magics/%pinfo/outputs",
            "magics/help of a builtin/outputs",
            "magics/a search by ?/outputs",
            "magics/%pdoc, %psource, %pdef/outputs",
            "magics/%pycat/outputs",
            "magics/page/outputs",
        ),
    ),
    Accepted(
        "Magics of a front end (`%autosave`, `%connect_info`, `%qtconsole`, …) are unknown.",
        HERE,
        "There is no front end.",
        ("magics/%magic names/outputs", "magics/%autosave and front end magics/outputs"),
    ),
    Accepted(
        "`input()`, `getpass()` and debuggers fail at once, and say what to do instead.",
        HERE,
        "Nobody answers in a build. Stock papermill's message speaks of a front end.",
        (
            "magics/input()/outputs",
            "magics/getpass/outputs",
            "magics/a debugger/outputs",
            "magics/%debug without a traceback/outputs",
        ),
    ),
    Accepted(
        "The shell's class stands in another module; its name is ipykernel's.",
        (*HERE, "kernel"),
        "Libraries look at the name.",
        ("magics/get_ipython's kind/outputs",),
    ),
    Accepted(
        "The injected cell has no execution count, and the later cells' counts are one lower.",
        (*HERE, "kernel"),
        "It is shown and not executed: its values are bound, so that none of them is ever code.",
        (
            "parameters/injected/count",
            "parameters/values/count",
            "some parameters/*/count",
            "an injected cell of an earlier run/*/count",
            "papermill's simple_execute/*/count",
            "papermill's report_mode_test/*/count",
        ),
    ),
    Accepted(
        "The same, where papermill's parameters are not declared.",
        (*CORE_RECORDS, "kernel"),
        "An engine binds what its plan has; names and types were checked before.",
        (
            "papermill's no_parameters/*/count",
            "papermill's nb_version_4.4/*/count",
            "papermill's blank-vscode/injected/count",
        ),
    ),
    Accepted(
        "Parameters that no `parameters` cell declares, or of another type than declared, are refused before anything runs.",
        PAPERMILL_ONLY,
        "A misspelt name would run with the default. Stock papermill warns, and runs a name as code.",
        (
            "papermill's no_parameters/*",
            "papermill's nb_version_4.4/*",
            "papermill's blank-vscode/*",
            "papermill's complex_parameters/*",
        ),
    ),
    Accepted(
        "`metadata.papermill.parameters` are those of this run.",
        (*CORE_RECORDS, "kernel", "cold"),
        "Stock papermill leaves an earlier run's, when this one has none.",
        ("papermill's broken*/notebook/papermill", "papermill's result_no_exec/notebook/papermill"),
    ),
    Accepted(
        "`tqdm.auto` prints its bar as text; `tqdm.notebook` shows a widget.",
        HERE,
        "tqdm looks for ipykernel's own module. The log has the bar, too.",
        ("widgets/tqdm.auto/outputs", "widgets/notebook/widgets"),
    ),
    Accepted(
        "A cell that failed shows an error, also where user code has taken the showing over.",
        ("kernel", "cold"),
        "The record says why a cell failed; the kernel tells it in its reply.",
        (
            "failures/a custom handler/outputs",
            "magics/notebook/tracebacks",
            "failures/notebook/tracebacks",
            "end by an unknown magic/notebook/tracebacks",
            "end by an exception group/notebook/tracebacks",
            "papermill's line_magic_error/notebook/tracebacks",
        ),
    ),
    Accepted(
        "`breakpoint()` is ipykernel's, without a front end's debugger.",
        ("kernel",),
        "Nobody attaches one to a build.",
        ("magics/a debugger/outputs",),
    ),
)


def accepts(tier: str, difference: str) -> bool:
    """Whether a row has it."""
    return any(fnmatchcase(difference, pattern) for row in ACCEPTED if tier in row.tiers for pattern in row.where)


def stale(tier: str, differences: Iterable[str], books: Iterable[str]) -> list[str]:
    """Patterns that match nothing any more, of the books that were run."""
    seen, ran = list(differences), set(books)
    return [
        f"{row.what} ({pattern})"
        for row in ACCEPTED
        if tier in row.tiers
        for pattern in row.where
        if any(fnmatchcase(book, pattern.split("/")[0]) for book in ran)
        and not any(fnmatchcase(difference, pattern) for difference in seen)
    ]
