"""Typed parameters under random fire: no name and no value is ever code, and what is accepted arrives as it was given.

100,000 (name, value) pairs in the whole suite, some hundreds in the fast one. Three witnesses: an audit hook hears whatever is executed
while names and values are checked and rendered; the rendered cell consists of literals; it is executed without builtins, where a call
would be a NameError.
"""

from __future__ import annotations

import ast
import copy
import json
import keyword
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from contract.engines import ENGINES, Seen, notebook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brignb.engine.injection import INJECTED, inject
from brignb.engine.journal import fold
from brignb.engine.seam import Plan
from brignb.errors import ParameterError
from brignb.model.declarations import RESERVED, name_problem
from brignb.model.parameters import Declared, check, parse, read

PAIRS = 20
"""Of one example: they share a cell, and the cost of rendering it."""

EVIL = (
    "x=1; print('PWNED'); y", "x\nimport os", "x\\\n", "__builtins__", "__import__", "__name__", "class", "None", "True", "match",
    "print", "exec", "event", "In", "_", "__", "a.b", "a[0]", "a b", "", " x", "x ", "x\x00y", "\ud800", "\uff58", "\u0430dmin", "ﬁ", "ª", "x²",
    "été", "x\u200b", "#x", "'x'", "{x}", "%x", "!x", "?x", "x?", "x:int", "x,y", "*x", "λ", "1x", "x1", "count", "name", "exit", "X" * 300,
)  # fmt: skip
NASTY = (
    "'", '"', "'''", '"""', "\\", "\\'", '\\"', "\\\n", "\n", "\r", "\t", "\x00", "\x1b[31m", "{x.__class__}", "%s", "$(id)", "`id`", "🦉",
    "\u2028", "\u202e", "\ud800", "a\udfffb", "'''; print('PWNED'); '''", '"+__import__("os").system("id")+"', "\\x41", "\\N{BULLET}", "#",
    "null", "true", "NaN", "1e999", "[1, 2]", '{"a": 1}', " 7 ", "1_000", "٣", "0x10", "x" * 5000,
)  # fmt: skip
ANNOTATIONS = (
    "str", "int", "float", "bool", "list", "dict", "Any", "list[str]", "list[int]", "dict[str, float]", "dict[str, list[Any]]", "str | None",
    "int | float | str", "Optional[bool]", "Literal['a', 1, True, None]", "list[dict[str, int | None]]",
)  # fmt: skip


class Text(str):
    """A text that is none: its own class decides what it says."""

    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError("user's code was called")


def spelled(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # a whole number that Python does not write
        return "1" * 5000


def nest(depth: int) -> Any:
    value: Any = "deep"
    for n in range(depth):
        value = [value] if n % 2 else {"k": value}
    return value


GOOD_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
NAMES = st.one_of(
    st.sampled_from(EVIL),
    st.sampled_from(keyword.kwlist + keyword.softkwlist + sorted(RESERVED)),
    GOOD_NAMES,
    st.text(max_size=8),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from((0, -1, 2**63, -(2**64))),
    st.sampled_from((400, 3999, 4000, 4299, 5000)).map(lambda digits: 10**digits),  # Python does not write the last
    st.floats(),
    st.sampled_from((-0.0, 5e-324, 1.7976931348623157e308, float("nan"), float("inf"), -float("inf"))),
    st.sampled_from(NASTY),
    st.text(max_size=12),
)
STRANGE = st.sampled_from(
    (b"x", (1,), {1}, 1j, ..., object(), Text("x"), [Text("x")], {1: 2}, {None: 1}, {Text("k"): 1}, type, print)
)
VALUES = st.one_of(
    LEAVES,
    LEAVES,
    st.lists(LEAVES, max_size=3),
    st.dictionaries(st.one_of(st.sampled_from(NASTY), st.text(max_size=4)), LEAVES, max_size=3),
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NASTY), inner, max_size=2),
        max_leaves=5,
    ),
    st.integers(min_value=1, max_value=70).map(nest),
    STRANGE,
)
FITTING = st.one_of(
    st.tuples(GOOD_NAMES, st.just("Any"), VALUES),
    st.tuples(GOOD_NAMES, st.sampled_from(("str", "str | None")), st.sampled_from(NASTY) | st.text(max_size=20)),
    st.tuples(GOOD_NAMES, st.just("int | float | str"), LEAVES),
    st.tuples(GOOD_NAMES, st.just("dict"), st.dictionaries(st.text(max_size=4), VALUES, max_size=2)),
)
EXAMPLE = st.lists(st.tuples(NAMES, st.sampled_from(ANNOTATIONS), VALUES) | FITTING, min_size=PAIRS, max_size=PAIRS)

_heard: list[str] | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _heard is not None and (
        event == "exec" or event.startswith(("os.system", "subprocess", "os.exec", "os.posix_spawn"))
    ):
        _heard.append(f"{event} {arguments!r:.200}")


sys.addaudithook(_hook)


@contextmanager
def nothing_is_executed() -> Iterator[None]:
    """Fails if anything was."""
    global _heard  # noqa: PLW0603 - an audit hook cannot be taken away again
    _heard = []
    try:
        yield
        heard = _heard
    finally:
        _heard = None
    assert heard == []


def identical(a: Any, b: Any) -> bool:
    """Equal, with equal types all the way down, `-0.0` and `0.0` told apart."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(identical(x, y) for x, y in zip(a.values(), b.values(), strict=True))
    if isinstance(a, list):
        return len(a) == len(b) and all(identical(x, y) for x, y in zip(a, b, strict=True))
    return repr(a) == repr(b) if isinstance(a, float) else bool(a == b)


def as_given(given_value: Any, bound: Any) -> bool:
    """As it was given, but a float where a whole number stood for one."""
    if isinstance(bound, float) and type(given_value) is int:
        return bound == float(given_value)
    if isinstance(bound, list) and type(given_value) is list:
        return len(bound) == len(given_value) and all(map(as_given, given_value, bound))
    if isinstance(bound, dict) and type(given_value) is dict:
        return list(bound) == list(given_value) and all(map(as_given, given_value.values(), bound.values()))
    return identical(given_value, bound)


def take(name: str, annotation: str, value: Any) -> dict[str, Any]:
    """What is accepted of a pair: the cell declares the name, if a cell can."""
    declared: tuple[Declared, ...] = read(f"{name}: {annotation}\n").declared
    try:
        accepted = check(name, value, declared)
    except ParameterError as refused:
        str(refused).encode()  # it can be said, and written down
        return {}
    assert name_problem(name) == ""
    assert name.isidentifier() and not keyword.iskeyword(name)  # noqa: PT018 - one thought
    assert as_given(value, accepted), (value, accepted)
    return {name: accepted}


def survives(values: dict[str, Any]) -> None:
    """Through the journal, the binding and the rendered cell."""
    assert identical(json.loads(json.dumps(values)), values)
    assert identical(copy.deepcopy(values), values)
    with nothing_is_executed():
        shown = inject(notebook("x"), values)
    (source,) = (cell["source"] for cell in shown["cells"] if INJECTED in cell["metadata"]["tags"])
    tree = ast.parse(source)
    assert all(isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) for node in tree.body)
    assert identical({node.targets[0].id: ast.literal_eval(node.value) for node in tree.body}, values)  # type: ignore[attr-defined]
    bare: dict[str, Any] = {"__builtins__": {}}
    exec(source, bare)  # that it does nothing but assign is what is shown
    del bare["__builtins__"]
    assert identical(bare, values)


def fire(example: list[tuple[str, str, Any]]) -> None:
    values: dict[str, Any] = {}
    with nothing_is_executed():
        for pair in example:
            values |= take(*pair)
    if values:
        survives(values)


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """What rendering imports is executed once, and not by a name or a value."""
    inject(notebook("x"), {"x": 1})


@given(EXAMPLE)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_some_pairs(example: list[tuple[str, str, Any]]) -> None:
    """The fast suite's share."""
    fire(example)


@pytest.mark.slow
@given(EXAMPLE)
@settings(max_examples=100_000 // PAIRS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_a_hundred_thousand_pairs(example: list[tuple[str, str, Any]]) -> None:
    """As many as issue "Warm workers" asks for."""
    fire(example)


@given(st.sampled_from(ANNOTATIONS), st.one_of(st.sampled_from(NASTY), st.text(max_size=20), VALUES.map(spelled)))
@settings(max_examples=300, deadline=None)
def test_a_text_says_a_value_of_its_type_or_none(annotation: str, text: str) -> None:
    """`-p NAME=VALUE`: what it says would have been accepted as a value, too."""
    (declared,) = read(f"x: {annotation}").declared
    with nothing_is_executed():
        try:
            value = parse(text, declared)
        except ParameterError:
            return
        assert identical(check("x", value, (declared,)), value)


@pytest.mark.parametrize("name", EVIL)
def test_no_evil_name_is_bound(name: str) -> None:
    """Each one by name, so that a failure says which."""
    good = {"_", "match", "print", "exec", "count", "name", "x1", "X" * 300}
    assert (name in good) == bool(take(name, "int", 1)), name


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_values_reach_the_cells_as_they_are(engine: str) -> None:
    """Through a whole run: bound, recorded, shown."""
    accepted = [value for value in (*NASTY, nest(60), 10**400, -0.0, 5e-324, 2**64) if take("x", "Any", value)]
    values = {f"p{at}": value for at, value in enumerate(accepted)}
    made, seen, got = notebook("for n in names: got[n] = globals()[n]"), Seen(), dict[str, Any]()
    if engine not in {"shell", "papermill"}:
        made = notebook(
            "import json\nprint(json.dumps({n: globals()[n] for n in sorted(globals()) if n[0] == 'p' and n[1:].isdigit()}))"
        )
    outcome = ENGINES[engine](made, Plan(names={"names": list(values), "got": got}, parameters=values), seen)
    record = fold(made, seen.entries, ended=None)
    assert outcome.state == "succeeded", outcome
    if not got:
        got = json.loads(record["cells"][-1]["outputs"][0]["text"])
    assert identical({name: got[name] for name in values}, values)
    assert identical(record["metadata"]["papermill"]["parameters"], values)
