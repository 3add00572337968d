"""The extension in a real shell: what cells become, and what a wrong word says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from brignb import JobFailed
from brignb.magics.commands import COMMANDS
from brignb.magics.loading import load_ipython_extension, unload_ipython_extension

SCAN = "@events.on('push', 'image_push')\nasync def scan(event):\n    seen.append((event.type, event.data))\nseen = []"


def test_load_ext_finds_it(typed) -> None:
    """`%load_ext brignb` is what every page says."""
    typed.shell.extension_manager.loaded.clear()
    assert typed.shell.extension_manager.load_extension("brignb") is None
    assert typed.shell.extension_manager.unload_extension("brignb") is None
    assert "brig" not in typed.shell.magics_manager.magics["line"]


def test_loading_twice_and_unloading_leave_nothing_behind(typed) -> None:
    """`%reload_ext` while writing must not await twice, nor complete twice."""
    before = [list(each) for each in _transformers(typed.shell)]
    load_ipython_extension(typed.shell)
    assert [len(each) for each in _transformers(typed.shell)] == [len(each) for each in before]
    unload_ipython_extension(typed.shell)
    assert [len(each) for each in _transformers(typed.shell)] == [len(each) - 1 for each in before]
    assert typed.completed("%brig fi") != ["%brig fire"]


def _transformers(shell):
    return shell.input_transformers_cleanup, shell.input_transformers_post


def test_loading_imports_no_widgets_and_no_http() -> None:
    """An extension that is loaded in every notebook must cost nothing."""
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "import sys; shell = InteractiveShell.instance(); before = set(sys.modules)\n"
        "shell.run_line_magic('load_ext', 'brignb')\n"
        "print([name for name in ('ipywidgets', 'httpx', 'anywidget', 'nbformat') if name in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_fire_awaits_on_the_cells_own_loop(typed) -> None:
    """Interrupt, breakpoints and what is bound to a thread work only there."""
    typed.run(
        "import threading\nseen = []\n@events.on('push')\nasync def f():\n    seen.append(threading.current_thread())"
    )
    typed.run("%brig fire push\nseen.append(threading.current_thread())")
    ran, cell = typed.shell.user_ns["seen"]
    assert ran is cell


@pytest.mark.parametrize(
    "cell",
    [
        '%brig fire push --payload {"ref": "main"}',
        'x = %brig fire push --payload {"ref": "main"}',
        'def g():\n    %brig fire push --payload {"ref": "main"}\ng()',
        'if True:\n    %brig fire push --payload {"ref": "main"}',
        "given = {'ref': 'main'}\n%brig fire push --payload given",
        "await fire('push', {'ref': 'main'})",
    ],
)
def test_fire_runs_the_handlers_wherever_it_stands(typed, cell) -> None:
    """A magic that does nothing in a function would be worse than one that is unknown."""
    typed.run(SCAN)
    typed.run("from brignb.magics import fire")
    typed.run(cell)
    assert typed.shell.user_ns["seen"] == [("push", {"ref": "main"})]


def test_fire_from_a_file(typed, tmp_path) -> None:
    """Recorded payloads are files."""
    path = tmp_path / "a payload.json"
    path.write_text('{"n": 1}')
    typed.run(SCAN)
    typed.shell.user_ns["path"] = path
    typed.run("%brig fire image_push --payload {path}")
    assert typed.shell.user_ns["seen"] == [("image_push", {"n": 1})]
    assert "cannot be read" in typed.wrong("%brig fire push --payload nothing.json")
    assert "JSON" in typed.wrong('%brig fire push --payload {"a": 1')
    assert "no JSON" in typed.wrong("%brig fire push --payload [1")


def test_nobody_answers_is_told_with_the_nearest(typed, capsys) -> None:
    """The commonest mistake: a type that no handler has."""
    typed.run(SCAN)
    typed.run("%brig fire imagepush")
    assert (
        "no handler answers imagepush; the handlers here answer image_push, push; did you mean image_push?"
        in capsys.readouterr().out
    )


def test_failing_handler_keeps_its_traceback(typed) -> None:
    """It is the author's own error, and `%debug` wants it."""
    typed.run("@events.on('push')\ndef f():\n    return 1 / 0")
    with pytest.raises(ZeroDivisionError) as error:
        typed.run("%brig fire push")
    assert error.traceback[-1].name == "f"


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("%brig fier push", "fire"),
        ("%brig fire", "a type, such as push, or --event ID"),
        ("%brig fire push --pyload x", "--payload"),
        ("%brig fire push --payload {nothing_there}", "nothing_there"),
        ("%brig builds --state faild", "failed"),
        ("%brig help fier", "fire"),
        ("%brig listen --for soon", "10m"),
        ("%brig listen", "events.on"),
        ("%%scratch x\n1", "takes nothing after it"),
        ("%%job\ntrue", "NAME"),
        ("%%job Build\ntrue", "'build'"),
        ("%%job build --timeuot 3\ntrue", "--timeout"),
        ("%%job build --timeout 0\ntrue", "more than 0"),
        ("%%job build\n  ", "no script"),
        ("%%job events\ntrue", "another name"),
        ("%%job build --needs bild\ntrue", "bild"),
        ("%%job build --env NOTHING\ntrue", "NOTHING"),
    ],
)
def test_wrong_words_are_one_line_that_names_the_right_one(typed, cell, says) -> None:
    """No traceback: nothing of it would be the author's."""
    said = typed.wrong(cell)
    assert says in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "cell",
    ["%brig inbox", "%brig builds", "%brig debug 01X", "%brig build 01X", "%brig replay 01X", "%brig fire --event 01X"],
)
def test_no_server_is_one_line(typed, nowhere, cell) -> None:
    """And work goes on: the next test's cell runs in the same shell."""
    said = typed.wrong(cell)
    assert "no server runs here" in said
    assert "\n" not in said
    assert typed.run("1 + 1") == 2


def test_listening_to_no_server_is_one_line(typed, nowhere) -> None:
    """Also where it is awaited, when the handlers are there already."""
    typed.run(SCAN)
    for cell in ("%brig listen", "if True:\n    %brig listen"):
        said = typed.wrong(cell)
        assert "no server runs here" in said
        assert "\n" not in said


def test_scratch_is_an_ordinary_cell(typed) -> None:
    """Top-level await, the last value, and the line of an error."""
    assert typed.run("%%scratch\nimport asyncio\nawait asyncio.sleep(0)\n41 + 1") == 42
    with pytest.raises(ZeroDivisionError) as error:
        typed.run("%%scratch\n\n1 / 0")
    assert error.traceback[-1].lineno == 2  # counted from 0


def test_help_tells_each_command_and_word(typed) -> None:
    """Help is read off the table that parses."""
    assert all(f"%brig {name}" in repr(typed.run("%brig")) for name in COMMANDS)
    shown = typed.run("%brig help %%job")
    assert "--needs" in repr(shown)
    assert "--needs" in shown._repr_mimebundle_()["text/html"]
    for name in COMMANDS:
        assert COMMANDS[name].summary in repr(typed.run(f"%brig help {name}"))


def test_every_command_has_its_function() -> None:
    """The twin of each magic, importable."""
    import brignb.magics

    twins = {each.twin for each in COMMANDS.values() if each.twin}
    assert twins | {"job"} <= set(brignb.magics.__all__)
    assert brignb.magics.__all__ == sorted(brignb.magics.__all__)
    for name in brignb.magics.__all__:
        assert callable(getattr(brignb.magics, name))
    assert not hasattr(brignb.magics, "nothing")


def test_failed_job_that_was_waited_for_is_its_own_error(typed) -> None:
    """`--wait` stops a run of all cells, and says why."""
    with pytest.raises(JobFailed, match="exit code 3"):
        typed.run("%%job build --wait\necho out; exit 3")
