"""`kill -9` of the server: what was acknowledged is there, nothing runs twice to success, nothing stays stuck, nothing is left over."""

import os
import signal
import subprocess

import pytest

pytestmark = pytest.mark.slow


def waiting(address: tuple[str, int]) -> str:
    """A cell that tells the test that it runs (and its pid), then waits for the test's word."""
    return (
        "import os, socket\n"
        f"gate = socket.create_connection({address!r})\n"
        "gate.sendall(b'here')\n"
        "print('went on', gate.recv(10))"
    )


def processes(mark: str) -> list[str]:
    """Command lines of processes that name something, but this one's."""
    found = subprocess.run(["pgrep", "-af", mark], capture_output=True, text=True, check=False).stdout.splitlines()
    return [line for line in found if not line.startswith(f"{os.getpid()} ")]


@pytest.mark.parametrize("own_server", ["sqlite", "postgresql"], indirect=True)
def test_a_build_in_its_cells_is_lost_and_leaves_a_truthful_record(own_server, repository, pipeline, door):
    own_server.create(pipeline.file("tests/lost", repository.url))
    commit = repository.commit(pipeline.notebook("print('seen before')", waiting(door.getsockname()), "print('never')"))
    build = own_server.push("tests/lost", commit).json()["build"]
    connection, _address = door.accept()
    assert connection.recv(10) == b"here"

    own_server.stop(signal.SIGKILL)
    assert connection.recv(10) == b""  # the worker is gone with its server
    connection.close()
    assert processes(str(own_server.home)) == []
    own_server.start()

    ended = own_server.ended(build)
    assert (ended["state"], ended["reason"]) == ("lost", "worker_died")
    record = own_server.record(build)
    status = [cell["metadata"]["brignb"]["status"] for cell in record["cells"] if cell["cell_type"] == "code"]
    assert "killed" in status
    assert status[-1] == "never-run"
    assert "seen before" in pipeline.outputs(record)


def test_retries_of_the_project_run_a_lost_build_again(own_server, repository, pipeline, door):
    own_server.create(pipeline.file("tests/retried", repository.url, retries=1))
    commit = repository.commit(pipeline.notebook(waiting(door.getsockname())))
    build = own_server.push("tests/retried", commit).json()["build"]
    first, _address = door.accept()
    own_server.stop(signal.SIGKILL)
    first.close()
    own_server.start()

    second, _address = door.accept()
    second.sendall(b"go")
    ended = own_server.ended(build)
    second.close()

    assert (ended["state"], ended["attempt"]) == ("succeeded", 2)
    assert len([line for line in own_server.follow(build).splitlines() if "went on" in line]) == 1


@pytest.mark.parametrize("own_server", ["sqlite", "postgresql"], indirect=True)
def test_builds_that_had_not_begun_are_run_after_a_restart(own_server, repository, pipeline, door):
    """Two workers are busy, the rest waits; a kill loses the two that had begun, and none of those that had not."""
    own_server.create(pipeline.file("tests/waiting", repository.url))
    busy = repository.commit(pipeline.notebook(waiting(door.getsockname())))
    workers = os.cpu_count() or 1
    begun = [own_server.push("tests/waiting", busy, number=number).json()["build"] for number in range(workers)]
    connections = [door.accept()[0] for _ in range(workers)]
    quick = repository.commit(pipeline.notebook("print('ran')"))
    queued = [own_server.push("tests/waiting", quick, number=100 + number).json()["build"] for number in range(6)]

    own_server.stop(signal.SIGKILL)
    for connection in connections:
        connection.close()
    own_server.start()

    assert {own_server.ended(build)["state"] for build in begun} == {"lost"}
    assert {own_server.ended(build)["state"] for build in queued} == {"succeeded"}
    assert own_server.http.get("/api/builds", params={"state": "running"}).json()["items"] == []


def test_sigterm_waits_for_what_runs(own_server, repository, pipeline, door):
    own_server.create(pipeline.file("tests/drained", repository.url))
    commit = repository.commit(pipeline.notebook(waiting(door.getsockname())))
    build = own_server.push("tests/drained", commit).json()["build"]
    connection, _address = door.accept()
    own_server.process.send_signal(signal.SIGTERM)
    connection.sendall(b"go")
    assert own_server.process.wait(timeout=30) == 0
    connection.close()
    own_server.process.stdout.close()
    own_server.http.close()
    own_server.start()
    assert own_server.build(build)["state"] == "succeeded"


def test_a_job_dies_with_its_server(own_server, repository, pipeline, door):
    """Not even a process that left its session survives."""
    own_server.create(pipeline.file("tests/orphans", repository.url))
    mark = f"orphan-{os.getpid()}"
    host, port = door.getsockname()
    tasks = [f"setsid sh -c 'exec -a {mark} sleep 600' &", f"exec 3<>/dev/tcp/{host}/{port}", "read x <&3"]
    commit = repository.commit(
        pipeline.notebook(
            "from brignb import Job, events",
            f"@events.on('push')\nasync def push():\n    await Job('holder', tasks={tasks!r}, shell='/bin/bash').run()",
        )
    )
    own_server.push("tests/orphans", commit)
    connection, _address = door.accept()

    own_server.stop(signal.SIGKILL)
    assert connection.recv(10) == b""
    connection.close()

    assert processes(mark) == []
