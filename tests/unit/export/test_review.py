"""The review: each check finds what it is for, says where and what to do, and is silent about ordinary notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from reviewed import IMPORT, code, look, only, told

from brignb.errors import NotebookError
from brignb.export import review
from brignb.model.redaction import Redactor

ROOT = Path(__file__).parents[3]
# Handlers and events


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("pul_request", "pull_request"),
        ("pull_request:open", "pull_request:opened"),
        ("pull_request_opened", "pull_request:opened"),
        ("image-push", "image_push"),
        ("Push", "push"),
    ],
)
def test_a_type_that_no_gateway_gives_is_told_with_the_nearest(written: str, meant: str) -> None:
    """A handler for it would wait for ever, and nobody would say so."""
    found = only(IMPORT, f"@events.on('push',\n           {written!r})\ndef build(): ...")
    assert (found.severity, found.check, found.where) == ("warning", "event-type", "cell 2, line 2")
    assert f"did you mean {meant!r}?" in found.message


@pytest.mark.parametrize(
    "known",
    [
        *(
            [
                "*",
                "push",
                "pull_request",
                "pull_request:synchronize",
                "image_push",
                "simpleevent",
                "exec",
                "after",
                "error",
            ]
        ),
        *(["repository_dispatch:anything", "com.example.a.happened", "example.com/thing"]),
    ],
)
def test_a_type_that_some_gateway_gives_is_fine(known: str) -> None:
    """CloudEvents' types are their senders' to choose."""
    assert told(IMPORT, f"@events.on({known!r})\ndef build(): ...") == []


def test_a_type_that_the_notebook_emits_is_fine() -> None:
    emits = "@events.on('push')\nasync def push():\n    await events.emit('deployed')"
    assert told(IMPORT, emits, "@events.on('deployed')\ndef tell(): ...") == []
    found = only(IMPORT, emits, "@events.on('deploied')\ndef tell(): ...")
    assert "did you mean 'deployed'?" in found.message


def test_types_of_a_notebook_without_handlers_are_looked_at_too() -> None:
    assert told("print(event)", brignb={"on": ["push", "com.example.a"]}) == []
    assert "pull_request" in only("print(event)", brignb={"on": ["pull_reqest"]}).message


@pytest.mark.parametrize(
    "registered",
    [
        "events.on('nonsense')(f)",
        "events.on('nonsense', f)",
        "import brignb\nbrignb.events.on('nonsense', f)",
        "from brignb import events as e\ne.on('nonsense', f)",
    ],
)
def test_however_a_handler_is_registered(registered: str) -> None:
    assert told(IMPORT, f"def f(): ...\n{registered}") == [
        ("warning", "event-type", f"cell 2, line {1 + len(registered.splitlines())}")
    ]


def test_somebody_elses_events_are_none_of_ours() -> None:
    """Names count only as brignb's when they come from there."""
    assert told("from elsewhere import events, Job", "@events.on('x_y')\ndef f(): ...", "Job('Not A Label')") == []
    assert told(IMPORT, "class Job:\n    def __init__(self, name): ...", "Job('Not A Label')") == []


@pytest.mark.parametrize("head", ["def push(event, project)", "async def push(project, event)", "def push(event)"])
def test_a_handler_that_nothing_registers_is_told(head: str) -> None:
    found = only(IMPORT, f"x = 1\n{head}:\n    pass")
    assert (found.severity, found.check, found.where) == ("warning", "idle-handler", "cell 2, line 2")
    assert '@events.on("push")' in found.hint


@pytest.mark.parametrize(
    "used",
    ["events.on('push', push)", "handlers = [push]", "push(event, project)", "events.on('push')(push)"],
)
def test_a_handler_that_somebody_mentions_is_fine(used: str) -> None:
    assert told(IMPORT, "def push(event, project): ...", used) == []


def test_a_callback_of_a_notebook_without_brignb_is_no_handler() -> None:
    assert told("def on_click(event): ...") == []


def test_handlers_in_scratch_cells_alone_answer_nothing() -> None:
    scratch = code("@events.on('push')\ndef push(): ...", "scratch")
    assert only(IMPORT, scratch).where == "cell 2, line 1"
    assert told(IMPORT, scratch, "@events.on('tag.created')\ndef tag(): ...") == []


# Job names


@pytest.mark.parametrize("name", ["Build", "build_it", "a" * 37, "-a", "build image"])
def test_a_name_that_is_no_label_is_an_error_with_the_right_one(name: str) -> None:
    """A build would fail at that line, once an event comes."""
    found = only(IMPORT, f"job = Job(\n    {name!r}, 'alpine')")
    assert (found.severity, found.check, found.where) == ("error", "job-name", "cell 2, line 2")
    assert "DNS label" in found.hint


def test_what_an_f_string_always_has_is_looked_at() -> None:
    assert told(IMPORT, "for v in '12':\n    Job(f'test_{v}')") == [("error", "job-name", "cell 2, line 2")]
    assert told(IMPORT, "for v in '12':\n    Job(f'test-{v}')\n    Job(name=v)") == []


def test_the_magics_name_is_looked_at_too() -> None:
    cell = code("%%job Build_It python:3.12\nmake", "scratch")
    assert told(cell, "x = 1") == [("warning", "job-name", "cell 1, line 1")]
    assert told(code("%%job build python:3.12\nmake", "scratch"), "x = 1") == []


# Secrets

SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    ("cell", "where"),
    [
        (code(f"a = 1\nb = {SECRET!r}"), "cell 1, line 2"),
        (code(f"a = 1\nb = {SECRET!r}", "scratch"), "cell 1, line 2"),
        (
            code("1", outputs=[{"output_type": "stream", "name": "stdout", "text": ["the hunter2", "hunter2\n"]}]),
            "cell 1",
        ),
        (
            code("1", outputs=[{"output_type": "display_data", "data": {"text/html": f"<b>{SECRET}"}, "metadata": {}}]),
            "cell 1",
        ),
        (code("1", "scratch", outputs=[{"output_type": "error", "traceback": [f"x {SECRET}"]}]), "cell 1"),
    ],
)
def test_a_secret_is_found_wherever_it_stands_and_not_shown(cell: dict[str, Any], where: str) -> None:
    """A notebook is pushed with its outputs and its scratch cells."""
    found = look(cell, "x = 1", redactor=Redactor([SECRET])).problems
    assert {each.where for each in found} == {where}
    assert all("change" in each.hint and SECRET not in str(each) for each in found)


def test_a_warning_that_was_looked_at_is_not_told_again() -> None:
    assert told(IMPORT, "@events.on('deploy')  # brignb: ok\ndef deploy(): ...") == []
    assert told(IMPORT, "Job('Not_A_Label')  # brignb: ok") == [("error", "job-name", "cell 2, line 1")]


# As a whole


def test_findings_come_in_the_order_of_the_notebook_together_with_exports_own() -> None:
    found = told(code("print(x)"), "%brig fire push", "x = (", "x = 1", IMPORT, "Job('A')")
    assert [where.partition(",")[0] for _, _, where in found] == ["cell 1", "cell 2", "cell 3", "cell 6"]


def test_an_error_refuses_the_export_and_a_warning_does_not() -> None:
    with pytest.raises(NotebookError, match="cell 2"):
        look(IMPORT, "Job('Not_A_Label')").accepted()
    assert look(IMPORT, "@events.on('pul_request')\ndef f(): ...").accepted().worker_notebook["cells"]


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"nbformat": 4, "cells": [3]}', b'{"nbformat": 4, "cells": [], "metadata": {"brignb": 3}}']
)
def test_what_is_no_notebook_is_one_finding_and_no_crash(raw: bytes) -> None:
    assert review(raw, name="a.ipynb").findings


@pytest.mark.parametrize(
    "source",
    ["x = " + " + ".join(["1"] * 2000), "x = 1\nif x: pass\n" + "elif x: pass\n" * 600, "x = (1)" + ".real" * 600],
    ids=["sum", "elif", "chain"],
)
def test_a_cell_that_nests_too_deep_to_be_walked_is_no_crash(source: str) -> None:
    """Python compiles it, and a build runs it; what it defines nobody knows, so no name is said to be missing."""
    assert told(source, "print(y)") == []


def test_an_output_that_nests_too_deep_is_told() -> None:
    """It cannot be searched for secrets without running out of stack."""
    deep: Any = "bottom"
    for _ in range(900):
        deep = [deep]
    output = {"output_type": "display_data", "data": {"application/json": deep}, "metadata": {}}
    assert "nests deeper" in only({**code("x = 1"), "outputs": [output]}).message


def test_cells_of_tests_are_not_exported() -> None:
    exported = look("x = 1", code("assert x", "tests")).accepted()
    assert [cell["source"] for cell in exported.worker_notebook["cells"]] == ["x = 1"]


def test_another_language_is_not_read_as_python() -> None:
    assert told("print(x)\nx <- 1", "x = 1", language_info={"name": "R"}) == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_our_own_notebooks_are_clean(path: Path) -> None:
    assert look_at(path) == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests/fidelity/papermill").glob("*.ipynb")), ids=lambda path: path.name
)
def test_other_peoples_notebooks_get_no_false_alarm(path: Path) -> None:
    """Papermill's: some are Python 2, which does not compile; nothing else is wrong with any."""
    assert {"does not compile" for each in look_at(path)} >= {each.message.partition(":")[0] for each in look_at(path)}


def look_at(path: Path) -> list[Any]:
    return [*review(path.read_bytes(), name=path.name).findings]


def test_githubs_recorded_payloads_have_known_types() -> None:
    """The table of types is held to what GitHub really sends."""
    from payloads.bodies import github

    from brignb.model.eventtypes import is_known

    for event, bodies in github().items():
        actions = {body.get("action") for body in bodies if isinstance(body, dict)} - {None}
        for kind in [event, *(f"{event}:{action}" for action in actions)]:
            assert is_known(kind) or event == "ping", kind
