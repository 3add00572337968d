"""The front end's code: joined, and as a module of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import resources

import pytest

from brignb.widgets.source import ORDER, module

FOLDER = resources.files("brignb.widgets") / "esm"


def test_all_files_are_joined() -> None:
    """A file that nobody joins is not there; one that is joined before what it imports has nothing to stand on."""
    files = {file.name.removesuffix(".js") for file in FOLDER.iterdir() if file.name.endswith(".js")}
    assert files == set(ORDER)
    for at, name in enumerate(ORDER):
        imported = re.findall(r'from "./(\w+).js"', (FOLDER / f"{name}.js").read_text())
        assert set(imported) <= set(ORDER[:at])


def test_no_name_is_declared_twice() -> None:
    """They share one scope once joined."""
    files = "\n".join((FOLDER / f"{name}.js").read_text() for name in ORDER)
    declared = re.findall(r"^(?:export )?(?:async )?(?:const|let|class|function\*?) (\w+)", files, re.MULTILINE)
    assert len(declared) == len(set(declared))


def test_text_never_becomes_html() -> None:
    """What a job wrote is put into the page as text: no way that parses it is used."""
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|srcdoc|setHTML", module())


def test_small() -> None:
    """It is sent once to each page, as it is."""
    assert len(module().encode()) < 60_000


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to check with")
def test_it_is_a_module(tmp_path) -> None:
    """That it parses."""
    file = tmp_path / "hub.mjs"
    file.write_text(module())
    done = subprocess.run(["node", "--check", file], capture_output=True, text=True, check=False)
    assert done.stderr == ""
