"""Export: what a worker notebook keeps, and every defect of a notebook, told with its cell and line."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from brignb.errors import NotebookError
from brignb.export import check, declared_parameters, listed_types, to_bytes
from brignb.export.problems import Unexportable
from brignb.model.redaction import Redactor


def code(source: str | list[str], *tags: str, **more: Any) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": [], "execution_count": 7, **more}


def notebook(*cells: Any, **metadata: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}


def problems(*cells: Any, redactor: Redactor | None = None, **metadata: Any) -> list[tuple[str, str]]:
    raw = json.dumps(notebook(*cells, **metadata)).encode()
    with pytest.raises(Unexportable) as error:
        check(raw, name="a.ipynb", redactor=redactor)
    return [(problem.where, problem.message) for problem in error.value.problems]


def test_the_worker_notebook_keeps_what_a_build_needs() -> None:
    """Outputs, counts, scratch cells and tools' metadata go; it is valid nbformat 4.5."""
    output = {"output_type": "stream", "name": "stdout", "text": "seen"}
    noisy = code("x = 1", outputs=[output])
    noisy["metadata"] = {"collapsed": True, "papermill": {"status": "completed"}, "ExecuteTime": {}}
    exported = check(
        notebook(
            {"cell_type": "markdown", "source": ["# A\n", "b"], "metadata": {}},
            code("count: int = 3  # from: event.data.n", "parameters"),
            noisy,
            code("fire()", "scratch"),
            code("%%scratch\nanything ("),
            code("count = 4", "injected-parameters"),
            {
                "cell_type": "markdown",
                "source": "An Exception was encountered",
                "metadata": {"tags": ["papermill-error-cell-tag"]},
            },
            kernelspec={"name": "python3", "display_name": "Python 3"},
            language_info={"name": "python", "version": "3.11.9"},
            widgets={"state": "secret"},
            brignb={"on": ["push"], "other": 1},
        ),
        name="pipelines/a.ipynb",
        commit="c" * 40,
    )
    worker = exported.worker_notebook
    nbformat.validate(worker)
    assert [cell["source"] for cell in worker["cells"]] == [
        "# A\nb",
        "count: int = 3  # from: event.data.n",
        "x = 1",
    ]
    assert worker["cells"][2]["outputs"] == []
    assert worker["cells"][2]["execution_count"] is None
    assert worker["cells"][2]["metadata"] == {}
    assert worker["metadata"]["kernelspec"]["name"] == "python3"
    mine = worker["metadata"]["brignb"]
    assert mine["on"] == ["push"]
    assert mine["source"]["name"] == "pipelines/a.ipynb"
    assert mine["source"]["commit"] == "c" * 40
    assert len(mine["source"]["sha256"]) == 64
    assert "widgets" not in worker["metadata"]
    assert exported.dropped == 4
    assert exported.on == listed_types(worker) == ("push",)
    assert exported.parameters == declared_parameters(worker)
    assert [one.name for one in exported.parameters] == ["count"]


def test_the_same_notebook_gives_the_same_bytes() -> None:
    """Ids are made of what is there: a worker notebook can be compared and cached by its digest."""
    raw = json.dumps(notebook(code("x = 1"), code("x = 1"), code("y", id="own"), code("z", id="own"))).encode()
    first, second = (to_bytes(check(raw, name="a.ipynb")) for _ in range(2))
    assert first == second
    ids = [cell["id"] for cell in json.loads(first)["cells"]]
    assert len(set(ids)) == 4
    assert ids[2] == "own"
    nbformat.validate(json.loads(first))


def test_an_exported_notebook_exports_to_the_same_cells() -> None:
    """Exporting twice changes nothing a build would see."""
    once = check(notebook(code("x = 1"), brignb={"on": ["push"]}), name="a.ipynb")
    twice = check(to_bytes(once), name="a.ipynb")
    assert twice.worker_notebook["cells"] == once.worker_notebook["cells"]
    assert twice.on == ("push",)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "no notebook"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"a": 1}', "no notebook"),
        (b'{"nbformat": 3, "worksheets": []}', "nbformat 3"),
        (b'{"nbformat": 5, "cells": []}', "nbformat 5"),
        (b'{"nbformat": 4}', "no list `cells`"),
        (b'{"nbformat": 4, "cells": [], "cells": []}', "stands twice"),
        (b'{"nbformat": 4, "cells": [], "metadata": 1}', "no list `cells`"),
        (b"[" * 100_000, "too deep"),
        (b'{"nbformat": ' + b"9" * 5000 + b"}", "not the JSON of a notebook"),
        (b'{"nbformat": 4, "cells": [], "metadata": {"kernelspec": 3}}', "is no object"),
    ],
)
def test_a_file_that_is_no_notebook_is_an_error_that_says_why(raw: bytes, words: str) -> None:
    """Anything can be pushed; none of it may be a crash."""
    with pytest.raises(NotebookError, match=words) as error:
        check(raw, name="a.ipynb")
    assert error.value.where.startswith("a.ipynb")


def test_v3_names_the_way_out() -> None:
    with pytest.raises(NotebookError) as error:
        check(b'{"nbformat": 3, "worksheets": []}', name="a.ipynb")
    assert "jupyter nbconvert --to notebook" in error.value.hint


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "ir", "language": "R"}, "language_info": {"name": "R"}}, "r"),
        ({"kernelspec": {"name": "julia-1.9", "language": "julia"}}, "julia"),
        ({"kernelspec": {"name": "bash"}}, "bash"),
    ],
)
def test_another_language_is_taken_as_it_is(metadata: dict[str, Any], language: str) -> None:
    """Only Python is checked; the worker notebook says what it is."""
    made = check(notebook(code("x <- 1 +"), code('tag <- "a"', "parameters"), **metadata), name="a.ipynb")
    assert made.worker_notebook["cells"][0]["source"] == "x <- 1 +"
    assert made.worker_notebook["metadata"]["language_info"]["name"].lower() == language
    assert [one.name for one in made.parameters] == ["tag"]


@pytest.mark.parametrize("metadata", [{}, {"kernelspec": {"name": "python3"}}, {"language_info": {"name": "python"}}])
def test_python_is_taken_by_any_of_its_names(metadata: dict[str, Any]) -> None:
    assert check(notebook(code("x = 1"), **metadata), name="a.ipynb").worker_notebook["cells"]


def test_all_problems_are_told_at_once_with_cell_and_line() -> None:
    """An author should not have to export as many times as there are mistakes."""
    found = problems(
        code("ok = 1"),
        code("a = 1\nb = ("),
        {"cell_type": "markdown", "source": "%%job in prose (", "metadata": {}},
        code("%%job build python\nls"),
        code("x = 1\n%brig fire push"),
        code("return 1"),
        code("y: int = 'a'\nz = f()", "parameters"),
        code("w = 1", "parameters"),
        code("\ud800"),
        brignb={"on": "push"},
    )
    assert [where for where, _ in found] == [
        "",
        "cell 2, line 2",
        "cell 4, line 1",
        "cell 5, line 2",
        "cell 6, line 1",
        "cell 9, line 1",
        "cell 8",
        "cell 7, line 1",
        "cell 7, line 2",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "await f()",
        "async with a as b:\n    pass",
        "!ls -l",
        "x = !ls",
        "%time f()",
        "%%time\nf()",
        "%%bash\nfor f in *; do echo $f; done",
        "%%html\n<b>",
        "len?",
        "?len",
        "%matplotlib inline\nimport math",
        "get_ipython().run_line_magic('ls', '')",
        "'\\d'",
        "",
        "# only a comment",
    ],
)
def test_what_ipython_understands_is_no_problem(source: str) -> None:
    check(notebook(code(source)), name="a.ipynb")


@pytest.mark.parametrize(
    ("source", "line"),
    [("%%time\nx = (", 2), ("x = !ls\ny = (", 2), ("def f(:\n  pass", 1), ("x\0", 1), ("(" * 5000, 1)],
)
def test_what_nobody_understands_is_a_problem_at_its_line(source: str, line: int) -> None:
    assert problems(code(source))[0][0] == f"cell 1, line {line}"


@pytest.mark.parametrize(
    "cell",
    [
        3,
        {"cell_type": "heading", "source": "", "metadata": {}},
        {"cell_type": "code", "source": 3, "metadata": {}},
        {"cell_type": "code", "source": "", "metadata": []},
        {"cell_type": "code", "source": "", "metadata": {"tags": "a"}},
    ],
)
def test_a_malformed_cell_is_told_by_its_number(cell: Any) -> None:
    assert problems(code("x = 1"), cell)[0][0] == "cell 2"


def test_a_secret_in_a_notebook_is_told_and_not_shown() -> None:
    """Source goes into records and repositories; a secret's value there is found before it is spread."""
    redactor = Redactor(["hunter2hunter2"])
    with pytest.raises(NotebookError) as error:
        check(notebook(code("a = 1\nb = 'hunter2hunter2'"), title="hunter2hunter2"), name="a.ipynb", redactor=redactor)
    assert "cell 1, line 2" in str(error.value)
    assert "metadata" in str(error.value)
    assert "hunter2" not in str(error.value)


def test_metadata_that_is_no_json_is_a_problem() -> None:
    """Python's JSON reads NaN; nobody else's does."""
    with pytest.raises(NotebookError, match="NaN"):
        check(b'{"nbformat": 4, "cells": [], "metadata": {"title": NaN}}', name="a.ipynb")


@pytest.mark.parametrize("depth", [60, 65, 500, 900])
def test_metadata_that_nests_deep_is_a_problem_and_no_crash(depth: int) -> None:
    """JSON's reader takes hundreds of levels; what walks them afterwards, and whoever reads the record, runs out of stack."""
    title = f'{{"title": {"[" * depth}{"]" * depth}}}'
    raw = f'{{"nbformat": 4, "cells": [], "metadata": {title}}}'.encode()
    if depth < 64:
        assert to_bytes(check(raw, name="a.ipynb", redactor=Redactor(["hunter2hunter2"])))
        return
    with pytest.raises(NotebookError, match="nests deeper than 64"):
        check(raw, name="a.ipynb", redactor=Redactor(["hunter2hunter2"]))


def test_attachments_are_looked_into_too() -> None:
    """They are kept in the worker notebook."""
    cell = {
        "cell_type": "markdown",
        "source": "",
        "metadata": {},
        "attachments": {"a": {"text/plain": "hunter2hunter2"}},
    }
    with pytest.raises(NotebookError, match="secret"):
        check(notebook(cell), name="a.ipynb", redactor=Redactor(["hunter2hunter2"]))


def test_ten_thousand_cells_are_checked() -> None:
    raw = json.dumps(notebook(*(code(f"x = {n}") for n in range(10_000)))).encode()
    assert len(check(raw, name="a.ipynb").worker_notebook["cells"]) == 10_000
