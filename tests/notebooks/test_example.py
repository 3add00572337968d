"""The example repository's pipeline: the seed's brigade.js, as a notebook, does what that script does."""

from __future__ import annotations

from pathlib import Path

import pytest

from brignb.testing import FakeExecutor, fire, payloads

NOTEBOOK = Path(__file__).parents[2] / "deploy" / "example" / "brigadedemo" / "brignb.ipynb"
SECRETS = {
    "DOCKER_USER": "demoacr",
    "DOCKER_PASS": "not-a-real-password",
    "DOCKER_REGISTRY": "demoacr.azurecr.io",
    "SLACK_WEBHOOK": "https://hooks.example.com/services/T000/B000/not-a-real-hook",
}


def test_a_push_builds_and_pushes():
    """One privileged `dind` job with the source; the password is in its environment, never in its tasks."""
    done = fire(NOTEBOOK, payloads.github("push"), executor=FakeExecutor(), secrets=SECRETS).check()
    job = done.job("dind")
    assert done.job_names == ["dind"]
    assert (job.image, job.spec.privileged, job.spec.use_source) == ("docker:stable-dind", True, True)
    assert job.tasks[0].startswith("dockerd-entrypoint.sh ")
    assert job.tasks[-1] == "docker push $DOCKER_REGISTRY/flask"
    assert {name: job.env[name] for name in SECRETS if name.startswith("DOCKER")} == {
        name: value for name, value in SECRETS.items() if name.startswith("DOCKER")
    }
    assert SECRETS["DOCKER_PASS"] not in "".join(job.tasks)


def test_without_a_docker_user_nothing_is_pushed(capsys):
    done = fire(NOTEBOOK, payloads.github("push"), executor=FakeExecutor(), secrets={}).check()
    assert "skipping push. DOCKER_USER is not set." in capsys.readouterr().out
    assert not [task for task in done.job("dind").tasks if "push" in task or "login" in task]


@pytest.mark.parametrize(
    ("registry", "changes", "image"),
    [("acr", {}, "hello-world:v1"), ("distribution", {"events.0.target.tag": "latest"}, "library/test:latest")],
)
def test_a_pushed_image_is_told_to_slack(registry, changes, image):
    """Azure's webhook, which the seed reads by hand, and the registry's own: the same sentence."""
    done = fire(NOTEBOOK, payloads.registry(registry, changes), executor=FakeExecutor(), secrets=SECRETS).check()
    job = done.job("slack-notify")
    assert (job.image, job.tasks) == ("technosophos/slack-notify:latest", ("/slack-notify",))
    assert job.env == {
        "SLACK_WEBHOOK": SECRETS["SLACK_WEBHOOK"],
        "SLACK_USERNAME": "BrigadeBot",
        "SLACK_TITLE": "Brigade Build Demo",
        "SLACK_MESSAGE": f"New Build {image} available!",
        "SLACK_COLOR": "#0000ff",
    }


def test_a_build_that_fails_fails_the_event():
    """What the seed's script loses: it does not wait for its job."""
    fake = FakeExecutor().job("dind", exit_code=1, lines=["no space left on device"])
    done = fire(NOTEBOOK, payloads.github("push"), executor=fake, secrets=SECRETS)
    assert "no space left on device" in str(done.failure)


def test_it_is_kept_without_outputs():
    assert '"outputs": []' in NOTEBOOK.read_text("utf-8")
    assert '"output_type"' not in NOTEBOOK.read_text("utf-8")
