"""Notebooks that misbehave: each ends truthfully within its limits, and the server goes on."""

import json
import subprocess

import pytest

pytestmark = pytest.mark.slow


def handler(body: str) -> tuple[str, str]:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return "from brignb import Job, events", f"@events.on('push')\ndef push(event, project):\n{lines}"


def test_os_exit_in_a_handler_is_a_lost_build_with_its_output_kept(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(*handler("print('last words')\nimport os, sys\nsys.stdout.flush()\nos._exit(7)"))
    )
    build, log = server.run(project, commit)
    assert (build["state"], build["reason"]) == ("lost", "worker_died"), log
    assert "exit code 7" in build["message"]
    assert "last words" in pipeline.outputs(server.record(build["id"]))


def test_a_forked_child_is_not_a_second_worker(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(
            *handler(
                "import os\npid = os.fork()\nif pid == 0:\n    raise SystemExit(3)\nos.waitpid(pid, 0)\nprint('parent')"
            )
        )
    )
    build, log = server.run(project, commit)
    assert build["state"] == "succeeded", log
    assert log.count("parent") == 1


def test_a_build_that_hangs_ends_at_its_timeout(server, repository, pipeline):
    server.create(pipeline.file("tests/hangs", repository.url, timeout=2))
    commit = repository.commit(
        pipeline.notebook(*handler("print('before', flush=True)\nimport threading\nthreading.Event().wait()"))
    )
    build, log = server.run("tests/hangs", commit)
    assert (build["state"], build["reason"]) == ("timed_out", "timeout"), log
    assert "before" in log


def test_a_build_is_canceled_while_it_runs(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(*handler("Job('long', tasks=['echo started', 'sleep 600']).run().wait()"))
    )
    build = server.push(project, commit).json()["build"]
    with server.http.stream("GET", f"/api/builds/{build}/logs", params={"follow": "1"}) as log:
        for line in log.iter_lines():
            if "started" in line:
                server.http.post(f"/api/builds/{build}/cancel")
    ended = server.build(build)
    assert ended["state"] == "canceled"
    assert [job["state"] for job in ended["jobs"]] == ["canceled"]
    assert server.http.post(f"/api/builds/{build}/cancel").json()["state"] == "canceled"


def test_a_gigabyte_of_output_is_cut_with_a_mark_and_the_build_goes_on(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(
            *handler("line = 'x' * 999 + '\\n'\nfor _ in range(300):\n    print(line * 1000, end='')\nprint('done')")
        )
    )
    build, _log = server.run(project, commit)
    assert build["state"] == "succeeded"
    record = server.record(build["id"])
    assert "[brignb: cut, " in pipeline.outputs(record)
    assert len(json.dumps(record)) < 20_000_000


def test_a_notebook_that_deletes_its_checkout_harms_only_itself(server, repository, project, pipeline):
    bad = repository.commit(
        pipeline.notebook(
            *handler(
                "import shutil\nfor name in __import__('os').listdir('.'):\n    shutil.rmtree(name, ignore_errors=True)"
            )
        )
    )
    server.run(project, bad)
    good = repository.commit(pipeline.notebook(*handler("print('fine')")))
    build, log = server.run(project, good)
    assert build["state"] == "succeeded", log
    assert "fine" in log


def test_a_worker_sees_neither_the_home_nor_the_servers_environment(server, repository, project, pipeline):
    look = (
        "import os, pathlib\n"
        f"home = pathlib.Path({str(server.home)!r})\n"
        "for name in ('key', 'token', 'brignb.db', 'server.json', 'sources', 'trees'):\n"
        "    print(name, (home / name).exists())\n"
        "print('builds', len(list((home / 'builds').iterdir())))\n"
        "print('environment', sorted(os.environ))\n"
        "print('canary', [f'{k}={v}' for k, v in os.environ.items() if 'canary' in v])"
    )
    commit = repository.commit(pipeline.notebook(*handler(look)))
    build, log = server.run(project, commit)
    assert build["state"] == "succeeded", log
    for name in ("key", "token", "brignb.db", "server.json", "sources", "trees"):
        assert f"{name} False" in log
    assert "builds 1" in log
    assert "canary []" in log


def test_no_secret_reaches_the_disk(server, repository, project, pipeline):
    """Printed, raised, shown, in a job's output, encoded: the home's files hold none of it in clear."""
    leak = (
        "import base64\n"
        "secret = project.secrets['CANARY']\n"
        "print(secret, repr(str(secret)), base64.b64encode(secret.encode()).decode())\n"
        "print(secret[:8], end='', flush=True)\nprint(secret[8:])\n"
        "Job('leak', tasks=['echo $S', 'printf %s $S | base64'], env={'S': secret}).run().wait()\n"
        "raise ValueError(f'with {secret} in it')"
    )
    commit = repository.commit(pipeline.notebook(*handler(leak)))
    build, log = server.run(project, commit)
    assert build["state"] == "failed"
    assert pipeline.canary not in log + json.dumps(server.record(build["id"])) + json.dumps(build)
    found = subprocess.run(["grep", "-rlF", pipeline.canary, server.home], capture_output=True, text=True, check=False)
    assert found.stdout == ""


@pytest.mark.parametrize(
    ("cells", "where"),
    [
        (("x = (",), "cell 1"),
        (("%%job test busybox\necho hi",), "cell 1"),
        (("x = 1", ("a: int = open('x')", ["parameters"])), "cell 2"),
    ],
)
def test_a_defective_notebook_is_refused_with_its_place(server, repository, project, pipeline, cells, where):
    commit = repository.commit(pipeline.notebook(*cells))
    build, _log = server.run(project, commit)
    assert (build["state"], build["reason"]) == ("failed", "notebook_invalid")
    assert where in build["message"]


def test_a_parameter_of_a_wrong_type_fails_the_build(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(("count: int = 1  # from: event.data.ref", ["parameters"]), "print(count)")
    )
    build, _log = server.run(project, commit)
    assert (build["state"], build["reason"]) == ("failed", "parameter")
    assert "count" in build["message"]
