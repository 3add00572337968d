"""A failed build, debugged where its author sits: same event, same commit, own secrets, nothing done twice; then mended, and run again."""

import json
import subprocess

import pytest
from livekernels import Notebook

pytestmark = pytest.mark.slow

PARAMETERS = ("level = 1  # from: event.data.level", ["parameters"])
HANDLERS = """
from brignb import Job, events, project
jobs = {}

@events.on("push")
async def push(event, project):
    version = "v1"
    tasks = ["cat VERSION", "echo tag=$(cat VERSION) >> $BRIGNB_OUTPUT", "mkdir -p dist && cp VERSION dist/v.txt"]
    jobs["build"] = Job("build", tasks=tasks, env={"TOKEN": project.secrets["CANARY"]}, artifacts="dist/*")
    await jobs["build"].run()
    env = {"TAG": jobs["build"].outputs["tag"], "LEVEL": level}
    jobs["test"] = Job("test", tasks=["echo $TAG $(cat dist/v.txt)", "test $TAG = v2"], env=env, inputs=jobs["build"])
    await jobs["test"].run()
"""
SCRATCH = ("raise SystemExit('a scratch cell')", ["scratch"])


@pytest.fixture
def failed(own_server, repository, pipeline):
    """A build whose second job failed, of a commit that is not the newest any more."""
    own_server.create(pipeline.file("tests/debugged", repository.url))
    commit = repository.commit(pipeline.notebook(PARAMETERS, HANDLERS, SCRATCH), VERSION="v1\n")
    build, _log = own_server.run("tests/debugged", commit, level=7)
    assert (build["state"], build["reason"]) == ("failed", "job_failed"), build
    repository.commit(pipeline.notebook("print('newer')"), VERSION="v3\n")
    return build


@pytest.fixture
def author(tmp_path):
    """Where the author sits, with a project file whose secrets are others than the server's."""
    folder = tmp_path / "author"
    folder.mkdir()
    (folder / "project.yaml").write_text("project: tests/debugged\nsecrets: {CANARY: value-of-the-author}\n")
    return folder


@pytest.fixture
def kernels():
    made = []

    def make(folder, **env):
        made.append(Notebook(folder, **env))
        return made[-1]

    yield make
    for kernel in made:
        kernel.close()


def sources(path):
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]


def test_a_failed_build_is_debugged_mended_and_run_again(own_server, failed, author, kernels, pipeline):
    build = failed["id"]
    record = own_server.record(build)
    assert f"brignb debug {build}" in record["cells"][-1]["source"]
    assert record["metadata"]["brignb"]["debug"] == f"brignb debug {build}"

    made = own_server.cli("debug", build, "--no-open", cwd=author)
    assert made.returncode == 0, made.stderr
    folder = author / f"brignb-debug-{build}"
    path = folder / "brignb.ipynb"
    assert (folder / "VERSION").read_text() == "v1\n"
    git = ["git", "-C", folder]
    assert (
        subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip() == failed["event"]["revision"]["commit"]
    )
    assert subprocess.check_output([*git, "status", "--porcelain"], text=True) == " M brignb.ipynb\n"
    assert (folder / ".brignb").stat().st_mode & 0o77 == 0, "payload and logs are for nobody else on this machine"
    for file in folder.rglob("*"):
        assert not file.is_file() or pipeline.canary.encode() not in file.read_bytes(), (
            f"{file} holds the server's secret"
        )

    kernel = kernels(folder)
    *before, answers, tried = sources(path)
    assert tried == SCRATCH[0], "what an author only tries comes after the build's own error"
    for source in before:
        shown = kernel.run(source)
        assert "Error" not in shown, shown
    assert kernel.run(
        "print(event.id, event.data['level'], level, project.secrets['CANARY'] == 'value-of-the-author')"
    ) == (f"{failed['event']['id']} 7 7 True\n")
    shown = kernel.run(answers)
    assert "JobFailed" in shown
    assert (
        kernel.run(
            "print(jobs['build'].last.remembered, jobs['build'].logs, jobs['test'].last.remembered, jobs['test'].logs)"
        )
        == "True v1\n False v1 v1\n\n"
    )
    assert "v1" in kernel.run("%debug", "up", "p version", "q"), "the handler's frame is there, with its source"
    assert kernel.run("print((await jobs['build'].run(fresh=True)).remembered)").endswith("False\n")
    (folder / "VERSION").write_text("v2\n")
    shown = kernel.run("print((await jobs['build'].run()).remembered, jobs['build'].outputs['tag'])")
    assert shown.endswith("False v2\n"), "another source"

    again = own_server.cli("debug", build, "--no-open", cwd=author)
    assert again.returncode == 0, again.stderr
    assert (folder / "VERSION").read_text() == "v2\n", "what is there stays"

    fixed = json.loads(path.read_text())
    for cell in fixed["cells"]:
        cell["source"] = "".join(cell["source"]).replace("= v2", "= v1")
    path.write_text(json.dumps(fixed))
    rerun = own_server.cli("build", "rerun", build, "--notebook", str(path), "-o", "json")
    assert rerun.returncode == 0, rerun.stderr
    ended = own_server.ended(json.loads(rerun.stdout)["build"])
    assert (ended["state"], ended["event"]["revision"]["commit"]) == (
        "succeeded",
        failed["event"]["revision"]["commit"],
    )
    source = own_server.record(ended["id"])["metadata"]["brignb"]["source"]
    assert (source["name"], source["sha256"]) == ("given to a rerun", ended["given_notebook"])
    later = own_server.cli("build", "rerun", ended["id"], "-o", "json")
    assert own_server.ended(json.loads(later.stdout)["build"])["state"] == "succeeded"


def test_a_notebook_that_cannot_run_is_not_taken(own_server, failed, author, pipeline):
    """Its problems are told at once, by cell, and nothing is queued."""
    path = author / "bad.ipynb"
    path.write_text(pipeline.notebook("print('fine')", "def broken(:", f"token = {pipeline.canary!r}"))
    rerun = own_server.cli("build", "rerun", failed["id"], "--notebook", str(path))
    assert rerun.returncode == 2
    for word in ("bad.ipynb", "cell 2", "cell 3", "secret"):
        assert word in rerun.stderr
    assert len(own_server.http.get("/api/builds").json()["items"]) == 1


def test_what_cannot_be_debugged_is_told(own_server, pipeline, author, failed):
    assert own_server.cli("debug", "01JAAAAAAAAAAAAAAAAAAAAAAA", "--no-open", cwd=author).returncode == 2
    elsewhere = own_server.cli("debug", failed["id"], "--no-open", "--dir", str(author), cwd=author)
    assert elsewhere.returncode == 2
    assert "holds something else" in elsewhere.stderr


def test_without_a_repository(own_server, pipeline, author, kernels):
    """A default notebook, without handlers: the folder is a work tree of its own, and not the author's around it."""
    subprocess.run(["git", "init", "--quiet", author], check=True)
    text = pipeline.notebook(("x = 'unset'  # from: event.data.x", ["parameters"]), "print(event.type, x)\n1 / 0")
    own_server.create(pipeline.file("tests/plain", None, defaultNotebook=text))
    raised = own_server.http.post(
        "/api/projects/tests/plain/events",
        json={"type": "ping", "payload": {"x": "given"}, "revision": {"commit": "c" * 40}},
    ).json()
    assert own_server.ended(raised["build"])["state"] == "failed"
    made = own_server.cli("debug", raised["build"], "--no-open", "-o", "json", cwd=author)
    assert made.returncode == 0, made.stderr
    path = author / f"brignb-debug-{raised['build']}" / "brignb.ipynb"
    assert json.loads(made.stdout)["notebook"] == str(path)
    kernel = kernels(path.parent)
    shown = [kernel.run(source) for source in sources(path)]
    assert "ping given" in shown[-1]
    assert "ZeroDivisionError" in shown[-1]
    shown = kernel.run("from brignb import Job; print((await Job('ls', tasks='ls').run()).logs.split())")
    assert shown.endswith("['brignb.ipynb']\n")
