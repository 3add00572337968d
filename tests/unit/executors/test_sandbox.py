"""What is seen, what can be written, and one sandbox inside another."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from brignb.executors import sandbox
from brignb.executors.sandbox import Bind, wrap

pytestmark = pytest.mark.skipif(sandbox.why_not() is not None, reason=str(sandbox.why_not()))


def _run(argv, **options) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _sh(script: str, **options) -> str:
    return _run(wrap(["/bin/sh", "-c", script], **options))


def test_the_machine_is_there_and_cannot_be_changed(tmp_path):
    """Its programs are the job's image."""
    assert _sh("ls /usr/bin/env") == "/usr/bin/env\n"
    for place in ("/usr", "/etc", "/", str(Path.cwd())):
        _sh(f"touch {place}/brignb-was-here 2>/dev/null || true", capabilities=())
        assert not (Path(place) / "brignb-was-here").exists()


def test_binds_are_what_it_sees_besides(tmp_path):
    """A new top folder, and whether it can write there."""
    (tmp_path / "f").write_text("x")
    seen = [Bind(tmp_path, Path("/src"), writable=True), Bind(tmp_path, Path("/other"))]
    assert (
        _sh("cat /src/f; touch /src/new; touch /other/no 2>/dev/null || echo read-only", binds=seen) == "xread-only\n"
    )
    assert (tmp_path / "new").exists()


def test_a_place_deep_in_a_folder_of_the_machine_can_be_made(tmp_path):
    """v1's /mnt/brigade/share: /mnt is there and read-only, and its other entries must stay seen."""
    (tmp_path / "f").touch()
    place = Path("/usr/share/brignb-no-such/deep")
    said = _sh(f"ls {place}; ls -d /usr/share/* | wc -l", binds=[Bind(tmp_path, place, writable=True)]).split()
    assert said == ["f", str(len([*Path("/usr/share").glob("[!.]*")]) + 1)]
    assert not place.parent.exists()


def test_tmp_is_private():
    """Two projects must not meet there."""
    with tempfile.NamedTemporaryFile(dir="/tmp") as file:
        assert (
            _sh(f"ls -A /tmp | grep -cx {Path(file.name).name}; test -e {file.name} || echo private") == "0\nprivate\n"
        )


def test_our_python_stays_in_sight():
    """In a clone below /tmp, or below a home, the worker could not even start."""
    above = Path(sys.prefix).parent
    said = _run(wrap([sys.executable, "-c", "import brignb; print('here')"], hidden=[above]))
    assert said == "here\n"
    assert "pyproject.toml" not in _sh(f"ls -A {above}", hidden=[above])


def test_a_home_below_our_python_is_hidden_all_the_same(tmp_path, monkeypatch):
    """`serve --home` in the environment's folder must not show the key because that folder stays in sight."""
    home = tmp_path / "venv" / "home"
    home.mkdir(parents=True)
    (home / "key").touch()
    monkeypatch.setattr(sandbox, "_PYTHON", (home.parent,))
    assert _sh(f"ls -A {home.parent} {home}", hidden=[home]).split() == [f"{home.parent}:", "home", f"{home}:"]


def test_processes_of_others_are_not_seen():
    """Its first process is number 1, and nobody else is there."""
    assert _sh("ls -d /proc/[0-9]* | wc -l").strip() in {"3", "4"}


@pytest.mark.parametrize("where", ["elsewhere", "below /tmp"])
def test_a_home_is_hidden_but_for_its_own_build(somebody, where):
    """What a worker must not see: the key, the token, other builds."""
    home = somebody.folder / "home" if where == "below /tmp" else Path("/var", somebody.folder.relative_to("/"), "home")
    own = home / "builds" / "mine"
    try:
        _run(somebody.argv("mkdir", "-p", str(own), str(home / "builds" / "other")))
        _run(somebody.argv("touch", str(home / "key"), str(own / "log")))
        script = f"find {home} -type f; touch {own}/new"
        argv = wrap(["/bin/sh", "-c", script], hidden=[home], binds=[Bind(own, own, writable=True)], cwd=Path("/"))
        assert _run(somebody.argv(*argv)) == f"{own}/log\n"
        assert (own / "new").exists()
    finally:
        shutil.rmtree(home.parent if where == "elsewhere" else home)


def test_a_hidden_file_cannot_be_read():
    """A key can be hidden alone."""
    key = Path("/etc/passwd")
    assert _sh(f"cat {key} 2>/dev/null || echo no", hidden=[key]) == "no\n"


NESTED = """
import subprocess, sys
from pathlib import Path
from brignb.executors import sandbox
from brignb.executors.sandbox import Bind, wrap
assert sandbox.why_not() is None, sandbox.why_not()
inner = ["/bin/sh", "-c", "pwd; echo $HOME; touch x; ls -A /tmp; ls -A " + sys.argv[1] + " 2>&-; grep CapEff /proc/self/status"]
argv = wrap(inner, binds=[Bind(Path("/src"), Path("/src"), writable=True)], cwd=Path("/src"), capabilities=sandbox.JOB_CAPABILITIES)
done = subprocess.run(argv, env={"HOME": "/tmp", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
sys.stderr.write(done.stderr)
sys.stdout.write(done.stdout)
"""


def test_a_sandbox_inside_a_sandbox(somebody):
    """A worker runs its jobs itself: /src stays writable, the home stays hidden, root keeps no power to undo it."""
    source, home = somebody.folder / "src", somebody.folder / "home"
    _run(somebody.argv("mkdir", str(source), str(home)))
    _run(somebody.argv("touch", str(home / "key"), str(source / "notebook")))
    argv = wrap(
        [*somebody.python(), "-c", NESTED, str(home)],
        binds=[Bind(source, Path("/src"), writable=True)],
        hidden=[home],
        cwd=Path("/src"),
    )
    cwd, tmp, *rest, power = _run(somebody.argv(*argv), env=somebody.environment).splitlines()
    assert (cwd, tmp) == ("/src", "/tmp")
    assert set(rest) <= {Path(sys.prefix).parts[2]}, "nothing but our own Python, should it lie below /tmp"
    assert int(power.split()[1], 16) & 1 << 21 == 0, "CAP_SYS_ADMIN"
    assert (source / "x").exists()


def test_everything_inside_ends_with_its_first_process():
    """No orphan: a grandchild in its own session dies with the tree."""
    said = _sh("setsid sleep 1000.625 >/dev/null 2>&1 & sleep 0.05; echo done")
    assert said == "done\n"


def test_arguments_with_a_nul_are_refused():
    """They end an option where they are read from a descriptor."""
    with pytest.raises(ValueError, match="NUL"):
        wrap(["true"], cwd=Path("/a\0--bind\0/"))


def test_root_is_told_that_it_can_leave():
    """Honest about what it is not."""
    assert (sandbox.caveat() is None) == (os.geteuid() != 0)


def test_a_machine_without_bubblewrap_says_so(monkeypatch, tmp_path):
    """In a sentence for `serve` and the job's log."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sandbox.why_not.__wrapped__() == "bubblewrap (bwrap) is not installed"
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    assert sandbox.why_not.__wrapped__() == "bubblewrap does not work here: No permissions to create new namespace"
