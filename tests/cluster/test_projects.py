"""Projects that are Secrets, on a real API server: made, edited, deleted, refused; and what `kubectl describe` says of it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from dataclasses import replace
from pathlib import Path

import kube
import pytest
import yaml

from brignb import cli
from brignb.archive.files import FileArchive
from brignb.cluster.connection import connect
from brignb.controller import projectsecrets
from brignb.controller.projectsecrets import ProjectSecrets
from brignb.errors import NotFound, Unavailable
from brignb.model import projectfile
from brignb.model.builds import Outcome, State
from brignb.model.events import Draft
from brignb.model.names import new_id, project_id
from brignb.model.projects import Project
from brignb.store.sealing import Sealer
from brignb.store.seam import Accept
from brignb.store.sql import SqlStore

NAME = "acme/site"
ID = project_id(NAME)
CHART = Path(__file__).parents[2] / "deploy" / "charts" / "brignb-project"
CANARY = "c4n4ry-never-shown"
WITHIN = 30


def manifest(data: dict[str, str], name: str = NAME, *, called: str | None = None, **fields) -> dict:
    """As another's tool makes it."""
    labels = {"app": "brigade", "heritage": "brigade", "component": "project"}
    metadata = {"name": called or project_id(name), "labels": labels, "annotations": {"projectName": name}}
    return {"metadata": metadata, "type": "brigade.sh/project", "stringData": {"cloneURL": "/srv/x", **data}, **fields}


class Place:
    """A namespace, a server's store, and a watch that can be stopped and started."""

    def __init__(self, namespace: str, store: SqlStore, archive: FileArchive, connection) -> None:
        self.namespace, self.store, self.archive, self.connection = namespace, store, archive, connection
        self.number = 0

    @contextlib.asynccontextmanager
    async def watched(self):
        watch = ProjectSecrets(self.store, self.archive, self.connection, self.namespace, now_ms=kube.now_ms)
        task = asyncio.create_task(watch.run())
        try:
            yield watch
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()

    async def ask(self, method: str, name: str = "", body=None, **params):
        where = f"/api/v1/namespaces/{self.namespace}/secrets"
        if method == "PATCH":
            params["kind"] = "application/merge-patch+json"
        return await self.connection.ask(method, f"{where}/{name}" if name else where, body, **params)

    async def edit(self, name: str = ID, **data: str | None) -> None:
        texts = {key: None if text is None else base64.b64encode(text.encode()).decode() for key, text in data.items()}
        await self.ask("PATCH", name, {"data": texts})

    async def remarks(self, name: str = ID) -> dict[str, str]:
        """Messages by reason."""
        where = f"/api/v1/namespaces/{self.namespace}/events"
        found = await self.connection.ask("GET", where, fieldSelector=f"involvedObject.name={name}")
        return {event["reason"]: event["message"] for event in found["items"]}

    async def remarked(self, reason: str, name: str = ID) -> str:
        return await until(lambda: self._remark(reason, name))

    async def _remark(self, reason: str, name: str) -> str | None:
        return (await self.remarks(name)).get(reason)

    async def project(self, true=lambda _project: True, name: str = NAME) -> Project:
        async def found() -> Project | None:
            project = await self.store.project(name)
            return project if project and true(project) else None

        return await until(found)

    async def event(self) -> str:
        """Accept one; its build."""
        self.number += 1
        facts = {
            "event_id": new_id(1, b"e" * 9 + bytes([self.number])),
            "build_id": new_id(1, b"b" * 9 + bytes([self.number])),
        }
        draft = Draft(gateway="github", source="github", type="push")
        await self.store.accept([Accept(project=NAME, draft=draft, at=1_000, **facts)])
        return facts["build_id"]


async def until(found, within: float = WITHIN):
    """Ask until the answer is not None."""
    async with asyncio.timeout(within):
        while (answer := await found()) is None:  # noqa: ASYNC110 - it is somewhere else that it becomes so
            await asyncio.sleep(0.02)
    return answer


@pytest.fixture
async def place(tmp_path):
    with kube.namespace() as namespace:
        store = SqlStore(f"sqlite:///{tmp_path}/brignb.db", Sealer(b"k" * 32))
        await store.open()
        connection = await connect()
        yield Place(namespace, store, FileArchive(tmp_path / "builds"), connection)
        await connection.close()
        await store.close()


async def test_a_secret_that_others_made(place):
    """The issue: a v1 Secret works, edits are picked up live, and it goes with its Secret."""
    async with place.watched():
        await place.ask("POST", body=manifest({"sharedSecret": CANARY, "secrets": json.dumps({"A": CANARY})}))
        project = await place.project()
        assert (project.kept_in, project.namespace) == (place.namespace, place.namespace)
        assert (project.shared_secret, project.secrets) == (CANARY, {"A": CANARY})
        await place.edit(secrets='{"A": "another-value"}', sharedSecret=None)
        edited = await place.project(lambda known: known.secrets["A"] == "another-value")
        assert edited.shared_secret is None
        assert await place.remarked("Registered") == f"project {NAME} is registered"
        assert await place.remarked("Changed") == f"project {NAME} is changed"
        build = await place.event()
        await place.ask("DELETE", ID)
        await place.remarked("Forgotten")
        assert await place.store.project(NAME) is None
        assert await place.store.build(build) is None


async def test_labels_alone_make_a_project_too(place):
    """A Secret without v1's type, as a tool makes it that knows only Opaque; other Secrets are none of ours."""
    async with place.watched():
        await place.ask("POST", body={**manifest({}), "type": "Opaque"})
        await place.ask("POST", body={"metadata": {"name": "somebodys"}, "stringData": {"cloneURL": "/srv/x"}})
        await place.project()
        await place.ask("DELETE", ID)
        await place.ask("POST", body=manifest({"timeout": "9"}))
        await place.project(lambda known: known.timeout == 9)
        assert [project.name for project in await place.store.projects()] == [NAME]
        assert await place.remarks("somebodys") == {}


async def test_a_malformed_secret_is_refused_and_says_so(place, caplog):
    """An Event on the Secret and a line in the log; no value in either; the project stays as it was."""
    async with place.watched():
        await place.ask("POST", body=manifest({"timeout": CANARY, "sshKey": CANARY, "sharedSecrt": "x"}))
        said = await place.remarked("Refused")
        assert "2 things are wrong" in said
        assert "`timeout` wants a whole number" in said
        assert await place.store.projects() == ()
        await place.edit(timeout="5", sshKey=None)
        await place.project(lambda known: known.timeout == 5)
        assert "did you mean `sharedSecret`?" in await place.remarked("Odd")
        await place.edit(timeout="never")
        await until(lambda: _in(caplog, f"project {NAME} stays as it was"))
        assert (await place.store.project(NAME)).timeout == 5
    assert CANARY not in caplog.text
    assert CANARY not in json.dumps(await place.remarks())


async def test_one_that_claims_anothers_name(place, caplog):
    """By its annotation, or by what the API has registered: refused, and the other's project is untouched."""
    await place.store.put_project(Project(name="acme/api", clone_url="/srv/api"), at=1)
    async with place.watched() as watch:
        await place.ask("POST", body=manifest({}))
        await place.project()
        thief = project_id("acme/thief")
        await place.ask("POST", body=manifest({"cloneURL": "/srv/evil"}, called=thief))
        assert f"it claims to be project {NAME}, whose Secret is named {ID}" in await place.remarked("Refused", thief)
        taken = project_id("acme/api")
        await place.ask("POST", body=manifest({"cloneURL": "/srv/evil"}, "acme/api"))
        assert "registered by the API" in await place.remarked("Refused", taken)
        assert (await place.store.project(NAME)).clone_url == "/srv/x"
        assert (await place.store.project("acme/api")).clone_url == "/srv/api"
        await place.store.delete_project("acme/api")
        watch.wake()
        await place.project(lambda known: known.clone_url == "/srv/evil", "acme/api")
    assert "claims to be" in caplog.text


async def test_deleted_while_a_build_runs(place, caplog):
    """No more events, what waits is canceled, and the project goes when that build has ended; each is said."""
    async with place.watched() as watch:
        await place.ask("POST", body=manifest({}))
        await place.project()
        running = await place.event()
        assert [build.id for build in await place.store.claim(at=2_000, limit=1)] == [running]
        waiting = await place.event()
        await place.ask("DELETE", ID)
        said = await place.remarked("Leaving")
        assert running in said
        assert "goes when that build has ended" in said
        with pytest.raises(NotFound):
            await place.event()
        assert (await place.store.build(waiting)).state is State.CANCELED
        assert (await place.store.build(running)).state is State.RUNNING
        await place.store.finish(running, attempt=1, outcome=Outcome(state=State.SUCCEEDED), at=3_000)
        watch.wake()
        assert "and its 2 builds with it" in await place.remarked("Forgotten")
        assert await place.store.projects() == ()
    assert caplog.text.count("takes no more events") == 1


async def test_made_again_while_it_leaves(place):
    """Helm's and Argo CD's `replace` deletes and creates: it takes events again, its running build never noticed."""
    async with place.watched():
        await place.ask("POST", body=manifest({}))
        await place.project()
        running = await place.event()
        await place.store.claim(at=2_000, limit=1)
        await place.ask("DELETE", ID)
        await place.project(lambda known: known.leaving)
        await place.ask("POST", body=manifest({"timeout": "9"}))
        await place.project(lambda known: not known.leaving and known.timeout == 9)
        await place.event()
        assert (await place.store.build(running)).state is State.RUNNING


async def test_what_happened_while_nobody_watched(place):
    """After a restart: edited is edited, deleted is deleted, what the API registered stays; and nothing is said twice."""
    other = project_id("acme/other")
    await place.store.put_project(Project(name="acme/api", clone_url="/srv/api"), at=1)
    async with place.watched():
        await place.ask("POST", body=manifest({}))
        await place.ask("POST", body=manifest({}, "acme/other"))
        await place.project()
        await place.project(name="acme/other")
        await place.remarked("Registered")
    await place.edit(timeout="7")
    await place.ask("DELETE", other)
    async with place.watched():
        await place.project(lambda known: known.timeout == 7)
        await place.remarked("Forgotten", other)
        assert [project.name for project in await place.store.projects()] == ["acme/api", NAME]


async def test_create_and_delete_by_kubeconfig(place, tmp_path, capsys):
    """The issue: `brignb project create` against the cluster writes the same Secret, which a server takes up."""
    file = tmp_path / "project.yaml"
    file.write_text(f"project: {NAME}\ncloneURL: /srv/y\nsecrets: {{A: {CANARY}}}\ntimeuot: 1\n")

    async def brignb(*words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(cli.main, ["project", *words, "--kube", "--namespace", place.namespace])
        return (code, *capsys.readouterr())

    async with place.watched():
        code, out, err = await brignb("create", "-f", str(file))
        assert (code, f"the Secret {place.namespace}/{ID}" in out) == (0, True)
        assert "did you mean `timeout`?" in err
        assert (await place.project()).secrets == {"A": CANARY}
        code, _, err = await brignb("create", "-f", str(file))
        assert (code, "--replace writes it again" in err) == (2, True)
        await place.ask("PATCH", ID, {"metadata": {"annotations": {"meta.helm.sh/release-name": "site"}}})
        file.write_text(f"project: {NAME}\ncloneURL: /srv/z\n")
        code, out, err = await brignb("create", "-f", str(file), "--replace", "-o", "json")
        assert (code, json.loads(out)["secret"]) == (0, f"{place.namespace}/{ID}")
        assert "Helm's, of release site" in err
        assert (await place.project(lambda known: known.clone_url == "/srv/z")).secrets == {}
        assert (await place.ask("GET", ID))["metadata"]["annotations"]["meta.helm.sh/release-name"] == "site"
        assert (await brignb("delete", NAME))[0] == 0
        await place.remarked("Forgotten")
        code, _, err = await brignb("delete", NAME)
        assert (code, f"there is no project {NAME}" in err) == (2, True)


async def test_whoever_may_not_write_secrets_is_told(place, kubeconfig, tmp_path, monkeypatch, capsys):
    """Nothing is written by anybody's rights but the caller's; a namespace that is not there is named."""
    file = tmp_path / "project.yaml"
    file.write_text(f"project: {NAME}\ncloneURL: /srv/y\n")
    words = ["project", "create", "-f", str(file), "--kube"]
    assert await asyncio.to_thread(cli.main, [*words, "-n", "brignb-test-nowhere"]) == 2
    assert "there is no namespace brignb-test-nowhere" in capsys.readouterr().err
    token = await asyncio.to_thread(kube.token, place.namespace, "nobody")
    monkeypatch.setenv("KUBECONFIG", kubeconfig(token=token, namespace=place.namespace))
    assert await asyncio.to_thread(cli.main, words) == 3
    assert "not allowed" in capsys.readouterr().err


async def test_the_pages_own_secret(place):
    """`docs/projects.md` shows one; it works as it stands there."""
    page = (CHART.parents[2] / "docs" / "projects.md").read_text("utf-8")
    shown = yaml.safe_load(page.partition("```yml\n")[2].partition("```")[0])
    async with place.watched():
        await place.ask("POST", body=shown)
        project = await place.project(name="example/brigadedemo")
        assert (project.timeout, project.secrets["DOCKER_USER"]) == (1800, "demoacr")


async def test_a_store_that_is_away_for_a_while(place, monkeypatch):
    """The watch goes on, and what it has seen is put down when the database is back."""
    monkeypatch.setattr(projectsecrets, "AGAIN", 0.05)
    put, tries = place.store.put_project, []

    async def away(*args, **kwargs):
        tries.append(args)
        if len(tries) < 3:
            raise Unavailable("the database is away")
        return await put(*args, **kwargs)

    monkeypatch.setattr(place.store, "put_project", away)
    async with place.watched():
        await place.ask("POST", body=manifest({}))
        await place.project()
    assert len(tries) == 3


async def test_helm_installs_edits_and_takes_away(place):
    """The issue: `helm install` of the project's chart with the reference file, `helm upgrade` is a live edit, `uninstall` a deletion."""
    kube.need_program("helm")
    seed, name = CHART / "ci" / "reference-values.yaml", "example/brigadedemo"

    async def helm(*words: object) -> None:
        run = asyncio.create_subprocess_exec(
            "helm", *map(str, words), "-n", place.namespace, stdout=asyncio.subprocess.DEVNULL
        )
        assert await (await run).wait() == 0

    async with place.watched():
        await helm("install", "demo", CHART, "-f", seed)
        installed = await place.project(name=name)
        assert installed == replace(projectfile.read(seed.read_bytes()).project, kept_in=place.namespace)
        await helm("upgrade", "demo", CHART, "-f", seed, "--set", "timeout=9")
        await place.project(lambda known: known.timeout == 9, name)
        await helm("uninstall", "demo")
        await place.remarked("Forgotten", project_id(name))


async def _in(caplog, text: str) -> bool | None:
    return True if text in caplog.text else None
