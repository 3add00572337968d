"""What a `parameters` cell declares in languages that we have no parser of."""

from __future__ import annotations

import pytest

from brignb.model.declarations import Declared
from brignb.model.otherlanguages import dangerous, read_lines
from brignb.model.parameters import parse


def one(source: str) -> Declared:
    (declared,) = read_lines(source).declared
    return declared


@pytest.mark.parametrize(
    ("source", "name", "kind", "default"),
    [
        ('tag <- "dev"', "tag", "str", "dev"),
        ("tag='dev'", "tag", "str", "dev"),
        ("export TAG=dev", "TAG", "Any", None),
        ("n <- 3L", "n", "int | float", 3),
        ("let limit = 2.5;", "limit", "int | float", 2.5),
        ("val n: Int = 7", "n", "int | float", 7),
        ("$on = $true", "on", "bool", True),
        ("on <- FALSE", "on", "bool", False),
        ("x := list(1, 2)", "x", "Any", None),
    ],
)
def test_a_line_that_assigns_declares(source: str, name: str, kind: str, default: object) -> None:
    declared = one(source)
    assert (declared.name, str(declared.type), declared.default) == (name, kind, default)


def test_the_path_stands_in_the_comment() -> None:
    """Filled from the event in every language, as the contract has it."""
    assert one('ref <- "main"  # from: event.data.ref').path == "event.data.ref"
    assert one('const ref = "main";  // from: event.revision.ref').path == "event.revision.ref"
    assert read_lines("x = 1  # from: os.environ").problems[0][0] == 1


def test_other_lines_are_the_languages_own_business() -> None:
    found = read_lines("library(dplyr)\n# a comment\nif (x == 3) { }\ny <- 1\n")
    assert [each.name for each in found.declared] == ["y"]
    assert found.problems == ()


def test_a_value_is_read_by_the_declared_type() -> None:
    assert parse("3", one("n <- 1")) == 3
    assert parse("2.5", one("n <- 1")) == 2.5
    assert parse("3", one('tag <- "a"')) == "3"


def test_texts_that_a_language_would_interpret_are_known() -> None:
    """papermill writes `$(…)` as it is into double quotes, which Julia and PowerShell evaluate."""
    assert dangerous("julia", {"a": ["$(run(`id`))"]})
    assert not dangerous("julia", "plain")
    assert not dangerous("r", "$(id)")
    assert not dangerous("bash", "$(id)")
