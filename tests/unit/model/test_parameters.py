"""Parameters: what a notebook declares, and that no name and no value is ever code."""

from __future__ import annotations

import json
import keyword
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.errors import ParameterError
from brignb.model.events import Event, Image, Revision
from brignb.model.parameters import MISSING, Declared, check, look_up, parse, read, resolve
from brignb.model.shapes import ANY, Shape, ShapeError

CELL = '''
"""What to build."""
from typing import Literal, Optional
count: int = 3                       # from: event.data.repository.forks
environment = "staging"              # a remark
label: str | None = None             # from: event.data.labels.0.name
ratio: float = 1                     # from: event.data.ratio
tags: list[str] = []
options: dict[str, int] = {"a": 1}
mode: Literal["fast", "slow"] = "fast"
commit: str = "HEAD"                 # from: event.revision.commit
token: str
quoted = "# from: event.data.no"
'''


def event(data: Any = None, **fields: Any) -> Event:
    payload = "" if data is None else json.dumps(data)
    return Event(id="E", type="push", source="github", project="o/r", build_id="B", payload=payload, **fields)


def declared(source: str = CELL) -> dict[str, Declared]:
    found = read(source)
    assert found.problems == ()
    return {one.name: one for one in found.declared}


def test_read_names_types_defaults_paths_and_lines() -> None:
    """Everything a user writes in the cell is understood without executing it."""
    found = declared()
    shown = {name: (str(one.type), one.default, one.path) for name, one in found.items()}
    assert shown == {
        "count": ("int", 3, "event.data.repository.forks"),
        "environment": ("str", "staging", None),
        "label": ("str | None", None, "event.data.labels.0.name"),
        "ratio": ("float", 1.0, "event.data.ratio"),
        "tags": ("list[str]", [], None),
        "options": ("dict[str, int]", {"a": 1}, None),
        "mode": ("Literal['fast', 'slow']", "fast", None),
        "commit": ("str", "HEAD", "event.revision.commit"),
        "token": ("str", MISSING, None),
        "quoted": ("str", "# from: event.data.no", None),
    }
    assert found["count"].line == 4


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("x = 1\ny = len('a')", 2, "no literal"),
        ("import os\nx = os.environ['A']", 2, "no literal"),
        ("x: int = 'a'", 1, "is str, not int"),
        ("x: int = True", 1, "is bool, not int"),
        ("x: datetime = None", 1, "no type a parameter can have"),
        ("x: Annotated[str, 'dtae'] = ''", 1, "one of 'date', 'file'"),
        ("x: Annotated[int, 'date'] = 1", 1, "Annotated"),
        ("x: Annotated[str, 'date'] = '31.1.2026'", 1, "no date"),
        ("x: list[int] = ['a']", 1, "is str, not int"),
        ("x: dict[int, int] = {}", 1, "no type"),
        ("x = (1, 2)", 1, "tuple"),
        ("x = 1e999", 1, "finite"),
        ("a = b = 1", 1, "no declaration"),
        ("a, b = 1, 2", 1, "no declaration"),
        ("print('x')", 1, "no declaration"),
        ("x.y = 1", 1, "no declaration"),
        ("__x__ = 1", 1, "begin with __"),
        ("event = 1", 1, "every notebook has already"),
        ("é = 1", 1, "letters"),
        ("x = 1  # from: payload.a", 1, "no path"),
        ("x = 1  # from: event.__class__.a", 1, "no path"),
        ("x = 1  # from: event.data..a", 1, "no path"),
        ("x = (", 1, "no Python"),
        ("%load_ext a", 1, "no Python"),
        ("x = '\0'", 1, "no Python"),
        ("x = '\ud800'", 1, "no Python"),
        ("x = " + "(" * 5000, 1, "no Python"),
        ("x: Literal[len] = 1", 1, "Literal"),
        ("x: 'int +' = 1", 1, "no type|is not a type"),
    ],
)
def test_read_tells_what_is_wrong_and_where(source: str, line: int, words: str) -> None:
    """A defect is a sentence with its line, never a crash and never a silent guess."""
    problems = read(source).problems
    assert [n for n, _ in problems] == [line]
    assert any(word in problems[0][1] for word in words.split("|"))


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("int", "42", 42),
        ("int", " -7 ", -7),
        ("float", "1e3", 1000.0),
        ("float", "2", 2.0),
        ("bool", "true", True),
        ("bool", "NO", False),
        ("bool", "1", True),
        ("str", "", ""),
        ("str", " 1; import os ", " 1; import os "),
        ("list", "[1, null]", [1, None]),
        ("dict", '{"a": {"b": []}}', {"a": {"b": []}}),
        ("list[int]", "[1,2]", [1, 2]),
        ("str | None", "null", "null"),
        ("int | None", "null", None),
        ("Optional[int]", "5", 5),
        ("typing.Optional[int]", "5", 5),
        ("'int | None'", "5", 5),
        ("int | str", "5", 5),
        ("int | str", "five", "five"),
        ("Literal['a', 2, True]", "2", 2),
        ("Literal['a', 2, True]", "true", True),
        ("Annotated[str, 'date']", "2026-01-31", "2026-01-31"),
        ("typing.Annotated[str, 'file'] | None", "a/b.yaml", "a/b.yaml"),
        ("Any", '{"a": 1}', {"a": 1}),
        ("Any", "plain words", "plain words"),
    ],
)
def test_parse_reads_by_the_declared_type(type_: str, text: str, value: Any) -> None:
    """`-p` is parsed by the type, not by what the text looks like."""
    one = declared(f"x: {type_}")["x"]
    got = parse(text, one)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("int", "1_0"), ("int", "1.0"), ("int", "true"), ("int", "٣"), ("int", "9" * 5000), ("int", "__import__('os')"),
        ("float", "nan"), ("float", "inf"), ("float", "1e999"), ("float", "1_0.5"), ("float", "x"),
        ("bool", "2"), ("bool", ""), ("list", "{}"), ("list", "[1"), ("list", "[NaN]"), ("list", "[" * 100_000),
        ("list", "[" * 80 + "]" * 80), ("list[int]", '["a"]'), ("dict", "[]"), ("Literal['a']", "b"),
        ("Annotated[str, 'date']", "2026-02-30"), ("Annotated[str, 'date']", "20260131"),
        ("int | None", "x"), ("str", "\udcff"), ("dict", '{"\\ud800": 1}'),
    ],
)  # fmt: skip
def test_parse_refuses_what_is_of_another_type(type_: str, text: str) -> None:
    """A wrong value is exit 2 with its place, not something that fails later."""
    with pytest.raises(ParameterError) as error:
        parse(text, declared(f"x: {type_}")["x"])
    assert error.value.where == "`parameters` cell, line 1, x"
    assert "its type is" in error.value.hint


def test_resolve_takes_p_then_path_then_default() -> None:
    """The contract's order; a default is left to the notebook itself."""
    data = {"repository": {"forks": 9}, "labels": [{"name": "urgent"}], "ratio": 2}
    values = resolve(read(CELL).declared, event(data), {"count": "5", "token": "t"})
    assert values == {"count": 5, "label": "urgent", "ratio": 2.0, "token": "t"}


def test_resolve_fills_never_by_name_alone() -> None:
    """An event must not reach a parameter that has no path."""
    assert resolve(read("environment = 'staging'").declared, event({"environment": "prod"}), {}) == {}


def test_resolve_names_the_nearest_parameter() -> None:
    """An undeclared name is a typing error most of the time."""
    with pytest.raises(ParameterError, match="did you mean environment"):
        resolve(read(CELL).declared, event(), {"enviroment": "x", "token": "t"})


def test_resolve_wants_a_value_where_there_is_no_default() -> None:
    with pytest.raises(ParameterError, match="no value and no default"):
        resolve(read("token: str").declared, event(), {})


def test_resolve_refuses_a_wrong_type_from_the_event() -> None:
    """A wrong type fails the build; it does not fall back to the default."""
    with pytest.raises(ParameterError, match=r"event\.data\.repository\.forks is str, not int"):
        resolve(read(CELL).declared, event({"repository": {"forks": "many"}}), {"token": "t"})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("event.type", "push"),
        ("event.payload", '{"a": [{"b": 1}], "n": null}'),
        ("event.data", {"a": [{"b": 1}], "n": None}),
        ("event.data.a.0.b", 1),
        ("event.data.a.1.b", MISSING),
        ("event.data.a.-1", MISSING),
        ("event.data.a.00.b", 1),
        ("event.data.a.b", MISSING),
        ("event.data.n", None),
        ("event.data.n.x", MISSING),
        ("event.data.a.0.b.real", MISSING),
        ("event.data.__class__", MISSING),
        ("event.revision.ref", "refs/heads/main"),
        ("event.revision.commit", MISSING),
        ("event.image.tag", "v1"),
        ("event.cause.event", MISSING),
    ],
)
def test_look_up_walks_json_only(path: str, value: Any) -> None:
    """A path reaches JSON, never an attribute; what an event has not is missing."""
    one = event({"a": [{"b": 1}], "n": None}, revision=Revision(ref="refs/heads/main"), image=Image(tag="v1"))
    assert look_up(one, path) == value


def test_check_refuses_what_papermill_guessed_wrong() -> None:
    """papermill's `-p version 1` gives a number; a text was declared."""
    names = read("version: str = '0'\nratio: float = 0.5").declared
    assert check("ratio", 2, names) == 2.0
    with pytest.raises(ParameterError, match="version is int, not str"):
        check("version", 1, names)
    with pytest.raises(ParameterError, match="declares no parameter"):
        check("x=1; import os; y", 1, names)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_any_json_round_trips_as_a_value(value: Any) -> None:
    """What is given as JSON is bound as exactly that."""
    assert ANY.check(value) == value
    if isinstance(value, list | dict):
        assert Shape("any").parse(json.dumps(value)) == value


@given(st.text(), st.text())
def test_no_text_is_code(name: str, text: str) -> None:
    """Any name is refused or found, any text comes out as itself."""
    names = read("x: str = ''").declared
    if name != "x":
        with pytest.raises(ParameterError):
            resolve(names, event(), {name: text})
    assert resolve(names, event(), {"x": text}) == {"x": text}


@given(st.text(max_size=40))
def test_a_cell_of_any_text_is_read_without_a_crash(source: str) -> None:
    """The cell comes from a repository; reading it cannot fail in ways nobody handles."""
    for one in read(source).declared:
        assert one.name.isidentifier()
        assert not keyword.iskeyword(one.name)


@given(json_values.filter(lambda value: not isinstance(value, str)))
def test_a_text_is_declared_and_nothing_else_passes(value: Any) -> None:
    with pytest.raises(ShapeError):
        Shape("str").check(value)
