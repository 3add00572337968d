"""A magic's words: split, filled, parsed; a wrong one names the right one."""

from __future__ import annotations

import pytest

from brignb.errors import BadInput
from brignb.magics.words import Word, fill, parse, split, usage

WORDS = (
    Word(name="TYPE", help="", needed=True),
    Word(name="--payload", value="FILE", help=""),
    Word(name="--timeout", short="-t", value="S", take=float, help=""),
    Word(name="--env", value="K=V", many=True, help=""),
    Word(name="--wait", help=""),
)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fire push", ["fire", "push"]),
        ("--env \"a b\" c'd e'", ["--env", "a b", "cd e"]),
        ('--payload {"ref": "a b", "n": [1, {}]} --wait', ["--payload", '{"ref": "a b", "n": [1, {}]}', "--wait"]),
        ('--payload=[1, "x"]', ['--payload=[1, "x"]']),
        ("{tag} {not json", ["{tag}", "{not", "json"]),
        (r"a\ b", ["a b"]),
        ("  ", []),
    ],
)
def test_split_is_the_shells_but_for_json(line, words) -> None:
    """JSON is what people have on their clipboard; nobody wants to quote it once more."""
    assert split(line) == words


def test_open_quote_is_told() -> None:
    """A quote that is not closed must not swallow the next words in silence."""
    with pytest.raises(BadInput, match="quote"):
        split('--env "a')


def test_fill_is_word_by_word() -> None:
    """A value with a space is one argument still; one with dashes is no option."""
    names = {"tag": "v 1 --privileged", "n": 3}
    assert [fill(word, names) for word in split("--env T={tag} $n {{x}} $$n")] == [
        "--env",
        "T=v 1 --privileged",
        "3",
        "{x}",
        "$n",
    ]
    assert fill('{"tag": 1}', names) == '{"tag": 1}'
    assert fill('--payload={"tag": 1}', names) == '--payload={"tag": 1}'


def test_unknown_variable_is_told() -> None:
    """IPython leaves the braces; then a job would run with them."""
    with pytest.raises(BadInput, match="tga"):
        fill("{tga}", {"tag": 1})


def test_parse() -> None:
    """Values by name, of their types."""
    found = parse("%brig fire", WORDS, ["push", "-t", "3", "--env", "a=1", "--env=b=2", "--wait"])
    assert vars(found) == {"type": "push", "payload": None, "timeout": 3.0, "env": ["a=1", "b=2"], "wait": True}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["push", "--pyload", "x"], "--payload"),
        (["push", "--pyload=x"], "--payload"),
        (["push", "--wiat"], "--wait"),
        ([], "TYPE"),
        (["push", "more"], "more"),
        (["push", "--timeout", "soon"], "soon"),
        (["push", "--timeout"], "--timeout"),
        (["push", "--wait=1"], "--wait"),
    ],
)
def test_wrong_word_names_the_right_one(given, says) -> None:
    """One line that is enough to mend it."""
    with pytest.raises(BadInput) as error:
        parse("%brig fire", WORDS, given)
    assert says in str(error.value)
    assert "%brig fire" in str(error.value)


def test_usage_is_one_line() -> None:
    """What must be there has no brackets."""
    assert usage("x", WORDS) == "x TYPE [--payload FILE] [--timeout S] [--env K=V …] [--wait]"
