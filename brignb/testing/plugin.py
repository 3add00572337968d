"""The pytest plugin: fixtures for handlers, and cells tagged `tests` as tests.

    pytest notebooks/              cells tagged `tests`, of the notebooks there that speak of brignb
    pytest brignb.ipynb            of that one
    [tool.pytest.ini_options]
    brignb_notebooks = ["notebooks"]          … of these, whenever pytest runs

Of a notebook its exported cells run first, once, with a `FakeExecutor`; then each `tests` cell is one test, and each function `test_…`
in such a cell another, which may ask for fixtures. A failure points to its cell and line.

pytest loads this in every project where brignb is installed: so it imports nothing of brignb before a notebook or a fixture wants it,
and a notebook without such cells, or that has nothing to do with brignb, is none of its business. `-p no:brignb` switches it off.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from brignb.testing import FakeExecutor, Fired
    from brignb.testing.book import BookCell

_INI: Final = "brignb_notebooks"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The ini option."""
    parser.addini(
        _INI, "Notebooks, and folders of notebooks, whose cells tagged `tests` are run.", type="paths", default=[]
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A notebook that has tests."""
    if file_path.suffix != ".ipynb" or ".ipynb_checkpoints" in file_path.parts or not _wanted(file_path, parent):
        return None
    return NotebookFile.from_parent(parent, path=file_path) if _has_tests(file_path) else None


def _wanted(path: Path, parent: pytest.Collector) -> bool:
    """Named in the ini file, or on the command line, itself or a folder that it is in."""
    config = parent.config
    named = [config.invocation_params.dir / str(each).partition("::")[0] for each in config.args]
    given = named if config.args_source is pytest.Config.ArgsSource.ARGS else []
    return any(path == each or each in path.parents for each in (*(g.resolve() for g in given), *config.getini(_INI)))


def _has_tests(path: Path) -> bool:
    """Looked at as bytes first: most notebooks are somebody else's, and large."""
    try:
        content = path.read_bytes()
        if b"brignb" not in content or b'"tests"' not in content:
            return False
        cells = json.loads(content)["cells"]
        return any("tests" in cell["metadata"].get("tags", ()) for cell in cells if cell["cell_type"] == "code")
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False  # no notebook


class NotebookFile(pytest.File):
    """A notebook; its cells run once, before its first test."""

    def collect(self) -> Iterable[pytest.Item]:
        """Each `tests` cell, then the test functions in it."""
        from brignb.testing.playing import Played  # noqa: PLC0415 - see the module

        played = Played(self.path)
        for cell in played.book.tests:
            yield self._test(f"cell {cell.number}", (), lambda cell=cell: played.cell(cell))
            for name, fixtures in _functions(cell):
                yield self._test(
                    f"cell {cell.number}::{name}",
                    fixtures,
                    lambda cell=cell, name=name, **given: played.function(cell, name, given),
                )

    def _test(self, name: str, fixtures: Iterable[str], call: Callable[..., None]) -> pytest.Item:
        parameters = [inspect.Parameter(each, inspect.Parameter.KEYWORD_ONLY) for each in fixtures]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what pytest finds fixtures by
        item: pytest.Item = NotebookTest.from_parent(self, name=name, callobj=call)
        return item


class NotebookTest(pytest.Function):
    """A cell, or a function in one."""

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it is: in cells, not in lines of a file of JSON."""
        return self.path, None, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override] # pytest.Function's
        """Where in the notebook it was, besides pytest's own words."""
        inside = str(self.path)
        frames = [entry for entry in excinfo.traceback if str(entry.path).startswith(inside)]
        if frames:
            place = f"{Path(str(frames[-1].path)).name}, line {frames[-1].lineno + 1}"
            self.add_report_section("call", "notebook", f"{place}: {excinfo.exconly(tryshort=True).splitlines()[0]}")
        return super().repr_failure(excinfo)

    def _traceback_filter(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        inside = str(self.path)
        return excinfo.traceback.filter(lambda entry: str(entry.path).startswith(inside)) or excinfo.traceback


def _functions(cell: BookCell) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names of a cell's test functions, and what each asks for."""
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        return  # the cell's own test will say so
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            arguments = [*node.args.posonlyargs, *node.args.args]
            asked = arguments[: len(arguments) - len(node.args.defaults)]
            yield node.name, tuple(each.arg for each in (*asked, *node.args.kwonlyargs))


@pytest.fixture
def fake_executor() -> FakeExecutor:
    """An executor that runs nothing and remembers all."""
    from brignb.testing import FakeExecutor  # noqa: PLC0415 - see the module

    return FakeExecutor()


@pytest.fixture
def brignb_fire(fake_executor: FakeExecutor) -> Callable[..., Fired]:
    """`fire(target, event, …)` with this test's `fake_executor`; in a notebook's tests `fire(event)`, at the notebook's handlers."""
    from brignb import events  # noqa: PLC0415 - the same
    from brignb.testing import fire  # noqa: PLC0415 - the same

    def fired(*target_and_event: Any, **more: Any) -> Fired:
        target, event = target_and_event if len(target_and_event) > 1 else (events, *target_and_event)
        return fire(target, event, **{"executor": fake_executor, **more})

    return fired
