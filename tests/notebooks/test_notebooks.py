"""The workshop's pages: each runs from top to bottom in a kernel and in a worker, within a minute, and reads as a page.

They run as a copy in a folder of their own, with no server and nothing of this machine's own around, as a newcomer has them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from brignb.testing import payloads

BOOKS = Path(__file__).parents[2] / "notebooks"
EVERY = sorted(path.name for path in BOOKS.glob("*.ipynb"))
PAGES = [name for name in EVERY if name[:2].isdigit()]
MINUTE = 60
KEY = "made-up-by-a-test"

WORKER_RUNS = {
    "01-events.ipynb": ["push", "pull_request:opened", "release:published"],
    "03-parameters-and-export.ipynb": ["push"],
    "04-secrets.ipynb": ["deploy", "rotate"],
}
"""Events that a page has handlers for; the others run whole, by `exec`."""


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(BOOKS, tmp_path / "notebooks")


@pytest.fixture
def run(folder, tmp_path):
    """A command there, with a home that is new."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BRIGNB_", "JUPYTER_"))}
    environment = {**clean, "BRIGNB_HOME": str(tmp_path / "home"), "IPYTHONDIR": str(tmp_path / "ipython")}

    def command(*words: str, **more: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=folder,
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=MINUTE,
            check=False,
        )

    return command


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_it_runs_in_a_kernel(run, name, folder):
    """nbval, as an author's CI would; the page leaves no file behind."""
    before = sorted(path.name for path in folder.iterdir())
    done = run("pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", name)
    assert done.returncode == 0, done.stdout
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("03-parameters-and-export.ipynb", ["2: Hello from refs/heads/dev", "'many' is not int", "did you mean greeting?"]),
        ("04-secrets.ipynb", ["a careless line prints it: REDACTED", "1 error, 0 warnings"]),
        ("05-debug-a-failed-build.ipynb", ["KeyError: 'login'", "remembered from build", "thank you, Ada"]),
    ],
)
def test_what_a_shell_line_says_is_what_the_page_says(run, name, words, folder):
    """A `!command` that fails does not fail its cell, so nbval would not notice."""
    done = run("nbconvert", "--to", "notebook", "--execute", "--output", "executed.ipynb", name)
    assert done.returncode == 0, done.stderr
    cells = json.loads((folder / "executed.ipynb").read_text())["cells"]
    outputs = json.dumps([cell.get("outputs") for cell in cells], ensure_ascii=False)
    assert [word for word in words if word not in outputs] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "event"), [(name, event) for name in EVERY for event in WORKER_RUNS.get(name, ["exec"])])
def test_it_runs_in_a_worker(run, name, event, folder):
    """`brignb run`, by a recorded payload where there is one; every cell of the record says that it went well."""
    words = ["brignb", "run", name, "--event", event, "--record", "record.ipynb"]
    if event in payloads.names():
        (folder / "payload.json").write_text(payloads.github(event).payload)
        words += ["--payload", "payload.json"]
    done = run(*words, BRIGNB_SECRET_API_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert f"{event}: succeeded" in done.stderr
    record = json.loads((folder / "record.ipynb").read_text())
    cells = [cell for cell in record["cells"] if cell["cell_type"] == "code"]
    assert {cell["metadata"]["brignb"]["status"] for cell in cells if cell["source"]} <= {"completed", "skipped"}
    assert event == "exec" or any("event" in cell["metadata"]["tags"] for cell in cells if "tags" in cell["metadata"])
    assert KEY not in json.dumps(record)


@pytest.mark.slow
def test_their_tests_cells_pass(run):
    """`pytest notebooks/`, by our own plugin alone."""
    done = run("pytest", "-q", "-p", "no:cacheprovider", ".")
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


@pytest.mark.parametrize("name", PAGES)
def test_it_reads_as_a_page(name):
    """What, why, try it, now you, a solution that is folded, and where to go next."""
    text = (BOOKS / name).read_text()
    for word in ("**What.**", "**Why.**", "**Try it.**", "## Now you"):
        assert word in text, word
    assert '"source_hidden": true' in text or "<details>" in text
    assert "](" in text, "it leads nowhere"


@pytest.mark.parametrize("name", EVERY)
def test_it_is_kept_without_outputs(name):
    """Else each run of it would be a change."""
    cells = json.loads((BOOKS / name).read_text())["cells"]
    assert [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
