"""`brignb check`, and that the same checks guard `export`, `run` and `init`."""

import json

import pytest

GOOD = "from brignb import Job, events\n@events.on('push')\ndef push(): ..."
TYPO = "from brignb import Job, events\n@events.on('pul_request')\ndef push(): ..."
WRONG = "from brignb import Job, events\nJob('Not_A_Label')"


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Writes a notebook of one cell here."""
    monkeypatch.chdir(tmp_path)

    def write(source, name="a.ipynb", **cell):
        cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], **cell}
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        return name

    return write


@pytest.mark.parametrize(("source", "code", "strict"), [(GOOD, 0, 0), (TYPO, 0, 2), (WRONG, 2, 2)])
def test_exit_codes(brignb, book, source, code, strict):
    """CI stands on them; warnings fail only who wants it."""
    name = book(source)
    assert brignb("check", name).code == code
    assert brignb("check", "--strict", name).code == strict


def test_it_says_what_where_and_what_to_do(brignb, book):
    done = brignb("check", book(WRONG))
    assert done.out.splitlines()[0].startswith("a.ipynb: cell 1, line 2: error: 'Not_A_Label' is not a job's name")
    assert "for example 'not-a-label'" in done.out
    assert "1 error, 0 warnings" in done.err


def test_json_has_every_field(brignb, book):
    found = brignb("check", "-o", "json", book(TYPO)).json["items"]
    assert [(each["notebook"], each["severity"], each["check"], each["cell"], each["line"]) for each in found] == [
        ("a.ipynb", "warning", "event-type", 1, 2)
    ]


def test_a_folder_is_all_its_notebooks(brignb, book):
    book(GOOD, "books/a.ipynb")
    book(WRONG, "books/b.ipynb")
    book(WRONG, "books/.ipynb_checkpoints/c.ipynb")
    done = brignb("check", "books")
    assert "books/b.ipynb" in done.out
    assert "2 notebooks: 1 error" in done.err


def test_the_local_projects_secrets_are_looked_for(brignb, book, tmp_path):
    """Also in outputs; and the value is not shown."""
    (tmp_path / "project.yaml").write_text("project: a/b\nsecrets: {TOKEN: hunter2hunter2}\n")
    name = book("1", outputs=[{"output_type": "stream", "name": "stdout", "text": "hunter2hunter2"}])
    for command in (["check", name], ["export", name, "-o", "w.ipynb"], ["run", name]):
        done = brignb(*command)
        assert done.code == 2, command
        assert "hunter2" not in done.out + done.err
        assert "in its output" in done.out + done.err


def test_export_tells_warnings_and_refuses_errors(brignb, book, tmp_path):
    done = brignb("export", book(TYPO), "-o", "w.ipynb")
    assert done.code == 0
    assert "did you mean 'pull_request'?" in done.err
    (tmp_path / "w.ipynb").unlink()
    assert brignb("export", book(WRONG), "-o", "w.ipynb").code == 2
    assert not (tmp_path / "w.ipynb").exists()


def test_what_cannot_be_read(brignb, book, tmp_path):
    assert brignb("check", "nowhere.ipynb").code == 2
    (tmp_path / "empty").mkdir(exist_ok=True)
    assert "no notebook" in brignb("check", str(tmp_path / "empty")).err


def test_the_starter_is_clean(brignb, tmp_path, monkeypatch):
    """What `init` writes is what people imitate."""
    monkeypatch.chdir(tmp_path)
    assert brignb("init").code == 0
    done = brignb("check", "--strict", "brignb.ipynb")
    assert (done.code, done.out) == (0, "")
