"""Ends: each of these notebooks ends its run before its last cell, or is given parameters."""

from fidelity.books.book import Book, code, shows

DEFAULTS = code(
    "count = 1\nname: str = 'a'\nratio = 0.5\nflag = False\nitems = [1]\ntable = {'a': 1}\nnothing = None", "parameters"
)
VALUES = {
    "count": -7,
    "name": "'\"\\ \n\t 🦉 '''; print('PWNED')",
    "ratio": 1e-9,
    "flag": True,
    "items": [1, "two", None, [True, {}]],
    "table": {"k": {"deep": [1.5]}, "": "empty"},
    "nothing": None,
}


def ending(source: str, **cells: str) -> Book:
    """A notebook whose second cell ends it."""
    return Book(
        {"before": shows("print('before')"), "the end": shows(source), "after": shows("print('after')", **cells)}
    )


ENDS = {
    "an exception": ending("print('here')\n1 / 0"),
    "a syntax error": ending("x = = 1"),
    "an unknown magic": ending("%nothing_like_it"),
    "sys.exit()": ending("import sys\nsys.exit()"),
    "sys.exit(0)": ending("import sys\nsys.exit(0)"),
    "sys.exit(3)": ending("import sys\nsys.exit(3)"),
    "exit": ending("exit"),
    "quit()": ending("quit()"),
    "os._exit(0)": ending("import os\nprint('last words', flush=True)\nos._exit(0)"),
    "a kill": ending("import os, signal\nprint('last words', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"),
    "a crash": ending("import ctypes\nprint('last words', flush=True)\nctypes.string_at(0)"),
    "an exception group": ending("raise ExceptionGroup('several', [ValueError(1)])"),
    "a failing figure": ending("display('shown')\nraise KeyError('k')"),
    "parameters": Book(
        {
            "defaults": shows(DEFAULTS),
            "values": shows(
                "count, name, ratio, flag, items, table, nothing",
                "[type(v).__name__ for v in (count, name, ratio, flag, items, table, nothing)]",
            ),
        },
        parameters=VALUES,
    ),
    "some parameters": Book(
        {
            "a title": shows({"cell_type": "markdown", "source": "# T", "metadata": {}}),
            "defaults": shows(DEFAULTS),
            "values": shows("count, name"),
        },
        parameters={"count": 2},
    ),
    "an injected cell of an earlier run": Book(
        {
            "defaults": shows(DEFAULTS),
            "an earlier run's": shows(code("# Parameters\ncount = 5\n", "injected-parameters")),
            "values": shows("count, name"),
        },
        parameters={"count": 6},
    ),
    "no parameters": Book({"defaults": shows(DEFAULTS), "values": shows("count, name")}),
    "no code": Book({"words": shows({"cell_type": "markdown", "source": "only words", "metadata": {}})}),
    "an older format": Book(
        {"a result": shows("1 + 1"), "words": shows({"cell_type": "markdown", "source": "w", "metadata": {}})}, minor=2
    ),
    "metadata of a notebook": Book(
        {"a result": shows("1")}, metadata={"title": "mine", "authors": [{"name": "A"}], "toc": {"a": 1}}
    ),
}
