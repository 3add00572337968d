"""`brignb run` with wrong words: they are told before anything runs."""

import json

import nbformat
import pytest

NOTEBOOK = """from brignb import events
@events.on("push")
def push(project):
    print("name", project.name)
"""


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    folder = tmp_path / "pipeline"
    folder.mkdir()
    path = folder / "brignb.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)]), path)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--project", "missing.yaml"], "missing.yaml: cannot be read: No such file"),
        (["--project", "."], ".: cannot be read: Is a directory"),
        (["--record", "missing/record.ipynb"], "--record missing/record.ipynb"),
        (["--record", "."], "--record ."),
    ],
)
def test_a_wrong_file_is_told_before_anything_runs(brignb, notebook, words, said):
    """Both were taken for mistakes of ours, the record's after the whole build."""
    ended = brignb("run", notebook, "--event", "push", *words)
    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""


def test_a_project_file_that_the_environment_names_must_be_there(brignb, notebook, monkeypatch):
    """Otherwise its secrets are missing without a word."""
    monkeypatch.setenv("BRIGNB_PROJECT", "missing.yaml")
    ended = brignb("run", notebook, "--event", "push")
    assert (ended.code, "missing.yaml" in ended.err) == (2, True)


@pytest.mark.slow
def test_the_project_file_beside_the_notebook_is_used(brignb, notebook):
    """`init` says `brignb run FOLDER/brignb.ipynb`, and writes FOLDER/project.yaml."""
    (notebook.parent / "project.yaml").write_text(json.dumps({"project": "some/body"}))
    ended = brignb("run", notebook, "--event", "push")
    assert (ended.code, ended.out) == (0, "worker | name some/body\n")


@pytest.mark.slow
def test_a_projects_output_limits_are_the_records(brignb, notebook, tmp_path):
    """The issue: caps that a project can set; `run` and the server use the same worker."""
    limits = {"cellBytes": "1Ki", "cellDisplays": 1}
    (notebook.parent / "project.yaml").write_text(json.dumps({"project": "some/body", "outputLimits": limits}))
    cells = [nbformat.v4.new_code_cell(text) for text in ("print('x' * 3000)", "display(1)\ndisplay(2)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    assert brignb("run", notebook, "--record", "record.ipynb").code == 0
    printed, shown = nbformat.read(tmp_path / "record.ipynb", 4).cells
    text = "".join(output.get("text", "") for output in printed.outputs)
    assert text.count("x") < 1100
    assert "[brignb: cut, " in text
    assert sum(output.output_type == "display_data" for output in shown.outputs) == 1


@pytest.mark.slow
def test_a_missing_secret_is_told_with_where_it_comes_from(brignb, notebook):
    """Contract, "Notebook": the error names the places; who runs it here does not see the record's traceback."""
    text = notebook.read_text()
    notebook.write_text(text.replace("project.name", "project.secrets['NOPE']"))
    ended = brignb("run", notebook, "--event", "push")
    assert ended.code == 1
    assert "no secret 'NOPE'" in ended.err
    assert "BRIGNB_SECRET_NOPE" in ended.err
