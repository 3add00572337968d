"""The reference pipeline (Brigade v1's brigade.js) as its author would write it here, jobs never awaited, as there."""

from __future__ import annotations

import json

import pytest

from brignb import Job, events
from brignb.model.secrets import Secrets


@pytest.fixture
def pipeline(session, tmp_path):
    """With shell stand-ins for docker and slack-notify."""
    session.secrets = Secrets(
        {
            "DOCKER_USER": "demoacr",
            "DOCKER_PASS": "not-a-real-password",
            "DOCKER_REGISTRY": "demoacr.azurecr.io",
            "SLACK_WEBHOOK": "https://hooks.example.com/services/T000/B000/not-a-real-hook",
        }
    )
    session.redactor.learn(*session.secrets.values())
    jobs: list[Job] = []

    @events.on("push")
    def push(project) -> None:
        driver = project.secrets.get("DOCKER_DRIVER") or "overlay"
        docker = Job("dind", "docker:stable-dind")
        docker.privileged = True
        docker.env = {"DOCKER_DRIVER": driver}
        docker.tasks = ["echo docker build -t $DOCKER_REGISTRY/flask . with $DOCKER_DRIVER"]
        if project.secrets.get("DOCKER_USER"):
            for name in ("DOCKER_USER", "DOCKER_PASS", "DOCKER_REGISTRY"):
                docker.env[name] = project.secrets[name]
            docker.tasks.append("echo docker login -u $DOCKER_USER -p $DOCKER_PASS $DOCKER_REGISTRY")
            docker.tasks.append("echo docker push $DOCKER_REGISTRY/flask")
        else:
            print("skipping push. DOCKER_USER is not set.")
        docker.run()
        jobs.append(docker)

    @events.on("image_push")
    def image_push(event, project) -> None:
        docker = json.loads(event.payload)
        message = f"New Build {docker['target']['repository']}:{docker['target']['tag']} available!"
        slack = Job("slack-notify", "technosophos/slack-notify:latest", [f'echo "$SLACK_MESSAGE" > {tmp_path}/slack'])
        slack.storage.enabled = False
        slack.env = {
            "SLACK_WEBHOOK": project.secrets["SLACK_WEBHOOK"],
            "SLACK_USERNAME": "BrigadeBot",
            "SLACK_TITLE": "Brigade Build Demo",
            "SLACK_MESSAGE": message,
            "SLACK_COLOR": "#0000ff",
        }
        slack.run()
        jobs.append(slack)

    return jobs


async def test_reference_pipeline(pipeline, tmp_path) -> None:
    """Push, then the registry's call: the message is shown, and no secret is in a log."""
    await events.fire("push")
    await events.fire("image_push", {"target": {"repository": "flask", "tag": "v1"}})
    docker, slack = pipeline
    assert docker.logs.splitlines() == [
        "docker build -t REDACTED/flask . with overlay",
        "docker login -u REDACTED -p REDACTED REDACTED",
        "docker push REDACTED/flask",
    ]
    assert (tmp_path / "slack").read_text() == "New Build flask:v1 available!\n"
    assert (docker.state, slack.state) == ("succeeded", "succeeded")
    assert any(line.startswith("privileged: ") for line in docker.last.tail)
