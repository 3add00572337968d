"""A notebook takes real events of a real server: shared, never doubled, and none vanishes, whatever dies."""

import json
import signal

import pytest
from livekernels import Notebook

pytestmark = pytest.mark.slow

HANDLERS = """
import asyncio, socket, time
from brignb import Job, events, project
from brignb.wiring.listening import listen

@events.on("push")
async def push(event):
    print("handled", event.data.get("number"), "with", len(project.secrets["TOKEN"]))
    if event.data.get("job"):
        job = Job("greet", tasks=["echo hello from the job", "echo answer=42 >> $BRIGNB_OUTPUT", "ls"])
        await job.run()
        await events.emit("greeted", job.outputs)
    if event.data.get("gate"):
        gate = socket.create_connection(("127.0.0.1", event.data["gate"]))
        gate.sendall(b"here")
        await asyncio.get_running_loop().run_in_executor(None, gate.recv, 10) if event.data.get("async") else gate.recv(10)
    if event.data.get("fail"):
        wheel = None
        wheel.upload()

@events.on("error")
def failed(event):
    print("told of", event.cause["reason"])
"""
FILE = "project: {name}\nsecrets: {{TOKEN: s3cr3t-of-the-author}}\n"


@pytest.fixture
def notebooks(tmp_path):
    """Makes kernels that know a server and a project."""
    made = []

    def make(server, project):
        folder = tmp_path / f"author-{len(made)}"
        folder.mkdir()
        (folder / "project.yaml").write_text(FILE.format(name=project))
        (folder / "data.txt").write_text("the author's file")
        notebook = Notebook(folder, BRIGNB_HOME=str(server.home), BRIGNB_PROJECT="")
        made.append(notebook)
        notebook.run(HANDLERS)
        return notebook

    yield make
    for notebook in made:
        notebook.close()


def listens(notebook, how="await listen()"):
    cell = notebook.begin(how)
    notebook.until(cell, "listening:")
    return cell


@pytest.fixture
def name(server, pipeline, request):
    """A project whose own notebook tells when a worker had it after all."""
    name = "tests/" + "".join(c if c.isalnum() else "-" for c in request.node.name)[:80]
    text = pipeline.notebook("print('a worker had it')")
    assert server.create(pipeline.file(name, None, defaultNotebook=text)).status_code == 201
    return name


def raised(server, project, **payload):
    return server.http.post(f"/api/projects/{project}/events", json={"type": "push", "payload": payload}).json()[
        "build"
    ]


def test_a_notebook_answers_real_events(server, name, notebooks):
    """With its own handlers, secrets, files and jobs; the server has state, logs, record, and never the secret."""
    notebook = notebooks(server, name)
    cell = listens(notebook)
    build = raised(server, name, number=1, job=True)
    shown = notebook.until(cell, f"build {build}: succeeded")
    assert "handled 1 with 20" in shown
    ended = server.ended(build)
    assert (ended["state"], ended["worker"]["tier"]) == ("succeeded", "notebook")
    (job,) = ended["jobs"]
    assert (job["name"], job["state"]) == ("greet", "succeeded")
    log = server.follow(build)
    assert "worker | handled 1 with 20" in log
    assert "greet | hello from the job" in log
    assert "greet | data.txt" in log, "the job's /src is a copy of the author's files"
    record = server.record(build)
    assert '@events.on("push")' in record["cells"][0]["source"]
    assert [cell["metadata"]["tags"] for cell in record["cells"][1:]] == [["event"]]
    assert "hello from the job" in json.dumps(record)
    assert "s3cr3t" not in json.dumps(record) + log
    emitted = server.http.get("/api/builds", params={"project": name}).json()["items"][0]
    assert (emitted["event"]["type"], server.ended(emitted["id"])["worker"]["tier"] != "notebook") == ("greeted", True)

    failing = raised(server, name, fail=True)
    shown = notebook.until(cell, f"build {failing}: failed")
    assert "AttributeError" in shown
    ended = server.ended(failing)
    assert (ended["state"], ended["reason"]) == ("failed", "handler_error")
    assert "told of AttributeError" in server.follow(failing)
    assert "wheel.upload()" in json.dumps(server.record(failing))

    notebook.interrupt()
    assert "listening ended: 2 events, 1 succeeded, 1 failed" in notebook.until_idle(cell)
    after = raised(server, name)
    assert "a worker had it" in server.follow(after)
    assert "wheel" in notebook.run("import sys; print(sys.last_traceback.tb_frame.f_locals)"), (
        "%debug finds the handler"
    )


@pytest.mark.parametrize(("begun", "state"), [(False, "succeeded"), (True, "lost")])
def test_a_killed_kernel(server, name, notebooks, door, begun, state):
    """Before its first line the event goes to a worker, after it the build is lost; both within a lease, which 10 s bound."""
    notebook = notebooks(server, name)
    if begun:
        cell = listens(notebook)
        build = raised(server, name, gate=door.getsockname()[1])
        connection, _address = door.accept()
        with server.http.stream("GET", f"/api/builds/{build}/logs", params={"follow": "1"}) as lines:
            assert "handled None" in next(lines.iter_lines())
    else:  # stopped as soon as it had the event: the call that notes its start never comes
        notebook.run("from brignb.wiring.handling import Handling; Handling._started = lambda self: time.sleep(600)")
        cell = listens(notebook)
        build = raised(server, name)
        notebook.until(cell, f"build {build}")
    notebook.kill()
    ended = server.ended(build)
    assert (ended["state"], ended["attempt"]) == (state, 1 if begun else 2)
    if begun:
        assert ended["reason"] == "worker_died"
        connection.close()
        record = server.record(build)
        assert record["cells"][-1]["metadata"]["brignb"]["status"] == "killed"
        assert "handled None" in server.follow(build)
    else:
        assert "a worker had it" in server.follow(build)


def test_two_share_thirty_events(server, name, notebooks):
    """Each is handled once, by one of them, though both are asked for all the time."""
    two = [notebooks(server, name) for _ in range(2)]
    cells = [listens(notebook) for notebook in two]
    builds = [raised(server, name, number=number) for number in range(30)]
    assert {server.ended(build)["state"] for build in builds} == {"succeeded"}
    shown = []
    for notebook, cell in zip(two, cells, strict=True):
        notebook.interrupt()
        shown.append(notebook.until_idle(cell))
    handled = [line for text in shown for line in text.splitlines() if line.startswith("handled")]
    assert sorted(handled) == sorted(f"handled {number} with 20" for number in range(30))
    assert all("handled" in text for text in shown), "one of them had nothing to do"


@pytest.mark.parametrize("kind", [{}, {"async": True}])
def test_a_canceled_build_ends_in_its_notebook(server, name, notebooks, door, kind):
    """A handler that blocks, and one that awaits: both end, and the notebook goes on listening."""
    notebook = notebooks(server, name)
    cell = listens(notebook, "listen().wait()")
    build = raised(server, name, gate=door.getsockname()[1], **kind)
    connection, _address = door.accept()
    assert server.cli("build", "cancel", build).returncode == 0
    shown = notebook.until(cell, f"build {build}: canceled")
    connection.close()
    assert server.ended(build)["state"] == "canceled"
    following = raised(server, name, number=2)
    notebook.until(cell, f"build {following}: succeeded")
    notebook.interrupt()
    assert "listening ended" in notebook.until_idle(cell), shown


def test_an_interrupt_ends_the_build_and_listening(server, name, notebooks, door):
    notebook = notebooks(server, name)
    cell = listens(notebook, "handled = await listen()")
    build = raised(server, name, gate=door.getsockname()[1], **{"async": True})
    connection, _address = door.accept()
    notebook.interrupt()
    shown = notebook.until_idle(cell)
    connection.close()
    assert "Traceback" not in shown
    assert "interrupted" in notebook.run("print(handled)")
    assert "no event came" in notebook.run("await listen(seconds=0.1)")
    ended = server.ended(build)
    assert (ended["state"], ended["reason"]) == ("canceled", "interrupted")


def test_a_server_that_is_killed_and_comes_back(own_server, pipeline, notebooks, door):
    """The event in the notebook's hands is lost, as any build that had begun; the notebook says so, and listens again."""
    text = pipeline.notebook("print('a worker had it')")
    own_server.create(pipeline.file("tests/restarted", None, defaultNotebook=text))
    port = own_server.url.rpartition(":")[2]
    own_server.args = (*own_server.args, "--port", port)
    notebook = notebooks(own_server, "tests/restarted")
    cell = listens(notebook)
    build = raised(own_server, "tests/restarted", gate=door.getsockname()[1], **{"async": True})
    connection, _address = door.accept()
    waiting = raised(own_server, "tests/restarted", number=7)
    own_server.stop(signal.SIGKILL)
    own_server.start()
    notebook.until(cell, "listening again")
    connection.close()
    assert own_server.ended(build)["state"] == "lost"
    assert own_server.ended(waiting)["state"] == "succeeded", "whoever had it"
    following = raised(own_server, "tests/restarted", number=8)
    notebook.until(cell, f"build {following}: succeeded")


def test_a_server_that_stays_away(own_server, pipeline, notebooks):
    """One clear line, and the end."""
    text = pipeline.notebook("print('a worker had it')")
    own_server.create(pipeline.file("tests/away", None, defaultNotebook=text))
    notebook = notebooks(own_server, "tests/away")
    notebook.run("import brignb.wiring.listening as l; l.PATIENCE = 0.5")
    cell = listens(notebook)
    own_server.stop()
    shown = notebook.until_idle(cell)
    assert "listening ended: nobody answers there" in shown
    assert "Traceback" not in shown
