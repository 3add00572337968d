"""From a webhook to the executed notebook that is its record."""

import json

import httpx
import nbformat
import pytest

pytestmark = pytest.mark.slow

CELLS = (
    "from brignb import Group, Job, events",
    (
        (
            "image_tag: str = 'latest'  # from: event.data.after\n"
            "retries: int = 2\n"
            "missing: str = 'default'  # from: event.data.no.such.path"
        ),
        ["parameters"],
    ),
    (
        "@events.on('push')\n"
        "async def push(event, project):\n"
        "    print('building', image_tag[:7], retries, missing, event.type, project.name)\n"
        "    build = Job('build', 'python:3.12', tasks=['echo built $SECRET', 'echo wheel=demo.whl >> $BRIGNB_OUTPUT'])\n"
        "    build.env['SECRET'] = project.secrets['CANARY']\n"
        "    await build.run()\n"
        "    test = Job('test', tasks=['echo testing $WHEEL in $PWD', 'git log --oneline | head -1'])\n"
        "    test.env = {'WHEEL': build.outputs['wheel']}\n"
        "    test.run()\n"
    ),
)


def test_a_signed_push_becomes_a_build_with_jobs_logs_and_a_record(server, repository, project, pipeline):
    commit = repository.commit(pipeline.notebook(*CELLS))

    build, log = server.run(project, commit)

    assert build["state"] == "succeeded", log
    assert build["event"]["type"] == "push"
    assert build["event"]["source"] == "github"
    assert build["event"]["revision"]["commit"] == commit
    assert [(job["name"], job["state"], job["exit_code"]) for job in build["jobs"]] == [
        ("build", "succeeded", 0),
        ("test", "succeeded", 0),
    ]
    assert f"worker | building {commit[:7]} 2 default push {project}" in log
    assert "build | built REDACTED" in log
    assert "test | testing demo.whl in /src" in log
    record = server.record(build["id"])
    nbformat.validate(nbformat.from_dict(record))
    tags = [cell["metadata"].get("tags", []) for cell in record["cells"]]
    assert ["injected-parameters"] in tags
    assert ["event"] in tags
    assert "built REDACTED" in pipeline.outputs(record)
    assert pipeline.canary not in json.dumps(record) + log


def test_a_delivery_seen_before_answers_its_first_ids_and_runs_nothing(server, repository, project, pipeline):
    commit = repository.commit(pipeline.notebook(*CELLS))
    first = server.push(project, commit, delivery="d-1")
    again = server.push(project, commit, delivery="d-1")
    other_id_same_body = server.push(project, commit, delivery="d-2")

    assert (first.status_code, again.status_code, other_id_same_body.status_code) == (202, 200, 200)
    ids = {(answer.json()["event"], answer.json()["build"]) for answer in (first, again, other_id_same_body)}
    assert len(ids) == 1
    server.ended(first.json()["build"])
    assert len(server.http.get("/api/builds", params={"project": project}).json()["items"]) == 1


def test_a_registrys_webhook_becomes_image_push_with_its_image(server, repository, project, pipeline):
    repository.commit(
        pipeline.notebook(
            "from brignb import events\n@events.on('image_push')\n"
            "def pushed(event):\n    print('New Build', event.image.repository + ':' + event.image.tag, event.revision.ref)"
        )
    )
    body = {"id": project, "action": "push", "target": {"repository": "flask", "tag": "v1", "digest": "sha256:0"}}
    body["request"] = {"host": "demo.azurecr.io"}

    answer = httpx.post(f"{server.url}/events/webhook/{project}?commit=master", json=body, timeout=60)

    assert answer.status_code == 202, answer.text
    assert "New Build flask:v1 master" in server.follow(answer.json()["build"])
    again = httpx.post(f"{server.url}/events/webhook/{project}?commit=master", json=body)
    assert again.status_code == 200
    assert again.json()["build"] == answer.json()["build"]


def test_an_event_that_nobody_answers_succeeds_and_says_so(server, repository, project, pipeline):
    commit = repository.commit(pipeline.notebook(*CELLS))
    build, _log = server.run(project, commit, event="star", action="created")
    assert (build["state"], build["reason"], build["event"]["type"]) == ("succeeded", "no_handler", "star:created")


def test_a_notebook_without_handlers_is_the_handler(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook("print('whole', event.type, project.name)\nmore = 1", "print('and', more)")
    )
    build, log = server.run(project, commit)
    assert build["state"] == "succeeded", log
    assert f"whole push {project}" in log
    assert "and 1" in log


def test_a_handler_that_raises_fails_the_build_and_error_handlers_hear_of_it(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(
            "from brignb import events",
            "@events.on('push')\ndef push(event):\n    raise ValueError('it broke here')",
            "@events.on('error')\ndef error(event):\n    print('heard', event.cause['reason'])",
            "@events.on('after')\ndef after(event):\n    print('never')",
        )
    )
    build, log = server.run(project, commit)
    assert (build["state"], build["reason"]) == ("failed", "handler_error"), log
    assert "it broke here" in build["message"]
    assert "heard ValueError: it broke here" in log
    assert "never" not in log


def test_after_handlers_run_when_the_build_went_well(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(
            "from brignb import events",
            "@events.on('push')\ndef push():\n    print('pushed')",
            "@events.on('after')\ndef after(event):\n    print('after', event.cause['trigger'])",
        )
    )
    build, log = server.run(project, commit)
    assert build["state"] == "succeeded", log
    assert "after success" in log


def test_a_failed_job_that_nobody_awaits_fails_the_build(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(
            "from brignb import Job, events",
            "@events.on('push')\ndef push(event):\n    Job('bad', tasks=['echo to be seen', 'exit 3']).run()",
        )
    )
    build, log = server.run(project, commit)
    assert (build["state"], build["reason"]) == ("failed", "job_failed"), log
    assert build["jobs"][0]["exit_code"] == 3
    assert "bad | to be seen" in log


def test_emit_raises_the_next_event_in_the_same_project(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(
            "from brignb import events",
            "@events.on('push')\nasync def push(event):\n    await events.emit('deployed', {'to': 'staging'})",
            "@events.on('deployed')\ndef deployed(event):\n    print('deployed to', event.data['to'], event.source)",
        )
    )
    build, log = server.run(project, commit)
    assert build["state"] == "succeeded", log
    newest = server.http.get("/api/builds", params={"project": project}).json()["items"][0]
    assert newest["event"]["type"] == "deployed"
    assert "deployed to staging brignb" in server.follow(newest["id"])


def test_the_reference_projects_file_is_taken_as_it_is(server):
    text = (
        'cloneURL: "https://github.com/example/brigadedemo.git"\nnamespace: "default"\nproject: "example/brigadedemo"\n'
        'repository: "github.com/example/brigadedemo"\nsharedSecret: "not-a-real-shared-secret-0001"\nsecrets: {\n'
        '  DOCKER_USER: "demoacr",\n  DOCKER_PASS: "not-a-real-password",\n  DOCKER_REGISTRY: "demoacr.azurecr.io",\n'
        '  SLACK_WEBHOOK: "https://hooks.example.com/services/T000/B000/not-a-real-hook"\n}\n'
    )
    answer = server.create(text)
    assert answer.status_code == 201, answer.text
    shown = server.http.get("/api/projects/example/brigadedemo").text
    assert "not-a-real" not in shown + answer.text
    assert server.create(text).status_code == 409


@pytest.mark.parametrize("reason", ["commit_not_found", "notebook_missing", "notebook_invalid"])
def test_a_source_that_is_not_there_fails_the_build_with_its_reason(server, repository, project, reason):
    commit = repository.commit(None if reason == "notebook_missing" else "{}", README="hello")
    build, log = server.run(project, "0" * 40 if reason == "commit_not_found" else commit)
    assert (build["state"], build["reason"]) == ("failed", reason), log
    assert build["message"]
    assert build["message"].splitlines()[0] in log
    record = server.record(build["id"])
    nbformat.validate(nbformat.from_dict(record))
    assert reason in record["cells"][0]["source"]


def test_a_repository_that_cannot_be_reached_says_so(server, tmp_path, pipeline):
    server.create(pipeline.file("tests/unreachable", (tmp_path / "nowhere").as_uri()))
    build, _log = server.run("tests/unreachable", "1" * 40)
    assert (build["state"], build["reason"]) == ("failed", "repository_unreachable")


def test_rerun_makes_a_new_build_of_the_same_event(server, repository, project, pipeline):
    commit = repository.commit(pipeline.notebook(*CELLS))
    build, _log = server.run(project, commit)
    answer = server.http.post(f"/api/builds/{build['id']}/rerun")
    assert answer.status_code == 202, answer.text
    again = server.ended(answer.json()["build"])
    assert again["id"] != build["id"]
    assert again["state"] == "succeeded"
    assert again["event"]["revision"]["commit"] == commit


def test_a_task_that_a_handler_leaves_running_is_awaited(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(
            "import asyncio\nfrom brignb import events",
            (
                "@events.on('push')\nasync def push(event):\n    async def later():\n        await asyncio.sleep(0.1)\n"
                "        print('came to its end')\n    asyncio.create_task(later())"
            ),
        )
    )
    build, log = server.run(project, commit)
    assert build["state"] == "succeeded", log
    assert "came to its end" in log


def test_a_task_that_fails_unseen_fails_the_build_and_the_log_says_how(server, repository, project, pipeline):
    commit = repository.commit(
        pipeline.notebook(
            "import asyncio\nfrom brignb import events",
            (
                "@events.on('push')\nasync def push(event):\n    async def later():\n        raise ValueError('unseen')\n"
                "    asyncio.create_task(later())"
            ),
        )
    )
    build, log = server.run(project, commit)
    assert (build["state"], build["reason"]) == ("failed", "handler_error"), log
    assert "worker | failed: handler_error: " in log
    assert "unseen" in log
