"""The form: fields from the declared types, an event from the fields."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path

import ipywidgets as widgets
import pytest
from buttons import enabled
from sessions import SECRETS

from brignb import events
from brignb.errors import BadInput, NotebookError, NotFound, ParameterError
from brignb.magics import form
from brignb.magics.fields import field_for
from brignb.magics.formview import live
from brignb.magics.notebooks import notebook_path, parameters
from brignb.magics.values import event_of
from brignb.model.declarations import MISSING, read
from brignb.model.shapes import ShapeError

CELL = """\
from typing import Annotated, Literal
environment: Literal["staging", "production"] = "staging"
tag: str = "1.0"              # from: event.data.release.tag
count: int = 3
ratio: float = 0.5
dry: bool = True
day: Annotated[str, "date"] = "2026-01-31"
config: Annotated[str, "file"] = "a.yaml"
label: str | None = None
regions: list[str] = ["eu"]
branch: str = "main"          # from: event.revision.ref
"""


def write(path: Path, cell: str | None, **more) -> Path:
    cells = [] if cell is None else [{"cell_type": "code", "source": cell, "metadata": {"tags": ["parameters"]}}]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}))
    return path


@pytest.fixture
def notebook(tmp_path) -> Path:
    return write(tmp_path / "pipeline.ipynb", CELL)


def field(declaration: str, value=MISSING):
    (declared,) = read(declaration).declared
    return field_for(declared, declared.default if value is MISSING else value)


@pytest.mark.parametrize(
    ("declaration", "kind", "value"),
    [
        ("x: str = 'a'", widgets.Text, "a"),
        ("x: str = 'a\\nb'", widgets.Textarea, "a\nb"),
        ("x: int = 3", widgets.IntText, 3),
        ("x: int = 9007199254740993", widgets.Text, 9007199254740993),
        ("x: float = 2", widgets.FloatText, 2.0),
        ("x: bool = True", widgets.Checkbox, True),
        ("x: Literal['a', 2, None] = 2", widgets.Dropdown, 2),
        ("x: Annotated[str, 'date'] = '2026-01-31'", widgets.DatePicker, "2026-01-31"),
        ("x: Annotated[str, 'file'] = 'a.txt'", widgets.HBox, "a.txt"),
        ("x: list[int] = [1]", widgets.Text, [1]),
        ("x: dict = {'a': 1}", widgets.Text, {"a": 1}),
        ("x: int | str = 5", widgets.Text, 5),
        ("x: str | None = None", widgets.HBox, None),
        ("x: Annotated[str, 'date'] | None = None", widgets.HBox, None),
        ("x: Literal['a'] | None = 'a'", widgets.HBox, "a"),
    ],
)
def test_the_type_chooses_the_field(declaration, kind, value) -> None:
    """Text, number, choice, date, flag, file, and JSON for the rest; at first it holds the default."""
    made = field(declaration)
    assert type(made.widget) is kind
    assert made.read() == value
    assert type(made.read()) is type(value)


def test_an_optional_field_is_ticked_to_be_set() -> None:
    """An empty text is not nothing."""
    made = field("x: str | None = None")
    text, ticked = made.widget.children
    assert text.disabled
    ticked.value = True
    assert not text.disabled
    assert made.read() == ""


def test_a_wrong_entry_is_told() -> None:
    """As `-p` would tell it."""
    made = field("x: list[int] = []")
    made.widget.value = '["a"]'
    with pytest.raises(ShapeError, match="str"):
        made.read()
    with pytest.raises(ShapeError, match="no date"):
        field("x: Annotated[str, 'date']").read()


def test_an_uploaded_file_is_kept_under_its_plain_name() -> None:
    """A browser's word for a file's name is a stranger's."""
    made = field("x: Annotated[str, 'file']")
    _, upload = made.widget.children
    sent = {
        "name": "../../etc/evil.txt",
        "type": "",
        "size": 2,
        "content": memoryview(b"hi"),
        "last_modified": datetime.now(UTC),
    }
    upload.set_trait("value", (sent,))
    path = Path(made.read())
    assert path.name == "evil.txt"
    assert "etc" not in path.parts
    assert path.read_bytes() == b"hi"


def test_event_of_puts_values_where_a_build_would_look() -> None:
    """The same parameters, filled by a build from that event, have the same values."""
    declared = read("a: int = 1 # from: event.data.x.0.y\nb: str = '' # from: event.type\nc: int = 2").declared
    base = {"x": [{"y": 0, "z": 1}], "k": "kept"}
    made = event_of(declared, {"a": 5, "b": "tag", "c": 7}, base)
    assert made.data == {"x": [{"y": 5, "z": 1}], "k": "kept"}
    assert made.about == {"type": "tag"}
    assert base["x"][0]["y"] == 0
    assert event_of(declared, {"a": 5}).data == {"x": {"0": {"y": 5}}}
    whole = read("a: dict = {} # from: event.data").declared
    assert event_of(whole, {"a": {"n": 1}}).data == {"n": 1}
    assert event_of(read("c: int = 2").declared, {"c": 1}).data is None


def test_fire_binds_and_fires(typed, notebook) -> None:
    """The handlers see the values as the notebook's own names, and in the event."""
    typed.run(
        "seen = []\n@events.on('push')\ndef f(event):\n    seen.append((count, day, tag, event.data, event.revision.ref))"
    )
    typed.shell.user_ns["where"] = notebook
    made = typed.run("from brignb.magics import form\nmade = form('push', {'k': 1}, notebook=where)\nmade")
    assert "form of push" in repr(typed.shell.user_ns["made"])
    made = typed.shell.user_ns["made"]
    asyncio.run(_fired(made, {**made.initial(), "count": 9, "tag": "v2"}))
    expected = (9, "2026-01-31", "v2", {"k": 1, "release": {"tag": "v2"}}, "main")
    assert typed.shell.user_ns["seen"] == [expected]


async def _fired(made, values) -> None:
    await made.fire(values)


def test_fire_refuses_what_the_parameter_does_not_take(typed, notebook) -> None:
    """And binds nothing of it."""
    made = form("push", notebook=notebook)
    with pytest.raises(ParameterError, match="count"):
        made.fire({"tag": "new", "count": "many"})
    assert "tag" not in typed.shell.user_ns


def test_initial_values_are_the_notebooks_own_where_they_fit(typed, notebook) -> None:
    """An author who has set `count = 5` in a cell sees 5."""
    typed.run("count = 5\nratio = 'much'")
    assert (form(notebook=notebook).initial()["count"], form(notebook=notebook).initial()["ratio"]) == (5, 0.5)


def test_a_secret_of_the_project_is_in_no_field(typed, notebook) -> None:
    """A field's value is saved with the notebook."""
    typed.run("from brignb import project\nregions = ['eu', 'with ' + project.secrets['TOKEN']]")
    made = form(notebook=notebook)
    assert made.initial()["regions"] == ["eu"]
    assert SECRETS["TOKEN"] not in str(made._repr_mimebundle_())


async def test_the_live_form_fires_and_says_what_is_wrong(typed, notebook) -> None:
    """A click reads the fields; what is wrong with one stands below, and nothing is fired."""
    seen = []
    events.on("push", lambda event: seen.append(event.data))
    box = live(form("push", notebook=notebook))
    kind, *rows, buttons, status = box.children
    fires, stops = buttons.children
    assert [row.children[0].description for row in rows[:3]] == ["environment", "tag", "count"]
    regions = rows[8].children[0]
    regions.value = "[1,"
    fires.click()
    assert "regions" in status.value
    assert seen == []
    regions.value = '["us"]'
    rows[5].children[0].value = date(2026, 2, 1)
    fires.click()
    assert fires.disabled
    assert not stops.disabled
    await enabled(fires)
    assert seen == [{"release": {"tag": "1.0"}}]
    assert "succeeded" in status.value
    assert (typed.shell.user_ns["regions"], typed.shell.user_ns["day"]) == (["us"], "2026-02-01")
    kind.value = "no type"
    fires.click()
    assert "no event type" in status.value


async def test_a_failing_and_a_stopped_handler(typed, notebook, capsys) -> None:
    """Its traceback is shown as a cell's; a stopped one is canceled."""

    @events.on("push")
    async def fails() -> None:
        raise ValueError("<b>s3cr3t-token-value</b>")

    @events.on("tag")
    async def waits() -> None:
        await asyncio.Event().wait()

    box = live(form("push", notebook=notebook))
    kind, *_, buttons, status = box.children
    fires, stops = buttons.children
    fires.click()
    await enabled(fires)
    assert "ValueError, see below" in status.value
    assert "fails" in capsys.readouterr().out
    kind.value = "tag"
    fires.click()
    await asyncio.sleep(0)
    stops.click()
    await enabled(fires)
    assert "stopped" in status.value


def test_where_the_notebook_is(typed, notebook, monkeypatch) -> None:
    """Named, told by VS Code, told by Jupyter, or an error that says what was looked at."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with pytest.raises(NotFound, match="nobody tells") as error:
        notebook_path()
    assert "--notebook" in error.value.hint
    assert notebook_path(environment={"JPY_SESSION_NAME": str(notebook)}) == notebook
    typed.shell.user_ns["__vsc_ipynb_file__"] = str(notebook)
    assert notebook_path() == notebook
    with pytest.raises(NotFound, match="no such notebook"):
        notebook_path(environment={}, given=notebook.with_name("renamed.ipynb"))


def test_parameters_typed_in_a_shell(typed, monkeypatch) -> None:
    """A terminal has no notebook; the cell that begins with `# parameters` is meant."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    typed.shell.user_ns["In"] = ["", "# parameters\nn: int = 1"]
    where, declared = parameters()
    assert (where, [each.name for each in declared]) == ("this session", ["n"])


def test_no_parameters_and_no_notebook(typed, tmp_path) -> None:
    """Each says what to do."""
    with pytest.raises(BadInput, match="declares no parameters"):
        form(notebook=write(tmp_path / "a.ipynb", None))
    (tmp_path / "b.ipynb").write_text("{")
    with pytest.raises(NotebookError, match="no notebook"):
        form(notebook=tmp_path / "b.ipynb")
    with pytest.raises(BadInput, match="no JSON"):
        form("push", "{", notebook=write(tmp_path / "c.ipynb", CELL))


def test_in_a_terminal_it_is_a_table(typed, notebook, capsys) -> None:
    """Without a kernel nothing is live; what is there to be filled is said all the same."""
    form("push", notebook=notebook)._ipython_display_()
    said = capsys.readouterr().out
    assert "environment: Literal['staging', 'production'] = \"staging\"" in said
    assert "%brig fire push" in said


def test_static_form_is_inert(typed, tmp_path) -> None:
    """Defaults are text of the notebook's author, who may be anybody."""
    made = form(notebook=write(tmp_path / "<b>.ipynb", "x: str = '<script>'"))
    html = made._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    assert "<b>" not in html
