"""`brignb worker` against a desk that a test writes the answers of: what a server, a network or a cluster may do to it."""

import json
import signal
import subprocess
import sys

import psutil
import pytest
from desks import Desk, Worker, offer

pytestmark = pytest.mark.slow

GATE = "import socket; gate = socket.create_connection(('127.0.0.1', {port})); print('at the gate', flush=True); gate.recv(1); print('through')"


@pytest.fixture
def desk():
    made = []

    def make(*offers, **more):
        made.append(Desk(*offers, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def worker(tmp_path):
    made = []

    def make(desk, *args, **more):
        made.append(Worker(tmp_path / f"worker-{len(made)}", desk.url, *args, **more))
        return made[-1]

    yield make
    for each in made:
        each.kill()


def gated(door, *more, **facts):
    return offer(GATE.format(port=door.getsockname()[1]), *more, **facts)


COLD = "brignb-build.B.1.x"


@pytest.mark.parametrize("kind", ["warm", "cold"])
def test_one_build(desk, worker, kind):
    """Lines, jobs, outputs, artifacts, side files and record arrive whole, then how it ended, once."""
    cells = (
        "from brignb import Job",
        "job = await Job('greet', tasks=['echo hello', 'echo answer=42 >> $BRIGNB_OUTPUT', 'echo kept > out.txt'], artifacts=['out.txt']).run()",
        "print(job.outputs['answer']); print('x' * 6_000_000)",
    )
    there = desk(offer(*cells))
    there.streams["worker"] = b"2026-01-01T00:00:00.000Z system F source: of the server's\n"
    run = worker(there, "--builds", "1") if kind == "warm" else worker(there, token=COLD)
    assert run.ended() == 0, run.log.read_text()
    assert there.finished == [{"state": "succeeded", "reason": None, "message": None}]
    assert there.asked[-1] == "finished"
    assert there.started == 1
    assert there.log().splitlines()[0].endswith("of the server's"), "what stood there stays"
    assert " 42" in there.log()
    (log,) = [text for name, text in there.streams.items() if name.startswith("greet-")]
    assert b"hello" in log
    assert [job["state"] for job in there.jobs] == ["pending", "running", "succeeded"]
    assert there.record["cells"][2]["metadata"]["papermill"]["status"] == "completed"
    (side,) = there.spill.values()
    assert len(side) > 1_000_000
    (tar,) = there.artifacts.values()
    assert b"kept" in tar
    assert there.streams["journal"].endswith(b"\n")
    assert not list((run.folder / "work" / "builds").iterdir()), "nothing of it is left"
    assert not list((run.folder / "work" / "work").iterdir())


def test_fifty_builds_after_another(desk, worker):
    """Each in a process of its own, whose modules and folders are its own."""
    cell = """
import os, sys
print(f"seen {getattr(sys, 'mark', None)} {os.listdir()}")
sys.mark = open("left", "w")
"""
    ids = [f"01JV3ZQ8M4T7Y2K9R5W6X0AB{n:02}" for n in range(50)]
    there = desk(*[offer(cell, build=build) for build in ids])
    run = worker(there, "--builds", "50")
    assert run.ended(60) == 0, run.log.read_text()
    assert [end["state"] for end in there.finished] == ["succeeded"] * 50
    assert there.log().count("seen None []") == 50


def test_a_build_whose_process_dies(desk, worker):
    """While its first cell is being noted or after it: told as lost, with what it had said; the worker goes on with the next one."""
    there = desk(
        offer("print('never')"),
        offer("import os, signal; print('last words', flush=True); os.kill(os.getpid(), signal.SIGKILL)"),
        offer("print('the next')"),
    )
    there.failing["started"] = 503
    run = worker(there, "--builds", "3")
    there.until(lambda desk: "started" in desk.asked)
    below = psutil.Process(run.process.pid).children(recursive=True)
    (forked,) = (each for each in below if "brignb.wiring.warm" in each.cmdline() and not each.children())
    forked.kill()
    del there.failing["started"]
    assert run.ended() == 0, run.log.read_text()
    assert [end["state"] for end in there.finished] == ["lost", "lost", "succeeded"]
    assert {end["reason"] for end in there.finished[:2]} == {"worker_died"}
    assert "exit code 137" in there.finished[1]["message"]
    assert "never" not in there.log()
    assert "last words" in there.log()
    assert "system F the worker died (exit code 137)" in there.log()


def test_a_server_that_is_away_for_longer_than_a_lease(desk, worker, door, arrived):
    """It listens no more, so nobody can have given the build away: the build goes on, and everything it said arrives."""
    there = desk(gated(door))
    run = worker(there, "--builds", "1")
    gate = arrived()
    there.until(lambda desk: "at the gate" in desk.log())
    there.close()
    gate.sendall(b"!")
    with pytest.raises(subprocess.TimeoutExpired):
        run.process.wait(4)  # the lease's 3 s and more
    there.open()
    assert run.ended() == 0, run.log.read_text()
    assert there.finished == [{"state": "succeeded", "reason": None, "message": None}]
    assert "through" in there.log()


def test_a_network_that_swallows_everything(desk, worker, door, arrived):
    """The server may have given the build away: within a lease its process is killed, and nothing more is said of it."""
    there = desk(gated(door))
    run = worker(there, token=COLD)
    gate = arrived()
    there.silent.set()
    assert gate.recv(1) == b"", "the build's process holds it open"
    assert run.ended() == 0
    assert there.finished == []
    assert "not this worker's any more" in run.log.read_text()


@pytest.mark.parametrize("word", ["renew", "jobs", "started"])
def test_an_attempt_that_is_over(desk, worker, door, word):
    """Whatever word hears it: the build's process is killed at once, and nothing more is said of it."""
    job = "from brignb import Job; await Job('x', tasks=['true']).run()"
    there = desk(offer(job, GATE.format(port=door.getsockname()[1])))
    there.failing[word] = 409
    run = worker(there, token=COLD)
    assert run.ended() == 0, run.log.read_text()
    assert there.finished == []
    assert "through" not in there.log()


def test_a_build_that_is_canceled(desk, worker, door, arrived):
    """It hears it by the next renewal, has time for its `finally`, and leaves its own record."""
    port = door.getsockname()[1]
    there = desk(offer(f"try:\n    {GATE.format(port=port)}\nfinally:\n    print('tidied')"))
    run = worker(there, "--builds", "1")
    arrived()
    there.cancel = True
    assert run.ended() == 0, run.log.read_text()
    assert [end["state"] for end in there.finished] == ["canceled"]
    assert "tidied" in there.log()
    assert there.record["cells"][0]["metadata"]["brignb"]["status"] == "killed"


def test_a_build_whose_time_is_up(desk, worker):
    """One that does not heed it is killed, and its record is made for it."""
    stubborn = "import signal, threading; signal.signal(signal.SIGINT, signal.SIG_IGN); print('here', flush=True); threading.Event().wait()"
    there = desk(offer(stubborn, seconds=1))
    run = worker(there, "--builds", "1")
    assert run.ended() == 0, run.log.read_text()
    assert [(end["state"], end["reason"]) for end in there.finished] == [("timed_out", "timeout")]
    assert there.record["cells"][0]["metadata"]["brignb"]["status"] == "killed"
    assert "here" in json.dumps(there.record)


@pytest.mark.parametrize("way", ["offer", "file"])
def test_secrets_are_seen_nowhere(desk, worker, door, tmp_path, way, arrived):
    """Not in a line, the record, an environment, a command line, or a file below the worker's folder."""
    secret = "a-secret-of-the-project"
    cell = "from brignb import project; print(f\"{project.secrets['KEY']} {len(project.secrets['KEY'])}\")"
    there = desk(gated(door, cell, secrets={"KEY": secret} if way == "offer" else {}))
    args, token = ["--builds", "1"], "brignb-pool.x.y"
    if way == "file":
        file = tmp_path / "secrets.json"
        file.write_text(json.dumps({"KEY": secret}))
        args, token = ["--secrets-file", file], COLD
    run = worker(there, *args, token=token)
    gate = arrived()
    for process in psutil.Process(run.process.pid).children(recursive=True):
        assert secret not in str(process.cmdline()) + str(process.environ())
    gate.sendall(b"!")
    assert run.ended() == 0, run.log.read_text()
    assert f"REDACTED {len(secret)}" in there.log()
    said = b"".join([*there.streams.values(), *there.documents.values(), run.log.read_bytes()])
    assert secret.encode() not in said
    found = [file for file in run.folder.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]
    assert found == []


def test_a_flood(desk, worker):
    there = desk(offer("for number in range(200_000):\n    print('line', number)"))
    run = worker(there, "--builds", "1")
    assert run.ended(60) == 0, run.log.read_text()
    lines = [line for line in there.log().splitlines() if " stdout F " in line]
    assert len(lines) == 200_000
    assert "line 199999" in there.log()[-200:]


def test_a_warm_worker_that_is_told_to_end(desk, worker, door, arrived):
    """It finishes what it does, and takes nothing more."""
    there = desk(gated(door), offer("print('another')"))
    run = worker(there)
    gate = arrived()
    run.process.send_signal(signal.SIGTERM)
    gate.sendall(b"!")
    assert run.ended() == 0, run.log.read_text()
    assert [end["state"] for end in there.finished] == ["succeeded"]
    assert len(there.offers) == 1


def test_a_cold_worker_that_is_told_to_end(desk, worker, door, arrived):
    """It gives its build some seconds, then gives it back, so that the server decides at once what becomes of it."""
    there = desk(gated(door))
    run = worker(there, token=COLD)
    arrived()
    there.until(lambda desk: "at the gate" in desk.log())
    run.process.send_signal(signal.SIGTERM)
    assert run.ended(25) == 0, run.log.read_text()
    (end,) = there.finished
    assert (end["state"], "told to end" in end["message"]) == ("lost", True)


POD = "bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --bind {work} {work} --unshare-user --uid 1000 --gid 1000 --disable-userns --unshare-pid --as-pid-1 --die-with-parent"


def test_as_in_a_pod(desk, worker, tmp_path):
    """No root, no namespaces, nothing to write to but its folder and /tmp: builds run, and what one leaves running is gone before the next."""
    leaving = """
import os, subprocess
print(f"left {subprocess.Popen(['sleep', '1000'], start_new_session=True).pid} {os.geteuid()}")
"""
    looking = """
import psutil
print(f"found {[each.name() for each in psutil.process_iter() if each.name() == 'sleep']}")
"""
    there = desk(offer(leaving), offer(looking))
    (tmp_path / "worker-0").mkdir()
    run = worker(there, "--builds", "2", first=tuple(POD.format(work=tmp_path / "worker-0").split()))
    assert run.ended() == 0, run.log.read_text()
    assert [end["state"] for end in there.finished] == ["succeeded"] * 2, there.log()
    assert "left" in there.log()
    assert "found []" in there.log()
    assert "builds run without a sandbox" in run.log.read_text()


def test_the_worker_image_needs_no_server(tmp_path):
    """What a worker imports is in its image: no web framework, no database, no client of Kubernetes."""
    heavy = "fastapi starlette uvicorn uvloop sqlalchemy alembic kubernetes psycopg prometheus_client"
    code = f"import sys, brignb.wiring.away, brignb.wiring.warm, brignb.cli.app; print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_no_token_or_no_server(worker, desk, tmp_path):
    """A person is told what to do, by the exit codes of every command."""
    there = desk()
    there.failing["next"] = 401
    run = worker(there)
    assert run.ended() == 3
    assert "Traceback" not in run.log.read_text()
    missing = worker(there, "--secrets-file", tmp_path / "none")
    assert missing.ended() == 2
    assert "--secrets-file" in missing.log.read_text()


def test_over_tls(desk, worker, tmp_path):
    """It believes the certificates that it was given, and no others."""
    certificate = tmp_path / "tls.pem"
    ask = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", certificate, "-out", tmp_path / "public.pem"]
    subprocess.run([*ask.split(), *names], check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + (tmp_path / "public.pem").read_text())
    there = desk(offer("print('by TLS')"), certificate=certificate)
    stranger = worker(there)
    believer = worker(there, "--ca", tmp_path / "public.pem", "--builds", "1")
    assert believer.ended() == 0, believer.log.read_text()
    assert "by TLS" in there.log()
    stranger.process.send_signal(signal.SIGTERM)
    assert stranger.ended() == 0
    assert "certificate verify failed" in stranger.log.read_text().lower()
    broken = worker(there, "--ca", tmp_path / "none.pem")
    assert broken.ended() == 2
    assert "none.pem" in broken.log.read_text()
