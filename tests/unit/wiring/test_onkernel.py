"""Builds on kernels, whole: `brignb run`, its worker, the kernel beside it, the record."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BASH_NAME = f"brignb-test-bash-{os.getpid()}"
BASH = {"kernelspec": {"name": BASH_NAME, "language": "bash", "display_name": "Bash"}}
HANDLERS = (
    "from brignb import events, Job, project",
    """@events.on('push')
async def push(event, project):
    job = await Job('hello', tasks=['echo said; echo A=1 >> $BRIGNB_OUTPUT']).run()
    print(job.outputs, event.data['n'], len(project.secrets['token']))
    print(project.secrets['token'])""",
    "@events.on('after')\ndef after(event):\n    print('after', event.cause['trigger'])",
)


@pytest.fixture(scope="module", autouse=True)
def bash() -> Iterator[None]:
    """Its kernelspec, where a sandboxed worker sees it, too: in the environment."""
    spec = Path(sys.prefix) / "share" / "jupyter" / "kernels" / BASH_NAME
    spec.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "language": "bash", "display_name": "Bash"}))
    yield
    shutil.rmtree(spec)


class Built:
    """A run that is over."""

    def __init__(self, process: subprocess.CompletedProcess[str], record: Path) -> None:
        self.code = process.returncode
        self.said = process.stdout + process.stderr
        self.record: dict[str, Any] = json.loads(record.read_text())
        self.about = self.record["metadata"]["brignb"]

    def text(self, cell: int) -> str:
        outputs = self.record["cells"][cell]["outputs"]
        return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


def build(folder: Path, *cells: tuple[str, list[str]] | str, event: str = "push", **metadata: Any) -> Built:
    """Run a notebook for an event whose payload is `{"n": 7, "who": "you; $(id)"}`."""
    nodes = [
        {
            "cell_type": "code",
            "id": f"cell-{at}",
            "metadata": {"tags": [] if isinstance(cell, str) else cell[1]},
            "source": cell if isinstance(cell, str) else cell[0],
            "outputs": [],
            "execution_count": None,
        }
        for at, cell in enumerate(cells)
    ]
    made = {"cells": nodes, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (folder / "a.ipynb").write_text(json.dumps(made))
    (folder / "event.json").write_text('{"n": 7, "who": "you; $(id)"}')
    environment = {**os.environ, "BRIGNB_SECRET_token": "hunter2hunter2"}
    record = folder / "record.ipynb"
    command = [sys.executable, "-m", "brignb", "run", "a.ipynb", "--event", event, "--payload", "event.json"]
    process = subprocess.run(
        [*command, "--record", str(record)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert record.exists(), process.stdout + process.stderr
    return Built(process, record)


@pytest.mark.parametrize("tier", ["kernel", "cold"])
def test_the_authors_words_act_in_the_kernel(tmp_path: Path, tier: str) -> None:
    """Events, project, secrets, jobs, `after`: as in every other tier, and no secret in the record."""
    built = build(tmp_path, *HANDLERS, brignb={"tier": tier})
    assert built.code == 0, built.said
    assert built.about["tier"] == tier
    assert built.about["tier_why"] == "the notebook's metadata says so"
    assert f"tier {tier}: the notebook's metadata says so" in built.said
    sources = [cell["source"] for cell in built.record["cells"]]
    assert sources[3:] == ["push(event, project)  # push", "after(event)  # after, after push"]
    assert [cell["metadata"]["tags"] for cell in built.record["cells"][3:]] == [["event"], ["event"]]
    assert built.text(3).startswith("{'A': '1'} 7 14\n")
    assert built.text(4) == "after success\n"
    assert "hunter2" not in json.dumps(built.record)
    displays = [out for out in built.record["cells"][3]["outputs"] if out["output_type"] == "display_data"]
    assert "succeeded" in displays[0]["data"]["text/plain"]
    assert "hello | said" in built.said


def test_a_handler_that_fails_is_told_as_in_every_tier(tmp_path: Path) -> None:
    """Reason, message, traceback from the handler's own line, v1's `error` event."""
    fails = "@events.on('push')\ndef push(event):\n    raise ValueError('mine')"
    heard = "@events.on('error')\ndef error(event):\n    print(event.cause['reason'])"
    built = build(tmp_path, HANDLERS[0], fails, heard, brignb={"tier": "kernel"})
    assert built.code == 1
    assert (built.about["reason"], built.about["message"]) == ("handler_error", "cell 4, push(event): ValueError: mine")
    shown = "\n".join(built.record["cells"][3]["outputs"][0]["traceback"])
    assert "brignb" not in shown
    assert built.text(4) == "ValueError: mine\n"


def test_a_job_that_fails_is_the_reason(tmp_path: Path) -> None:
    fails = "@events.on('push')\nasync def push(event):\n    await Job('no', tasks=['exit 3']).run()"
    built = build(tmp_path, HANDLERS[0], fails, brignb={"tier": "kernel"})
    assert built.about["reason"] == "job_failed"


def test_nobody_answers_is_said(tmp_path: Path) -> None:
    built = build(tmp_path, *HANDLERS, event="tag", brignb={"tier": "kernel"})
    assert (built.about["state"], built.about["reason"]) == ("succeeded", "no_handler")


def test_a_notebook_in_another_language_is_its_own_handler(tmp_path: Path) -> None:
    """It runs whole, its parameters filled from the event, as papermill writes them: a text is no code."""
    built = build(
        tmp_path,
        ('who="nobody"  # from: event.data.who', ["parameters"]),
        'echo "hello $who"',
        "exit_is 3; false",
        **BASH,
    )
    assert built.about["tier"] == "cold"
    assert built.about["tier_why"] == "its language is bash"
    assert built.text(2) == "hello you; $(id)\n"
    assert built.record["cells"][1]["metadata"]["tags"] == ["injected-parameters"]
    statuses = [cell["metadata"]["brignb"]["status"] for cell in built.record["cells"]]
    assert statuses == ["completed", "completed", "completed", "failed"]
    assert built.about["reason"] == "cell_error"
    assert built.record["metadata"]["papermill"]["parameters"] == {"who": "you; $(id)"}


def test_a_kernel_that_is_not_installed_is_a_clear_error(tmp_path: Path) -> None:
    built = build(tmp_path, "1", kernelspec={"name": "nope", "language": "cobol"})
    assert built.about["reason"] == "kernel_missing"
    assert "installed are: " in built.about["message"]
    assert BASH_NAME in built.about["message"]
