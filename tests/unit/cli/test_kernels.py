"""`brignb kernels`: installed where it was said, found again, removed; and nobody else's is touched."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

LOGOS = {"logo-32x32.png", "logo-64x64.png", "logo-svg.svg"}


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A person's own Jupyter folder, and no other."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "mine"))
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    return tmp_path / "mine" / "kernels" / "brignb"


def test_installed_for_a_person_listed_and_removed(brignb, mine):
    done = brignb("kernels", "install", "--user")
    assert (done.code, str(mine) in done.out) == (0, True)
    spec = json.loads((mine / "kernel.json").read_text())
    assert spec["display_name"] == "Python (brignb)"
    assert spec["argv"][0] == sys.executable
    assert "kernel_provisioner" not in spec["metadata"], "another environment's Jupyter could not start it"
    assert {path.name for path in mine.iterdir()} >= LOGOS
    found = brignb("kernels", "list", "-o", "json").json["items"]
    assert str(mine) in {each["folder"] for each in found}
    assert brignb("kernels", "uninstall").code == 0
    assert not mine.exists()
    assert brignb("kernels", "uninstall").code == 2


def test_again_is_the_same(brignb, mine):
    for _ in range(2):
        assert brignb("kernels", "install", "--display-name", "Mine").code == 0
    assert json.loads((mine / "kernel.json").read_text())["display_name"] == "Mine"


def test_in_this_environment_it_is_forked(brignb, mine, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    folder = tmp_path / "env/share/jupyter/kernels/other"
    assert brignb("kernels", "install", "--sys-prefix", "--name", "other").code == 0
    assert "kernel_provisioner" in json.loads((folder / "kernel.json").read_text())["metadata"]
    assert brignb("kernels", "uninstall", "--prefix", tmp_path / "env", "--name", "other").code == 0
    assert not folder.exists()


def test_somebody_elses_is_neither_overwritten_nor_removed(brignb, mine):
    theirs = mine.parent / "python3" / "kernel.json"
    theirs.parent.mkdir(parents=True)
    theirs.write_text('{"argv": ["python"], "display_name": "Python 3", "language": "python"}')
    for command in ("install", "uninstall"):
        done = brignb("kernels", command, "--name", "python3")
        assert (done.code, "not brignb's" in done.err) == (2, True)
    assert "Python 3" in theirs.read_text()


@pytest.mark.parametrize("name", ["a b", "../x", ""])
def test_a_name_that_is_none(brignb, mine, name):
    assert brignb("kernels", "install", "--name", name).code == 2
    assert not (mine.parent.parent / "x").exists()


def test_without_ipykernel_it_says_what_to_install(brignb, mine, monkeypatch):
    whole = importlib.util.find_spec
    monkeypatch.setattr("brignb.kernels.specs.find_spec", lambda name: None if name == "ipykernel" else whole(name))
    done = brignb("kernels", "install")
    assert done.code == 2
    assert "pip install 'brignb[kernel]'" in done.err


def test_one_place_at_a_time(brignb, mine, tmp_path):
    assert brignb("kernels", "install", "--user", "--prefix", tmp_path).code == 2


@pytest.mark.slow
@pytest.mark.parametrize("how", ["prefix", "environment"])
def test_the_installed_kernel_really_starts(brignb, mine, tmp_path, monkeypatch, how):
    """As a Jupyter that looks there would start it."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import start_new_kernel

    python = sys.prefix
    if how == "environment":
        monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    assert brignb("kernels", "install", "--prefix", tmp_path / "env").code == 0
    specs = KernelSpecManager(kernel_dirs=[str(tmp_path / "env/share/jupyter/kernels")])
    manager, client = start_new_kernel(kernel_name="brignb", startup_timeout=60, kernel_spec_manager=specs)
    try:
        said = []
        client.execute_interactive(
            "import sys, brignb; print(sys.prefix)",
            output_hook=lambda message: said.append(message["content"].get("text", "")),
            timeout=60,
        )
        assert Path("".join(said).strip()) == Path(python)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
