"""`pytest notebooks/`: a notebook's tests cells are tests, and nobody else's notebook is touched."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

PIPELINE = """\
from brignb import Job, events

@events.on("push")
def push(event):
    Job("build", tasks=["make"]).run()
"""
TESTS = """\
from brignb.testing import fire, payloads

done = fire(events, payloads.github("push"))
assert done.job_names == ["build"]

def test_with_fixtures(brignb_fire, fake_executor, tmp_path):
    fake_executor.job("build", exit_code=1)
    assert not brignb_fire("push").succeeded
    assert tmp_path.is_dir()

async def test_async(default=3):
    assert default == 3
"""
QUIET = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:hypothesispytest", "-p", "no:asyncio"]


@pytest.fixture
def run(pytester, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *args: pytester.runpytest_inprocess(*QUIET, *args)


def test_cells_and_their_functions_are_tests(run, book, pytester):
    """Of the handlers that the notebook registers, without a job that runs."""
    book(PIPELINE, (TESTS, "tests"), folder=pytester.path / "notebooks")
    done = run("-v", "notebooks")
    done.assert_outcomes(passed=3)
    done.stdout.fnmatch_lines(
        ["*pipeline.ipynb::cell 2 *", "*::cell 2::test_with_fixtures *", "*::cell 2::test_async *"]
    )


def test_one_can_be_chosen(run, book, pytester):
    """What it needs from above is run first."""
    book(PIPELINE, ("wanted = ['build']", "tests"), ("def test_a(brignb_fire):\n    assert brignb_fire('push').job_names == wanted", "tests"), folder=pytester.path)  # fmt: skip
    run("pipeline.ipynb", "-k", "test_a").assert_outcomes(passed=1, deselected=2)


def test_a_failure_points_to_its_cell_and_line(run, book, pytester):
    book(PIPELINE, ("x = 1\ny = 2\nassert x == y, 'they differ'", "tests"), folder=pytester.path)
    done = run("pipeline.ipynb")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*assert x == y*", "*pipeline.ipynb, cell 2, line 3: AssertionError: they differ*"])
    assert "playing.py" not in done.stdout.str(), "our own frames are noise"


def test_an_assert_tells_what_was_compared(run, book, pytester):
    """As in a module of tests."""
    book(PIPELINE, ("names = ['build']\nassert names == ['deploy']", "tests"), folder=pytester.path)
    assert "line 2: AssertionError: assert ['build'] == ['deploy']\n" in run("pipeline.ipynb").stdout.str()


def test_a_failure_in_a_handler_points_there(run, book, pytester):
    broken = "from brignb import events\n\n@events.on('push')\ndef push(event):\n    return event.nothing"
    book(broken, ("def test_it(brignb_fire):\n    brignb_fire('push').check()", "tests"), folder=pytester.path)
    done = run("pipeline.ipynb")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*pipeline.ipynb, cell 1, line 5: AttributeError*"])


def test_a_cell_that_fails_does_not_fail_the_next(run, book, pytester):
    """Each tells its own."""
    cells = ("assert False\ndef test_never(): ...", "tests"), ("assert True", "tests")
    done = run(str(book(PIPELINE, *cells, folder=pytester.path)))
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(["*failed before it came to test_never*"])


def test_a_notebook_that_cannot_be_run_fails_all_its_tests(run, book, pytester):
    done = run(str(book("from brignb import nothing", ("1", "tests"), ("2", "tests"), folder=pytester.path)))
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines(["*own cells failed before*"])


def test_other_peoples_notebooks_are_none_of_its_business(run, book, pytester):
    """Not those that have no tests cells, nor those that have nothing to do with brignb, nor what is no notebook at all."""
    book("raise SystemExit", folder=pytester.path, name="plain.ipynb")
    book("1", ("raise SystemExit", "tests"), folder=pytester.path, name="others.ipynb")
    (pytester.path / "broken.ipynb").write_text('{"brignb": "tests"')
    (pytester.path / "odd.ipynb").write_text('{"cells": 3, "brignb": ["tests"]}')
    run(str(pytester.path)).assert_outcomes()


def test_without_being_named_nothing_is_collected(run, book, pytester):
    """`pytest` alone, in a project that says nothing of notebooks."""
    book(PIPELINE, ("1", "tests"), folder=pytester.path)
    run().assert_outcomes()


def test_the_ini_file_names_them(run, book, pytester):
    book(PIPELINE, ("1", "tests"), folder=pytester.path / "books")
    book(PIPELINE, ("1", "tests"), folder=pytester.path / "others")
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\nbrignb_notebooks = ["books"]')
    done = run("-v")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["books/pipeline.ipynb::cell 2 *"])


def test_it_can_be_switched_off(run, book, pytester):
    book(PIPELINE, ("1", "tests"), folder=pytester.path)
    run("-p", "no:brignb", str(pytester.path)).assert_outcomes()


def test_fixtures_work_in_ordinary_tests(run, pytester):
    pytester.makepyfile("""
        from brignb import Job, events

        @events.on("push")
        def push():
            Job("build").run()

        def test_it(brignb_fire, fake_executor):
            brignb_fire("push").check()
            assert [job.name for job in fake_executor.jobs] == ["build"]
    """)
    run().assert_outcomes(passed=1)


@pytest.mark.slow
def test_it_works_beside_nbval(run, book, pytester):
    """Both run the same file: nbval its cells in a kernel, we its tests."""
    book(PIPELINE, ("assert events.has('push')", "tests"), folder=pytester.path)
    run("--nbval-lax", str(pytester.path)).assert_outcomes(passed=3)
