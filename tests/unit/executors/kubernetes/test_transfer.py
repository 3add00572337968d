"""Files into a pod and out of it, by the programs that do it there: the helper's commands run here, in a shell."""

from __future__ import annotations

import base64
import gzip
import shutil
import subprocess

import pytest

from brignb.executors.kubernetes import transfer
from brignb.executors.kubernetes.transfer import DONE, receiving, sending, unpacked
from brignb.tars import END, packed

BUSYBOX = shutil.which("busybox")


@pytest.fixture(params=["here", "busybox"])
def run(request, tmp_path, monkeypatch):
    """Runs a helper's command, by this machine's programs and by the smallest helper image's."""
    monkeypatch.setattr(transfer, "ENDED", str(tmp_path / "ended"))
    (tmp_path / "ended").touch()
    environment = {"PATH": "/usr/bin:/bin"}
    if request.param == "busybox":
        if not BUSYBOX:
            pytest.skip("busybox is not here")
        (tmp_path / "bin").mkdir()
        subprocess.run([BUSYBOX, "--install", "-s", tmp_path / "bin"], check=True)
        environment = {"PATH": str(tmp_path / "bin")}

    def run(command, folder, stdin=b""):
        program = shutil.which(command[0], path=environment["PATH"]) or command[0]
        return subprocess.run(
            command,
            executable=program,
            cwd=folder,
            input=stdin,
            env=environment,
            capture_output=True,
            check=True,
            timeout=20,
        ).stdout

    return run


def test_a_source_arrives_whole(tmp_path, run):
    """Modes, links, odd names, large files; artifacts of other jobs, packed elsewhere, take a file's place."""
    source, other, there = (tmp_path / name for name in ("src", "other", "there"))
    for folder in (source / "deep", other, there):
        folder.mkdir(parents=True)
    (source / "deep" / "run me.sh").write_text("#!/bin/sh\n")
    (source / "deep" / "run me.sh").chmod(0o755)
    (source / "link").symlink_to("deep")
    (source / ("n" * 150)).write_bytes(b"x" * 3_000_000)
    (source / "same").write_text("old")
    (other / "same").write_text("new")
    run(receiving(str(there)), there, b"".join([*packed([source]), *packed([other]), END]))
    assert (there / "same").read_text() == "new"
    assert (there / "link" / "run me.sh").stat().st_mode & 0o777 == 0o755
    assert (there / ("n" * 150)).stat().st_size == 3_000_000


def test_artifacts_come_back_as_the_globs_say(tmp_path, run):
    """The same rules as on this machine: `collect` chooses, the shell may send more."""
    there = tmp_path / "there"
    for name in ("dist/a.whl", "dist/deep/b.whl", "dist/c.txt", "x/y/report.xml", "report.xml", "odd name/[1].log"):
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_text(name)
    globs = ("dist/*.whl", "**/report.xml", "odd name/*", "none")
    found = unpacked(run(sending(globs), there), globs, tmp_path / "kept")
    assert found.paths == ("dist/a.whl", "odd name/[1].log", "report.xml", "x/y/report.xml")
    assert found.problems == ("artifacts: none names nothing",)


def test_nothing_leads_out_of_the_folder(tmp_path, run):
    """A job makes the tar that is unpacked here."""
    there = tmp_path / "there"
    there.mkdir()
    (there / "good").write_text("x")
    (there / "link").symlink_to("/etc/passwd")
    (there / "up").symlink_to("../../x")
    found = unpacked(run(sending(("*",)), there), ("*",), tmp_path / "kept")
    assert found.paths == ("good",)


@pytest.mark.parametrize("log", [b"", b"AAAA", b"not base64 at all\n" + DONE, b"H4sIAAAA\n" + DONE])
def test_a_log_that_is_not_whole_is_an_error_and_no_half_of_it(tmp_path, log):
    """A build that goes on with half its artifacts is worse than one that fails."""
    with pytest.raises(ValueError, match=r"\w"):
        unpacked(log, ("*",), tmp_path / "kept")


def test_artifacts_that_would_take_all_memory_are_not_unpacked(tmp_path, monkeypatch):
    """A few hundred kilobytes of zeros, compressed: the process has everybody's builds."""
    monkeypatch.setattr(transfer, "MOST", 1 << 20)
    bomb = base64.b64encode(gzip.compress(bytes(2 << 20))) + b"\n" + DONE
    with pytest.raises(ValueError, match="more than 1 MiB"):
        unpacked(bomb, ("*",), tmp_path / "kept")
