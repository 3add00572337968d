"""`brignb init`: what it writes works as it is."""

import json
import stat
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from brignb.export import check
from brignb.model.projectfile import read


def git(folder, *words):
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)


def test_the_notebook_is_exportable_and_the_project_file_is_taken(brignb, tmp_path):
    folder = tmp_path / "My Pipeline"
    ended = brignb("init", folder)
    assert ended.code == 0
    raw = (folder / "brignb.ipynb").read_bytes()
    nbformat.validate(nbformat.from_dict(json.loads(raw)))
    exported = check(raw, name="brignb.ipynb")
    assert [parameter.name for parameter in exported.parameters] == ["greeting", "branch"]
    assert not exported.warnings
    file = folder / "project.yaml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    taken = read(file.read_bytes())
    assert taken.warnings == ()
    assert taken.project.name == "local/My-Pipeline"
    assert taken.project.clone_url == folder.as_uri()
    assert len(taken.project.shared_secret) == 40
    assert taken.project.shared_secret not in ended.out
    assert "git -C" in ended.out


def test_a_repository_names_its_project(brignb, tmp_path):
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "https://someone:pass@git.example.com/octo/hello.git")
    assert brignb("init", tmp_path / "sub").code == 0
    project = read((tmp_path / "sub" / "project.yaml").read_bytes()).project
    assert (project.name, project.clone_url) == ("octo/hello", "https://git.example.com/octo/hello.git")
    assert project.notebook == "sub/brignb.ipynb", "a server looks for it from the repository's top"


def test_a_repository_without_a_remote_is_its_own(brignb, tmp_path):
    git(tmp_path, "init", "--quiet")
    brignb("init", tmp_path)
    project = read((tmp_path / "project.yaml").read_bytes()).project
    assert (project.clone_url, project.notebook) == (tmp_path.as_uri(), "brignb.ipynb")


@pytest.mark.slow
def test_its_cells_run_and_its_test_passes(brignb, tmp_path):
    """What a newcomer does first: Run All Cells, then `pytest brignb.ipynb`."""
    assert brignb("init", tmp_path).code == 0
    notebook = nbformat.read(tmp_path / "brignb.ipynb", as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])
    assert "the job saw 2 files" in outputs
    assert "push answered push" in outputs
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "brignb.ipynb"]
    done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("name", ["brignb.ipynb", "project.yaml"])
def test_nothing_is_overwritten(brignb, tmp_path, name):
    (tmp_path / name).write_text("mine")
    assert brignb("init", tmp_path).code == 2
    assert (tmp_path / name).read_text() == "mine"
    assert len(list(tmp_path.glob("*.*"))) == 1


def test_a_place_that_cannot_be_made_is_told(brignb, tmp_path):
    (tmp_path / "file").write_text("")
    ended = brignb("init", tmp_path / "file" / "sub")
    assert ended.code == 2
    assert "file" in ended.err


def test_export_writes_what_a_worker_executes(brignb, tmp_path):
    brignb("init", tmp_path)
    worker = tmp_path / "worker.ipynb"
    ended = brignb("export", tmp_path / "brignb.ipynb", "-o", worker)
    assert ended.code == 0
    assert "greeting, branch" in ended.err
    assert json.loads(worker.read_bytes())["metadata"]["brignb"]
    assert brignb("export", worker, "-o", worker).code == 2, "it would overwrite the notebook itself"
