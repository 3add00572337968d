"""Forked workers of a server that an ordinary user runs, as most servers should be; CI runs as root, where much is allowed."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

NOBODY = 65534
ROOT = Path(__file__).parents[2]
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@pytest.fixture
def python():
    """An environment with what this one has, of a Python that the user can reach: workers know no PYTHONPATH."""
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    system = shutil.which(own, path="/usr/local/bin:/usr/bin")
    if os.geteuid() != 0 or not shutil.which("setpriv") or not system:
        pytest.skip("only root, with setpriv and the system's own Python, can become somebody else")
    if subprocess.run([*AS_NOBODY, "test", "-r", str(ROOT / "pyproject.toml")], check=False).returncode:
        pytest.skip("nobody cannot read this checkout")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = subprocess.run([system, "-m", "venv", "--without-pip", folder / "env"], capture_output=True, check=False)
        if made.returncode:
            pytest.skip("the system's Python makes no environments here")
        paths = f"{sysconfig.get_path('purelib')}\n{ROOT}\n"
        next((folder / "env").glob("lib/python*/site-packages")).joinpath("brignb.pth").write_text(paths)
        (folder / "home").mkdir()
        os.chown(folder / "home", NOBODY, NOBODY)
        yield folder / "env" / "bin" / "python", folder / "home"


def test_isolation_holds_for_an_ordinary_user(python):
    program, home = python
    argv = [program, "-m", "pytest", "-q", "-m", "slow", "-p", "no:cacheprovider", f"--basetemp={home}/t"]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*AS_NOBODY, *argv, ROOT / "tests" / "e2e" / "test_isolation.py"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
