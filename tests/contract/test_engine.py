"""What every engine does with cells: behaviours of Jupyter's that a notebook relies on, and the seam's own promises."""

from __future__ import annotations

import json
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from contract.engines import APART, DIFFERENCES, ENGINES, SLOW, Run, Seen, code, run

from brignb.engine.seam import EventCell, Failure
from brignb.errors import JobFailed
from brignb.model.builds import State
from brignb.model.redaction import Redactor

SECRET = "hunter2hunter2"


def named(names: list[str]) -> Any:
    """Parameters of a fixture: engines, the slow ones marked."""
    return [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in names]


@pytest.fixture(params=named(sorted(ENGINES.keys() - APART)))
def engine(request: pytest.FixtureRequest) -> Run:
    return ENGINES[request.param]


@pytest.fixture(params=named(sorted(ENGINES)))
def any_engine(request: pytest.FixtureRequest) -> Run:
    return ENGINES[request.param]


@pytest.fixture(autouse=True)
def differs(request: pytest.FixtureRequest) -> None:
    """What is accepted to be otherwise is not run: some of it depends on which thread comes first, some never ends."""
    params = request.node.callspec.params
    reason = DIFFERENCES.get(
        (params.get("engine") or params["any_engine"], params.get("name", request.node.originalname))
    )
    if reason is not None:
        pytest.skip(reason)


PNG = "import base64\nPNG = base64.b64decode('iVBORw0KGgo=')\n"
BEHAVIOURS: dict[str, tuple[list[str], list[Any]]] = {
    "result": (["6 * 7"], [("result", "42")]),
    "no result after a semicolon": (["6 * 7;"], []),
    "only the last expression": (["1\n2"], [("result", "2")]),
    "underscore and Out": (["6 * 7", "_ + Out[1]"], [("result", "84")]),
    "In": (["6 * 7", "In[1]"], [("result", "'6 * 7'")]),
    "print": (["print('a'); print('b', end='')"], [("stdout", "a\nb")]),
    "stderr": (["import sys\nprint('a', file=sys.stderr)"], [("stderr", "a\n")]),
    "streams keep their order": (
        ["import sys\nprint('a'); print('b', file=sys.stderr); print('c')"],
        [("stdout", "a\n"), ("stderr", "b\n"), ("stdout", "c\n")],
    ),
    "subprocess between prints": (
        ["import subprocess\nprint('a'); subprocess.run(['echo', 'b'], check=True); print('c')"],
        [("stdout", "a\nb\nc\n")],
    ),
    "os.system": (["import os\nstatus = os.system('echo a; echo b >&2')"], [("stdout", "a\n"), ("stderr", "b\n")]),
    "os.write": (["import os\nprint('a'); n = os.write(1, b'b\\n'); print('c')"], [("stdout", "a\nb\nc\n")]),
    "C's stdio": (["import ctypes\nn = ctypes.CDLL(None).puts(b'from C')"], [("stdout", "from C\n")]),
    "sys.stdout.buffer": (["import sys\nn = sys.stdout.buffer.write(b'a\\n')"], [("stdout", "a\n")]),
    "sys.__stdout__": (["import sys\nprint('a', file=sys.__stdout__)"], [("stdout", "a\n")]),
    "a stream given to a subprocess": (
        ["import subprocess, sys\nr = subprocess.run(['echo', 'a'], stdout=sys.stdout)"],
        [("stdout", "a\n")],
    ),
    "no UTF-8": (["import os\nn = os.write(1, b'\\xff\\n')"], [("stdout", "\ufffd\n")]),
    "a lone surrogate": (["print('\\ud800')"], [("stdout", "\ufffd\n")]),
    "a character in two writes": (
        ["import os\nn = os.write(1, b'\\xe2\\x82'); n = os.write(1, b'\\xac\\n')"],
        [("stdout", "€\n")],
    ),
    "display": (
        ["from IPython.display import HTML\ndisplay(HTML('<b>x</b>'))"],
        [("display", {"text/html": "<b>x</b>", "text/plain": "<IPython.core.display.HTML object>"})],
    ),
    "a rich repr": (
        ["class A:\n    def _repr_html_(self): return '<i>'\n    def __repr__(self): return 'A'\ndisplay(A())"],
        [("display", {"text/html": "<i>", "text/plain": "A"})],
    ),
    "a mime bundle": (
        [
            "class A:\n    def _repr_mimebundle_(self, **k): return {'application/json': {'a': (1, None)}}\n    def __repr__(self): return 'A'\ndisplay(A())"
        ],
        [("display", {"application/json": {"a": [1, None]}, "text/plain": "A"})],
    ),
    "an image": (
        [PNG + "from IPython.display import Image\ndisplay(Image(PNG, format='png'))"],
        [("display", {"image/png": "iVBORw0KGgo=", "text/plain": "<IPython.core.display.Image object>"})],
    ),
    "raw display": (
        ["display({'text/plain': 'p', 'text/markdown': '*m*'}, raw=True)"],
        [("display", {"text/plain": "p", "text/markdown": "*m*"})],
    ),
    "display between prints": (
        ["print('a'); display({'text/plain': 'p'}, raw=True); print('b')"],
        [("stdout", "a\n"), ("display", {"text/plain": "p"}), ("stdout", "b\n")],
    ),
    "update of a display": (
        ["h = display({'text/plain': '1'}, raw=True, display_id=True)\nh.update({'text/plain': '2'}, raw=True)"],
        [("display", {"text/plain": "2"})],
    ),
    "clear_output": (
        ["from IPython.display import clear_output\nprint('a'); clear_output(); print('b')"],
        [("stdout", "b\n")],
    ),
    "clear_output that waits": (
        ["from IPython.display import clear_output\nprint('a'); clear_output(wait=True)"],
        [("stdout", "a\n")],
    ),
    "progress over carriage returns": (["print('1%\\r2%\\r3%')"], [("stdout", "1%\r2%\r3%\n")]),
    "%%bash": (["%%bash\necho a\necho b >&2"], [("stdout", "a\n"), ("stderr", "b\n")]),
    "!command": (["!echo a"], [("stdout", "a\r\n")]),
    "!command into a name": (["lines = !echo a; echo b\nlines.n"], [("result", "'a\\nb'")]),
    "%%capture": (
        ["%%capture held\nprint('a')\ndisplay(1)", "held.stdout, len(held.outputs)"],
        [("result", "('a\\n', 1)")],
    ),
    "%time": (["%time x = 5", "x"], [("result", "5")]),
    "%%writefile and %run": (["%%writefile m.py\nprint(__name__)", "%run m.py"], [("stdout", "__main__\n")]),
    "help": (["def f():\n    'Says it.'\nf?"], [("stdout", "")]),
    "await": (["import asyncio\nawait asyncio.sleep(0, 'done')"], [("result", "'done'")]),
    "a running loop in a plain cell": (
        ["import asyncio\nasyncio.get_running_loop().is_running()"],
        [("result", "True")],
    ),
    "one loop for all cells": (
        ["import asyncio\nloop = asyncio.get_running_loop()", "asyncio.get_running_loop() is loop"],
        [("result", "True")],
    ),
    "a task over cells": (
        [
            "import asyncio\nqueue = asyncio.Queue()\nasync def work():\n    await queue.put('made')",
            "task = asyncio.create_task(work())",
            "await queue.get()",
        ],
        [("result", "'made'")],
    ),
    "async for": (
        ["async def g():\n    yield 1\n    yield 2\nasync for n in g():\n    print(n)"],
        [("stdout", "1\n2\n")],
    ),
    "a context variable over cells": (
        [
            "import contextvars\nv = contextvars.ContextVar('v')\nt = v.set(5)",
            "await __import__('asyncio').sleep(0)\nv.get()",
        ],
        [("result", "5")],
    ),
    "a thread": (
        ["import threading\nt = threading.Thread(target=print, args=('a',)); t.start(); t.join()"],
        [("stdout", "a\n")],
    ),
    "multiprocessing by fork": (
        [
            "import multiprocessing as m\np = m.get_context('fork').Process(target=print, args=('a',)); p.start(); p.join()"
        ],
        [("stdout", "a\n")],
    ),
    "a pool of processes": (
        [
            "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing as m\ndef f(n): return n + 1",
            "with ProcessPoolExecutor(1, mp_context=m.get_context('fork')) as pool:\n    print(list(pool.map(f, [1, 2])))",
        ],
        [("stdout", "[2, 3]\n")],
    ),
    "a fork whose child comes to the end": (
        ["import os\npid = os.fork()\nif pid:\n    print(os.waitpid(pid, 0)[1])", "print('once')"],
        [("stdout", "once\n")],
    ),
    "pickle of a notebook's class": (
        ["import pickle\nclass A: n = 3", "pickle.loads(pickle.dumps(A())).n"],
        [("result", "3")],
    ),
    "__name__": (
        ["__name__, __import__('sys').modules['__main__'].__name__"],
        [("result", "('__main__', '__main__')")],
    ),
    "logging": (
        ["import logging\nlogging.basicConfig(format='%(message)s', level='INFO')\nlogging.info('a')"],
        [("stderr", "a\n")],
    ),
    "get_ipython": (["get_ipython().user_ns['a'] = 1", "a"], [("result", "1")]),
    "a display of something broken": (
        ["class A:\n    def __repr__(self): return 'A'\ndisplay(A())"],
        [("display", {"text/plain": "A"})],
    ),
    "subprocess without input": (
        ["import subprocess\nsubprocess.run(['cat'], capture_output=True).stdout"],
        [("result", "b''")],
    ),
    "sys.stdin at its end": (["import sys\nsys.stdin.read()"], [("result", "''")]),
    "a module beside the notebook": (
        ["open('beside.py', 'w').write('n = 9')", "import beside\nbeside.n"],
        [("result", "9")],
    ),
    "stdout that user code replaced": (
        ["import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as s: print('a')\ns.getvalue()"],
        [("result", "'a\\n'")],
    ),
    "an empty cell": (["   \n"], []),
}


@pytest.mark.parametrize("name", sorted(set(BEHAVIOURS) - {"help"}))
def test_a_cell_behaves_as_in_jupyter(
    any_engine: Run, name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook that was written in Jupyter does the same in a build."""
    monkeypatch.chdir(tmp_path)
    cells, expected = BEHAVIOURS[name]
    ran = run(any_engine, *cells)
    assert ran.outcome.state is State.SUCCEEDED, ran.record["cells"]
    assert ran.outputs(len(cells) - 1) == expected
    nbformat.validate(ran.record)


def test_help_is_shown_without_a_pager(engine: Run) -> None:
    """A pager would wait for ever."""
    ((kind, bundle),) = run(engine, "def f():\n    'Says it.'\nf?").outputs(0)
    assert kind == "display"
    assert "Says it." in bundle["text/plain"]


FAILURES = {
    "an exception": ("1 / 0", "ZeroDivisionError"),
    "a syntax error": ("x = (", "_IncompleteInputError"),
    "an unknown magic": ("%nothing", "UsageError"),
    "sys.exit(0)": ("import sys\nsys.exit(0)", "SystemExit"),
    "exit": ("exit", "SystemExit"),
    "an exception group": ("raise ExceptionGroup('several', [ValueError(1)])", "ExceptionGroup"),
    "a broken __str__": ("class E(Exception):\n    def __str__(self): return 1 / 0\nraise E", "E"),
    "an await that fails": ("async def f(): raise KeyError(1)\nawait f()", "KeyError"),
    "input": ("input('name? ')", "StdinNotImplementedError"),
    "getpass": ("import getpass\ngetpass.getpass()", "StdinNotImplementedError"),
    "a debugger": ("breakpoint()", "StdinNotImplementedError"),
    "recursion": ("def f(): f()\nf()", "RecursionError"),
    "a task that exits": (
        "import asyncio, sys\nasync def f(): sys.exit(3)\nt = asyncio.create_task(f())\nawait asyncio.sleep(9)",
        "SystemExit",
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name == "recursion" else []) for name in sorted(FAILURES)]
)
def test_a_failure_ends_the_run_and_is_shown_once(engine: Run, name: str) -> None:
    """The cell failed, says so in its outputs, and the later ones never ran."""
    source, ename = FAILURES[name]
    ran = run(engine, "print('before')", source, "print('after')")
    assert ran.outcome.state is State.FAILED
    assert ran.outcome.reason == "cell_error"
    assert (ran.outcome.message or "").startswith("cell 2: ")
    errors = [output for output in ran.record["cells"][1]["outputs"] if output["output_type"] == "error"]
    assert len(errors) == 1
    assert errors[0]["ename"].endswith(ename.lstrip("_")) or errors[0]["ename"] == "SyntaxError"
    assert ran.statuses == ["completed", "failed", "never-run"]
    assert [cell["metadata"]["papermill"]["status"] for cell in ran.record["cells"]] == [
        "completed",
        "failed",
        "pending",
    ]
    assert ran.record["metadata"]["papermill"]["exception"] is True
    nbformat.validate(ran.record)


def test_a_traceback_starts_at_the_users_code(engine: Run) -> None:
    """Nobody wants to read our frames to find their own mistake."""
    ran = run(engine, "def f():\n    raise ValueError('mine')\nf()")
    shown = "\n".join(ran.record["cells"][0]["outputs"][0]["traceback"])
    assert "\x1b[" in shown
    assert "ValueError" in shown
    assert "brignb" not in shown
    assert "interactiveshell" not in shown


def test_tags_skip_cells_and_allow_failures(engine: Run) -> None:
    """As nbclient does: `skip-execution`, `raises-exception`."""
    ran = run(engine, code("print('no')", "skip-execution"), code("1 / 0", "raises-exception"), "print('yes')")
    assert ran.outcome.state is State.SUCCEEDED
    assert ran.statuses == ["skipped", "completed", "completed"]
    assert ran.outputs(1) == [("error", "ZeroDivisionError")]
    assert ran.outputs(2) == [("stdout", "yes\n")]


def test_markdown_and_raw_cells_stay(engine: Run) -> None:
    markdown = {"cell_type": "markdown", "source": "# A", "metadata": {}, "id": "m"}
    ran = run(engine, markdown, "x = 1")
    assert ran.record["cells"][0]["source"] == "# A"
    assert ran.record["cells"][1]["execution_count"] == 1
    assert "outputs" not in ran.record["cells"][0]


def test_counts_and_times_are_recorded(engine: Run) -> None:
    """papermill's users read these."""
    ran = run(engine, "x = 1", "x")
    assert [cell["execution_count"] for cell in ran.record["cells"]] == [1, 2]
    about = ran.record["cells"][1]["metadata"]["papermill"]
    assert about["exception"] is False
    assert about["start_time"] < about["end_time"] or about["duration"] < 0.01
    assert about["duration"] >= 0
    assert ran.record["metadata"]["papermill"]["duration"] > 0
    assert ran.record["metadata"]["brignb"]["state"] == "succeeded"


# the plan


def test_names_are_bound_before_the_first_cell(engine: Run) -> None:
    ran = run(engine, "event['a']", names={"event": {"a": 5}})
    assert ran.outputs(0) == [("result", "5")]


def test_the_first_cell_waits_for_its_note(engine: Run) -> None:
    """No user line before the durable note; a dead worker before it may run again."""
    order: list[str] = []
    seen = Seen(on_line=order.append)
    run(engine, "print('cell')", "print('next')", seen=seen, first_cell=lambda: order.append("noted"))
    assert [word for word in order if word] == ["noted", "cell", "next"]


def test_parameters_are_bound_not_executed(engine: Run) -> None:
    """The injected cell shows them; what runs is a binding, so no value and no name is ever code."""
    evil = "'''\"; raise SystemExit; \\"
    ran = run(
        engine,
        code("a = 1\nb = ''\nc = 5", "parameters"),
        "print(a, b, c, d['k'])",
        parameters={"a": 2, "b": evil, "d": {"k": [None]}},
    )
    assert ran.outputs(2) == [("stdout", f"2 {evil} 5 [None]\n")]
    injected = ran.record["cells"][1]
    assert injected["metadata"]["tags"] == ["injected-parameters"]
    assert injected["source"].startswith("# Parameters\n")
    assert injected["execution_count"] is None
    assert ran.statuses == ["completed"] * 3
    assert ran.record["metadata"]["papermill"]["parameters"]["a"] == 2
    nbformat.validate(ran.record)


def test_no_parameters_no_injected_cell(engine: Run) -> None:
    assert len(run(engine, code("a = 1", "parameters"), "a").record["cells"]) == 2


class Asked:
    """What somebody was asked, in whichever process: (type of the error, reason), or None."""

    def __init__(self) -> None:
        self._memory = os.memfd_create("asked")
        weakref.finalize(self, os.close, self._memory)

    def add(self, failure: Failure | None) -> None:
        told = failure and [type(failure.error).__name__, failure.reason]
        os.write(self._memory, json.dumps(told).encode() + b"\n")

    @property
    def all(self) -> list[Any]:
        return [json.loads(line) for line in os.pread(self._memory, 1 << 16, 0).splitlines()]


def following(*cells: EventCell) -> tuple[Callable[[Failure | None], EventCell | None], Asked]:
    left, asked = iter(cells), Asked()

    def ask(failure: Failure | None) -> EventCell | None:
        asked.add(failure)
        return next(left, None)

    return ask, asked


def test_following_cells_run_after_the_notebook(engine: Run) -> None:
    """Handlers, plain and async, each in a cell of its own, on the shell's loop."""
    import asyncio

    async def later() -> None:
        await asyncio.sleep(0)
        print("async")

    ask, asked = following(EventCell("push(event)", lambda: print("plain")), EventCell("deploy()", later, tags=("x",)))
    ran = run(engine, "x = 1", following=ask)
    assert ran.outcome.state is State.SUCCEEDED
    assert asked.all == [None, None, None]
    assert ran.outputs(1) == [("stdout", "plain\n")]
    assert ran.outputs(2) == [("stdout", "async\n")]
    assert [cell["source"] for cell in ran.record["cells"][1:]] == ["push(event)", "deploy()"]
    assert [cell["metadata"]["tags"] for cell in ran.record["cells"][1:]] == [["event"], ["x"]]
    assert [cell["execution_count"] for cell in ran.record["cells"]] == [1, 2, 3]
    nbformat.validate(ran.record)


def test_a_handler_that_fails_is_a_failure_with_its_reason(engine: Run) -> None:
    def handler() -> None:
        raise ValueError("mine")

    ask, asked = following(EventCell("push(event)", handler), EventCell("error(event)", lambda: print("sorry")))
    ran = run(engine, "x = 1", following=ask)
    assert ran.outcome.state is State.FAILED
    assert ran.outcome.reason == "handler_error"
    assert ran.outcome.message == "cell 2, push(event): ValueError: mine"
    assert asked.all == [None, ["ValueError", "handler_error"], ["ValueError", "handler_error"]]
    assert ran.statuses == ["completed", "failed", "completed"]
    shown = "\n".join(ran.record["cells"][1]["outputs"][0]["traceback"])
    assert "raise ValueError" in shown.replace("\x1b", "") or "mine" in shown
    assert "core.py" not in shown


def test_a_job_that_failed_is_the_reason(engine: Run) -> None:
    def handler() -> None:
        raise JobFailed(name="build", job_id="build-1", exit_code=2)

    ask, _ = following(EventCell("push(event)", handler))
    assert run(engine, "x = 1", following=ask).outcome.reason == "job_failed"


def test_a_failed_notebook_still_asks_for_what_follows(engine: Run) -> None:
    """Brigade v1's `error` handler hears of a cell that failed."""
    ask, asked = following(EventCell("error(event)", lambda: print("heard")))
    ran = run(engine, "1 / 0", "never", following=ask)
    assert asked.all == [["ZeroDivisionError", "cell_error"]] * 2
    assert ran.outputs(2) == [("stdout", "heard\n")]
    assert ran.statuses == ["failed", "never-run", "completed"]


def test_displays_update_from_another_thread_and_cell(engine: Run) -> None:
    """A job's view: shown by one cell, updated while another runs; it stays where it was shown."""
    ran = run(
        engine,
        "d = display({'text/plain': 'running'}, raw=True, display_id='job')",
        "import threading\nfrom IPython.display import update_display\n"
        "t = threading.Thread(target=update_display, args=({'text/plain': 'done'},), kwargs={'raw': True, 'display_id': 'job'})\n"
        "t.start(); t.join()",
    )
    assert ran.outputs(0) == [("display", {"text/plain": "done"})]
    assert ran.outputs(1) == []


# lines


def test_lines_are_told_without_their_newlines(engine: Run) -> None:
    """The worker's log; a line that its cell does not end, ends with the cell."""
    ran = run(engine, "print('a\\nb'); print('c', end='')", "print('d')")
    text = "".join(text + ("" if partial else "\n") for _, text, partial in ran.seen.told)
    assert text == "a\nb\nc\nd\n"


def test_a_prompt_is_told_while_the_cell_runs(engine: Run) -> None:
    """Text reaches the sink while the cell that wrote it still waits, with or without a newline."""
    told, tell = os.pipe()
    seen = Seen(on_line=lambda text: os.write(tell, b"x") if text == "ready? " else None)
    waiting = "print('ready? ', end='')\nbool(__import__('select').select([told], [], [], 20)[0])"
    ran = run(engine, waiting, names={"told": told}, seen=seen)
    os.close(told)
    os.close(tell)
    assert ran.outputs(0) == [("stdout", "ready? "), ("result", "True")]


# secrets


@pytest.mark.parametrize(
    "source",
    [
        f"print('{SECRET}')",
        f"for c in '{SECRET}':\n    print(c, end='', flush=True)",
        f"import os\nfor c in b'{SECRET}':\n    n = os.write(1, bytes([c]))",
        f"print('{SECRET[:5]}', end=''); display(1); print('{SECRET[5:]}')",
        f"import subprocess\np = subprocess.run(['sh', '-c', 'printf {SECRET[:5]}; sleep 0.05; printf {SECRET[5:]}'])",
        f"'{SECRET}'",
        f"display({{'application/json': {{'{SECRET}': ['{SECRET}']}}, 'text/html': '<b>{SECRET}</b>'}}, raw=True)",
        f"d = display(1, display_id='a', metadata={{'k': '{SECRET}'}})\nd.update('{SECRET}')",
        f"raise ValueError('{SECRET}')",
        f"import json\nprint(json.dumps('{SECRET}'))",
        f"import sys\nprint('{SECRET}', file=sys.stderr)",
    ],
)
def test_no_secret_leaves_the_engine(engine: Run, source: str) -> None:
    """Known values are gone from streams, displays, updates, errors, lines and the outcome, before any of it is written."""
    ran = run(engine, source, redactor=Redactor([SECRET]))
    entries = [entry for entry in ran.seen.entries if entry["op"] != "start"]
    told = "".join(text for _, text, _ in ran.seen.told)
    assert SECRET not in str(entries)
    assert SECRET not in told
    assert SECRET not in str(ran.outcome)
    for cell in ran.record["cells"]:
        assert SECRET not in str(cell["outputs"])


# caps


def test_output_is_cut_with_a_mark_and_the_rest_is_spilled(engine: Run) -> None:
    """What does not fit is beside the record, and the record says how much and where."""
    spilled: list[str] = []

    def spill(cell: int, text: str) -> str:
        spilled.append(text)
        return f"cell-{cell}.txt"

    ran = run(engine, "for n in range(1000): print('%09d' % n)", cell_bytes=100, spill=spill)
    (_, kept), (_, mark) = ran.outputs(0)
    assert kept == "".join(f"{n:09d}\n" for n in range(10))
    assert mark == "\n[brignb: cut, 9900 bytes, rest in cell-0.txt]\n"
    assert kept + "".join(spilled) == "".join(f"{n:09d}\n" for n in range(1000))


def test_displays_are_counted(engine: Run) -> None:
    spilled: list[str] = []
    ran = run(
        engine, "for n in range(5): display(n)", cell_displays=2, spill=lambda _cell, text: spilled.append(text) or "f"
    )
    assert [kind for kind, _ in ran.outputs(0)] == ["display", "display", "stdout"]
    assert len(spilled) == 3
    assert "[brignb: cut, " in ran.outputs(0)[2][1]


def test_a_cell_that_clears_its_output_has_room_again(engine: Run) -> None:
    """Progress that is redrawn is no flood."""
    source = "from IPython.display import clear_output\nfor n in range(9):\n    clear_output(wait=True)\n    print('x' * 60, n)"
    assert run(engine, source, cell_bytes=100).outputs(0) == [("stdout", "x" * 60 + " 8\n")]


def test_a_flood_of_updates_ends_with_the_last(engine: Run) -> None:
    source = "d = display('-', display_id='a')\nfor n in range(1000): d.update('state %d' % n)"
    ran = run(engine, source, cell_bytes=1000)
    assert ran.outputs(0)[0] == ("display", {"text/plain": "'state 999'"})
    assert len([entry for entry in ran.seen.entries if entry["op"] == "update"]) < 200


# cancelling


@pytest.fixture
def interruptible() -> Iterator[Callable[[str], None]]:
    """Interrupts the main thread, as a worker does, when a line says so."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    main = threading.main_thread().ident or 0
    yield lambda text: signal.pthread_kill(main, signal.SIGINT) if text.strip() == "now" else None
    signal.signal(signal.SIGINT, previous)


@pytest.mark.parametrize(
    "source",
    [
        "import time\nprint('now\\n', end='')\ntime.sleep(30)",
        "import asyncio\nprint('now\\n', end='')\nawait asyncio.sleep(30)",
        "import subprocess\nprint('now\\n', end='')\nsubprocess.run(['sleep', '30'])",
        "print('now\\n', end='')\nwhile True: pass",
        "!echo now; sleep 30",
        "%%bash\necho now; exec sleep 30",
        "import time\ntry:\n    print('now\\n', end='')\n    time.sleep(30)\nexcept BaseException:\n    pass",
    ],
)
def test_a_cancel_ends_the_run_and_keeps_what_was_seen(
    engine: Run, source: str, interruptible: Callable[[str], None]
) -> None:
    """The cell that ran is `killed`, what it wrote is there, nothing follows."""
    ask, asked = following(EventCell("after(event)", lambda: None))
    ran = run(engine, source, "print('never')", seen=Seen(on_line=interruptible), following=ask)
    assert ran.outcome.state is State.CANCELED
    assert ran.statuses == ["killed", "never-run"]
    assert ran.outputs(0)[0][1].splitlines()[0] == "now"
    assert asked.all == []
    assert ran.record["metadata"]["brignb"]["state"] == "canceled"


def test_a_cancelled_cell_shows_a_keyboard_interrupt(engine: Run, interruptible: Callable[[str], None]) -> None:
    """Not asyncio's CancelledError, which says nothing to an author."""
    source = "import asyncio\nprint('now\\n', end='')\nawait asyncio.sleep(30)"
    ran = run(engine, source, seen=Seen(on_line=interruptible))
    assert ran.outputs(0) == [("stdout", "now\n"), ("error", "KeyboardInterrupt")]


def test_a_cancel_lets_finally_blocks_run(engine: Run, interruptible: Callable[[str], None]) -> None:
    source = (
        "import asyncio\ntry:\n    print('now\\n', end='')\n    await asyncio.sleep(30)\nfinally:\n    print('tidy')"
    )
    ran = run(engine, source, seen=Seen(on_line=interruptible))
    assert ("stdout", "now\ntidy\n") in ran.outputs(0)


def test_a_handler_is_cancelled_like_a_cell(engine: Run, interruptible: Callable[[str], None]) -> None:
    import asyncio

    async def handler() -> None:
        print("now")
        await asyncio.sleep(30)

    ask, _ = following(EventCell("push(event)", handler))
    ran = run(engine, "x = 1", seen=Seen(on_line=interruptible), following=ask)
    assert ran.outcome.state is State.CANCELED
    assert ran.statuses == ["completed", "killed"]


# what is left behind


def test_the_caller_gets_its_process_back(engine: Run, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """stdout, stdin, `__main__`, the environment, the folder, signal handlers' targets: as before."""
    import builtins
    import sys

    monkeypatch.chdir(tmp_path)
    folder = Path.cwd()
    before = (sys.stdout, sys.stderr, sys.stdin, builtins.input, sys.modules["__main__"], dict(os.environ), os._exit)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    run(engine, "import os, sys\nos.mkdir('sub'); os.chdir('sub')\nsys.stdout = None")
    after = (sys.stdout, sys.stderr, sys.stdin, builtins.input, sys.modules["__main__"], dict(os.environ), os._exit)
    assert after == before
    assert Path.cwd() == folder
    assert len(list(Path("/proc/self/fd").iterdir())) <= open_before


def test_a_cell_may_delete_its_folder(engine: Run, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that deletes its own checkout harms itself only."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    ran = run(engine, "import os\nos.rmdir(os.getcwd())", "print('on')")
    assert ran.outcome.state is State.SUCCEEDED
    assert ran.outputs(1) == [("stdout", "on\n")]
    monkeypatch.chdir(tmp_path)


def test_a_process_that_is_left_running_holds_nobody_up(engine: Run) -> None:
    """It keeps its end of the pipe; the run ends all the same."""
    names: dict[str, Any] = {"left": []}
    ran = run(engine, "import subprocess\nleft.append(subprocess.Popen(['sleep', '60']))\nprint('on')", names=names)
    for process in names["left"]:
        process.kill()
        process.wait()
    assert ran.outputs(0) == [("stdout", "on\n")]


def test_a_sink_that_fails_ends_the_run_with_its_error(engine: Run) -> None:
    """A full disk is not user code's failure, and is not swallowed."""

    class Full(Seen):
        def entry(self, entry: Any) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run(engine, "x = 1", seen=Full())


@pytest.mark.slow
def test_two_hundred_thousand_lines_are_complete(engine: Run) -> None:
    ran = run(engine, "for n in range(200_000): print(n)")
    assert ran.outputs(0) == [("stdout", "".join(f"{n}\n" for n in range(200_000)))]
    assert len([text for _, text, partial in ran.seen.told if text and not partial]) >= 199_000


@pytest.mark.slow
def test_three_thousand_cells_take_linear_time(engine: Run) -> None:
    few, many = (run(engine, *["x = 1"] * count) for count in (300, 3000))
    per_cell = [ran.record["metadata"]["papermill"]["duration"] / n for ran, n in ((few, 300), (many, 3000))]
    assert per_cell[1] < 4 * per_cell[0]
