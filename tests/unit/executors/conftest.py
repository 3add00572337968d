"""Being somebody else: a user whose name nobody is, with a Python that this user can reach."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

NOBODY = 65534
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Somebody:
    """A user, and a folder that is theirs."""

    uid: int
    folder: Path

    def argv(self, *argv: str) -> list[str]:
        """The same, run by them."""
        if self.uid == os.geteuid():
            return [*argv]
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", *argv]

    def python(self) -> list[str]:
        """A Python that they can run, in which `ENVIRONMENT` finds brignb; ours may lie in root's home."""
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        for python in (os.path.realpath(sys.executable), shutil.which(f"python{own}", path="/usr/local/bin:/usr/bin")):
            if python and subprocess.run(self.argv("/bin/sh", "-c", f"test -x {python}"), check=False).returncode == 0:
                return [python]
        return pytest.skip(f"user {self.uid} can reach no Python {own}")

    @property
    def environment(self) -> dict[str, str]:
        """For that Python."""
        paths = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
        return {"PATH": "/usr/bin:/bin", "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(self.folder)}


def _somebody(uid: int) -> Iterator[Somebody]:
    if uid != os.geteuid() and (os.geteuid() != 0 or not shutil.which("setpriv")):
        pytest.skip("only root, with setpriv, can become somebody else")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        if uid != os.geteuid():
            os.chown(name, uid, uid)
        yield Somebody(uid, Path(name))


@pytest.fixture
def nobody() -> Iterator[Somebody]:
    yield from _somebody(NOBODY)


@pytest.fixture(params=["me", "nobody"])
def somebody(request) -> Iterator[Somebody]:
    yield from _somebody(NOBODY if request.param == "nobody" else os.geteuid())
