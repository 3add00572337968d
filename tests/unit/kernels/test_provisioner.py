"""The kernelspec `brignb` for any Jupyter front end: started, restarted, interrupted and killed as every kernel is."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from brignb.kernels import nursery as nursery_module

pytestmark = pytest.mark.slow


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[KernelManager]:
    """A kernel that runs; its kernelspec is the repository's."""
    shipped = Path(__file__).parents[3] / "kernels"
    specs = KernelSpecManager(kernel_dirs=[str(shipped)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jupyter_client's own, about event loops
        kernel = KernelManager(kernel_name="brignb", kernel_spec_manager=specs)
        kernel.start_kernel(cwd=str(tmp_path))
        yield kernel
        if kernel.has_kernel:
            kernel.shutdown_kernel(now=True)
        kernel.context.destroy(linger=0)
    nursery_module.end()


def said(manager: KernelManager, source: str) -> str:
    """What a cell prints."""
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    texts: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            texts.append(message["content"]["text"])

    client.execute_interactive(source, output_hook=hear, timeout=30)
    client.stop_channels()
    return "".join(texts)


def test_a_kernel_runs_where_it_was_started_and_is_restarted(manager: KernelManager, tmp_path: Path) -> None:
    first = said(manager, "import os; print(os.getpid(), os.getcwd())").split()
    assert Path(first[1]) == tmp_path.resolve()
    manager.restart_kernel()
    assert said(manager, "import os; print(os.getpid())").split()[0] != first[0]


def test_a_kernel_that_dies_is_known_to_be_dead(manager: KernelManager) -> None:
    """By its pidfd, with its status, which only the process that forked it is told."""
    pid = int(said(manager, "import os; print(os.getpid())"))
    process = manager.provisioner.process
    os.kill(pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert not manager.is_alive()


def test_a_nursery_that_died_takes_its_kernels_along_and_is_replaced(manager: KernelManager) -> None:
    said(manager, "1")
    process = manager.provisioner.process
    dead = nursery_module.nursery()._process
    dead.kill()
    assert process.wait(10) == -signal.SIGKILL
    dead.wait()
    manager.restart_kernel(now=True)
    assert said(manager, "print('again')") == "again\n"


def test_a_flood_through_plain_nbclient_is_complete(manager: KernelManager) -> None:
    """papermill with its stock kernel loses lines of it, or fails."""
    cells = [nbformat.v4.new_code_cell("for n in range(200_000): print(n, flush=True)")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = NotebookClient(notebook, km=manager, coalesce_streams=True)
        client.execute()
        client.kc.stop_channels()
    assert notebook.cells[0].outputs[0].text == "".join(f"{n}\n" for n in range(200_000))
