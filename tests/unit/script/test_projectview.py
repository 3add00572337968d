"""`project` displayed: policy, secrets by name only, last builds."""

from __future__ import annotations

from brignb import project
from brignb.model.projects import Policy, Project
from brignb.script import session as sessions

BUILD = {
    "id": "01JGZBUILD",
    "event": {"type": "<b>push</b>"},
    "state": "failed",
    "created_at": "2026-01-31T12:00:00.000Z",
}


def test_policy_secrets_and_builds(session) -> None:
    """All that decides how a job is taken stands in one place; of secrets only the names."""
    session.policy = Policy(allow_host_mounts=True, allow_service_accounts=("deployer",))
    session.project_facts = Project(name="example/demo", timeout=60, tier="kernel").public
    session.last_builds = lambda: ([BUILD], "")
    bundle = project._repr_mimebundle_()
    for word in (
        "example/demo",
        "host mounts",
        "deployer",
        "kernel",
        "60 s",
        "TOKEN",
        "HOOK",
        "01JGZBUILD",
        "✗ failed",
    ):
        assert word in bundle["text/plain"]
        assert word in bundle["text/html"]
    assert "s3cr3t" not in str(bundle)
    assert "<b>push" not in bundle["text/html"]


def test_no_server_is_said_not_raised(session) -> None:
    """Work goes on without one."""
    session.last_builds = lambda: ((), "no server runs here")
    bundle = project._repr_mimebundle_()
    assert all("no server runs here" in text for text in bundle.values())


def test_credentials_in_the_address_are_redacted(session) -> None:
    """A clone URL may carry a token."""
    session.clone_url = "https://x:s3cr3t-token-value@example.com/demo.git"
    assert "s3cr3t" not in str(project._repr_mimebundle_())


def test_plain_notebook_asks_its_server(tmp_path, monkeypatch) -> None:
    """The seam is filled: without a server the display says so, and where it looked."""
    from brignb.wiring.sessions import local_session

    monkeypatch.setenv("BRIGNB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BRIGNB_SERVER", raising=False)
    monkeypatch.chdir(tmp_path)
    sessions.enter(local_session())
    try:
        assert "no server runs here" in project._repr_mimebundle_()["text/plain"]
    finally:
        sessions.enter(None)
