"""Forked workers: what one build does to its process, or knows, does not reach another; nothing it started outlives it."""

import json
import os
import signal
import socket
import subprocess
import time

import psutil
import pytest

from brignb.executors import sandbox

pytestmark = pytest.mark.slow

walled = pytest.mark.skipif(sandbox.why_not() is not None, reason="forked workers need bubblewrap to be walled in")


@pytest.fixture
def door():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        yield listening


def waits(address: tuple[str, int]) -> str:
    return f"import socket\ngate = socket.create_connection({address!r})\ngate.sendall(b'here')\nprint('heard', gate.recv(10))"


def processes(mark: str) -> list[str]:
    found = subprocess.run(["pgrep", "-af", mark], capture_output=True, text=True, check=False).stdout.splitlines()
    return [line for line in found if not line.startswith(f"{os.getpid()} ")]


def test_a_plain_build_is_forked_and_says_so(server, repository, project, pipeline):
    build, log = server.run(project, repository.commit(pipeline.notebook("print('ran')")))
    assert (build["state"], build["worker"]) == ("succeeded", {"tier": "fork"}), log
    assert server.record(build["id"])["metadata"]["brignb"]["tier"] == "fork"


SPOIL = """
import builtins, json, os, signal, subprocess, sys, threading
builtins.spoiled = json.spoiled = True
json.JSONEncoder.default = print
os.environ["SPOILED"] = "yes"
sys.modules["spoiled"] = sys
sys.path.insert(0, "/spoiled")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.umask(0o777)
os.chdir("/")
kept = open("/dev/zero")
subprocess.Popen(["setsid", "bash", "-c", "exec -a MARK sleep 600"])
threading.Thread(target=threading.Event().wait).start()
print("spoiled")
"""
LOOK = """
import json, os, signal, sys, threading
import builtins
print(hasattr(builtins, "spoiled"), hasattr(json, "spoiled"), json.JSONEncoder.default is print)
print(os.environ.get("SPOILED"), "spoiled" in sys.modules, "/spoiled" in sys.path)
print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, oct(os.umask(0o22)), os.getcwd())
print(threading.active_count() < 10, [name for name in globals() if "spoil" in name])
"""


def test_what_a_build_spoils_is_its_own(server, repository, project, pipeline):
    """Monkeypatches, environment, folder, open files, signals, leftover processes: the next build sees none of it."""
    mark = f"left-over-{os.getpid()}"
    build, log = server.run(project, repository.commit(pipeline.notebook(SPOIL.replace("MARK", mark))))
    assert "spoiled" in log
    if sandbox.why_not() is None:  # without walls a process that left its session is nobody's
        assert processes(mark) == []
    build, log = server.run(project, repository.commit(pipeline.notebook(LOOK)))
    assert build["state"] == "succeeded", log
    assert "False False False" in log
    assert "None False False" in log
    assert f"True {oct(0o22)} " in log
    assert "True []" in log


def test_a_notebook_that_breaks_python_itself_ends_soon(server, repository, project, pipeline):
    """The engine lives in the same interpreter: it cannot go on, but nobody may wait for it until the build's timeout."""
    commit = repository.commit(pipeline.notebook("print('before', flush=True)", "import builtins\nbuiltins.len = None"))
    build, log = server.run(project, commit)
    assert (build["state"], build["reason"]) == ("lost", "worker_died"), log
    assert "before" in pipeline.outputs(server.record(build["id"]))


@walled
def test_a_worker_sees_only_its_own_processes(server, repository, project, pipeline, door):
    """Another build's command line, environment and memory stand in /proc: that of the machine is not there."""
    waiting = server.push(project, repository.commit(pipeline.notebook(waits(door.getsockname())))).json()["build"]
    connection, _address = door.accept()
    look = (
        "import os\n"
        "pids = [name for name in os.listdir('/proc') if name.isdigit()]\n"
        "print('me', os.getpid(), 'all', sorted(map(int, pids)))\n"
        "print([open(f'/proc/{pid}/comm').read().strip() for pid in pids])"
    )
    build, log = server.run(project, repository.commit(pipeline.notebook(look)))
    connection.sendall(b"go")
    connection.close()
    assert server.ended(waiting)["state"] == "succeeded"
    assert build["state"] == "succeeded", log
    assert "me 2 all [1, 2]" in log, "never the first process, and nobody else's"


@walled
def test_source_is_an_overlay_of_a_tree_that_stays_as_it_is(server, repository, project, pipeline):
    """Two builds of one commit: what the first one writes, deletes and commits, the second one does not see; git works in both."""
    spoil = (
        "import pathlib, subprocess\n"
        "print(sorted(p.name for p in pathlib.Path('.').iterdir()), pathlib.Path.cwd())\n"
        "print('status', subprocess.run(['git', 'status', '--porcelain'], capture_output=True, text=True))\n"
        "pathlib.Path('data.txt').write_text('changed')\n"
        "pathlib.Path('brignb.ipynb').unlink()\n"
        "pathlib.Path('fresh').mkdir()\n"
        "git = ['git', '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '-qam', 'mine']\n"
        "print('commit', subprocess.run(git).returncode)"
    )
    commit = repository.commit(pipeline.notebook(spoil), **{"data.txt": "as it was"})
    for number in range(2):
        build, log = server.run(project, commit, number=number)
        assert build["state"] == "succeeded", log
        assert "['.git', 'brignb.ipynb', 'data.txt'] /src" in log
        assert "returncode=0, stdout='', stderr=''" in log
        assert "commit 0" in log
    assert list((server.home / "work").glob("[0-9A-Z]*")) == []


def test_out_of_memory_is_the_cells_failure(server, repository, pipeline):
    """The limit is the project's; the server and the next build have all of theirs."""
    server.create(pipeline.file("tests/greedy", repository.url, limits={"memory": "300Mi"}))
    greedy = repository.commit(pipeline.notebook("print('before')", "held = bytearray(1 << 30)", "print('never')"))
    build, log = server.run("tests/greedy", greedy)
    assert (build["state"], build["reason"]) == ("failed", "cell_error"), log
    assert "MemoryError" in build["message"]
    status = [
        cell["metadata"]["brignb"]["status"]
        for cell in server.record(build["id"])["cells"]
        if cell["cell_type"] == "code"
    ]
    assert status == ["completed", "failed", "never-run"]


BOMB = """
import os, time
born = 0
try:
    while born < 5000:
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
        born += 1
except OSError as error:
    print("stopped", error)
print("born fewer than 600:", born < 600)
"""


@walled
@pytest.mark.skipif(
    os.geteuid() == 0 and tuple(map(int, os.uname().release.split(".")[:2])) < (6, 14),
    reason="root's processes are bounded by Linux 6.14 and later",
)
def test_a_fork_bomb_is_bounded_and_leaves_nothing(server, repository, pipeline):
    server.create(pipeline.file("tests/bomb", repository.url, limits={"processes": 500}))
    before = len(psutil.pids())
    build, log = server.run("tests/bomb", repository.commit(pipeline.notebook(BOMB)))
    assert build["state"] == "succeeded", log
    assert "stopped" in log
    assert "born fewer than 600: True" in log
    assert len(psutil.pids()) < before + 100


@pytest.mark.parametrize(
    "end",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.killpg(0, signal.SIGKILL)",
        "try:\n    os.kill(-1, signal.SIGKILL)\nexcept ProcessLookupError:\n    os.kill(os.getpid(), 9)",
        "os.closerange(0, 1000)\nos._exit(9)",
        "import ctypes; ctypes.string_at(0)",
    ],
    ids=["kill", "group", "everybody", "descriptors", "crash"],
)
def test_a_worker_that_kills_what_it_can_ends_alone(server, repository, project, pipeline, door, end):
    """Its parent, the server and a build beside it go on; its own record is true."""
    if "kill(-1" in end and sandbox.why_not() is not None:
        pytest.skip("without walls it would be everybody's end")
    waiting = server.push(project, repository.commit(pipeline.notebook(waits(door.getsockname())))).json()["build"]
    connection, _address = door.accept()
    commit = repository.commit(
        pipeline.notebook("print('before', flush=True)", f"import os, signal\n{end}", "print('never')")
    )
    build, log = server.run(project, commit)
    connection.sendall(b"go")
    connection.close()
    assert server.ended(waiting)["state"] == "succeeded"
    assert (build["state"], build["reason"]) == ("lost", "worker_died"), log
    record = server.record(build["id"])
    assert [cell["metadata"]["brignb"]["status"] for cell in record["cells"] if cell["cell_type"] == "code"] == [
        "completed",
        "killed",
        "never-run",
    ]
    assert "before" in pipeline.outputs(record)


def zygotes(server) -> list[psutil.Process]:
    """The server's own: bubblewrap where it is, else the interpreter."""
    children = psutil.Process(server.process.pid).children()
    return [child for child in children if any("brignb.wiring.warm" in word for word in child.cmdline())]


def test_a_zygote_that_dies_is_replaced(own_server, repository, pipeline, door):
    """Its builds die with it, and are told as what they are; the next one finds another zygote."""
    own_server.create(pipeline.file("tests/zygote", repository.url))
    commit = repository.commit(pipeline.notebook(waits(door.getsockname())))
    build = own_server.push("tests/zygote", commit).json()["build"]
    connection, _address = door.accept()
    assert connection.recv(10) == b"here"
    (zygote,) = zygotes(own_server)
    zygote.send_signal(signal.SIGKILL)
    ended = own_server.ended(build)
    assert (ended["state"], ended["reason"]) == ("lost", "worker_died")
    assert "zygote died" in ended["message"]
    assert connection.recv(10) == b""
    connection.close()
    after, log = own_server.run("tests/zygote", repository.commit(pipeline.notebook("print('went on')")))
    assert (after["state"], after["worker"]) == ("succeeded", {"tier": "fork"}), log


def test_preloaded_modules_are_there_and_refused_ones_are_told(server, repository, pipeline):
    server.create(pipeline.file("tests/preload", repository.url, preload=["colorsys", "no_such_module"]))
    look = "import sys\nprint('loaded', 'colorsys' in sys.modules)"
    build, log = server.run("tests/preload", repository.commit(pipeline.notebook(look)))
    assert build["state"] == "succeeded", log
    assert "loaded True" in log
    assert "preload: no_such_module is not loaded ahead: ModuleNotFoundError" in log
    metrics = server.http.get("/metrics").text
    assert 'brignb_zygote_memory_bytes{preload="colorsys,no_such_module"}' in metrics


def test_random_numbers_are_not_another_builds(server, repository, project, pipeline):
    look = "import random, os, uuid\nprint('drawn', random.random(), os.urandom(4).hex(), uuid.uuid4())"
    commit = repository.commit(pipeline.notebook(look))
    lines = [server.run(project, commit, number=number)[1] for number in range(2)]
    drawn = [line for log in lines for line in log.splitlines() if "drawn" in line]
    words = [word for line in drawn for word in line.split()[3:]]
    assert len(set(words)) == 6


def test_a_hundred_at_once_all_end_and_leave_no_process(own_server, repository, pipeline):
    own_server.create(pipeline.file("tests/burst", repository.url))
    commit = repository.commit(pipeline.notebook("print('ran')"))
    builds = [own_server.push("tests/burst", commit, number=number).json()["build"] for number in range(100)]
    assert {own_server.ended(build)["state"] for build in builds} == {"succeeded"}
    here = psutil.Process(own_server.process.pid)
    deadline = time.monotonic() + 20
    while [p for p in here.children(recursive=True) if p.status() == psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < deadline, "a zombie stays"
    counts = json.loads(json.dumps(own_server.http.get("/api/builds", params={"state": "running"}).json()))
    assert counts["items"] == []


@walled
def test_orphans_are_reaped_while_the_build_runs(server, repository, project, pipeline):
    """They go to the namespace's first process, which must neither keep them nor end by them, and the build with it."""
    orphan = (
        "import os, subprocess, time\n"
        "for _ in range(5):\n    subprocess.run(['sh', '-c', 'true & exit 0'], check=True)\n"
        "deadline = time.monotonic() + 20\n"
        "def all_here():\n"
        "    return sorted(int(name) for name in os.listdir('/proc') if name.isdigit())\n"
        "while all_here() != [1, 2] and time.monotonic() < deadline:\n    os.sched_yield()\n"
        "print('left', all_here())"
    )
    build, log = server.run(project, repository.commit(pipeline.notebook(orphan)))
    assert build["state"] == "succeeded", log
    assert "left [1, 2]" in log
