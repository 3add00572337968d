"""`/api/projects`."""

import json
import os
import re

from brignb.api.shapes import ProjectPage
from brignb.archive.seam import WORKER

YAML = (
    b"project: owner/repo\ncloneURL: https://git.example.com/x.git\nsharedSecret: a-shared-secret-1\nsharedSecrte: x\n"
)


async def test_a_project_file_is_taken_and_its_secrets_are_never_shown(site):
    created = await site.user.post("/api/projects", content=YAML)
    assert created.status_code == 201
    assert created.json()["project"] == "owner/repo"
    assert any("sharedSecrte" in warning and "sharedSecret" in warning for warning in created.json()["warnings"])
    shown = await site.user.get("/api/projects/owner/repo")
    listed = await site.user.get("/api/projects")
    assert shown.json()["sharedSecret"] == "REDACTED"
    assert listed.json() == {"items": [shown.json()], "next": None}
    ProjectPage.model_validate(listed.json())
    for answer in (created, shown, listed):
        assert "a-shared-secret-1" not in answer.text


async def test_one_that_exists_is_replaced_only_when_asked(site, refused):
    await site.create()
    error = refused(await site.create(), 409)
    assert "--replace" in error["hint"]
    replaced = await site.user.post("/api/projects?replace=true", content=YAML)
    assert replaced.status_code == 200
    assert (await site.user.get("/api/projects/owner/repo")).json()["genericGatewaySecret"] is None


async def test_a_name_may_have_more_parts(site):
    await site.create("group/sub/repo")
    assert (await site.user.get("/api/projects/group/sub/repo")).status_code == 200
    assert (await site.user.delete("/api/projects/group/sub/repo")).status_code == 204


async def test_a_bad_file_is_told_with_its_lines_and_makes_nothing(site, refused):
    error = refused(
        await site.user.post("/api/projects?name=mine.yaml", content=b"project: owner/repo\ntimeout: soon"), 400
    )
    assert "mine.yaml:2" in error["where"] + error["message"]
    assert (await site.user.get("/api/projects")).json()["items"] == []


async def test_what_is_no_project_file_is_bad_input(site, refused):
    for content in [b"", b"[]", b"\xff", b"a: b: c", b"project: ../../etc\n", b"&a [*a]", b"project: a/b\n"]:
        refused(await site.user.post("/api/projects", content=content), 400)


async def test_a_file_that_is_too_large_is_refused(site, refused):
    refused(await site.user.post("/api/projects", content=b"#" * (256 * 1024 + 1)), 413)


async def test_names_that_are_not_there_are_not_found(site, refused):
    for name in ["a/b", "..%2f..%2fetc/passwd", "a/%2e%2e", "%00/b", "a/" + "b" * 5000, "caf\u00e9/x"]:
        refused(await site.user.get(f"/api/projects/{name}"), 404)
        refused(await site.user.delete(f"/api/projects/{name}"), 404)
        refused(await site.user.post(f"/api/projects/{name}/events", json={"type": "x"}), 404)


async def test_a_deleted_project_takes_its_builds_and_their_files_along(site, tmp_path, refused):
    await site.create()
    build = await site.running()
    site.write(build, "a line")
    refused(await site.user.delete("/api/projects/owner/repo"), 409)
    await site.end(build)
    assert (await site.user.delete("/api/projects/owner/repo")).status_code == 204
    refused(await site.user.get(f"/api/builds/{build}"), 404)
    assert site.archive.read(build, WORKER) == b""
    assert os.listdir(tmp_path / "builds") == []  # noqa: PTH208 - pathlib has no such call in async code


def _operations(document):
    return [operation for path in document["paths"].values() for operation in path.values()]


async def test_openapi_describes_the_contracts_routes(site):
    document = (await site.user.get("/api/openapi.json")).json()
    assert {
        "/api/projects",
        "/api/projects/{owner}/{repo}",
        "/api/projects/{owner}/{repo}/events",
        "/api/events",
        "/api/builds",
        "/api/builds/{build_id}",
        "/api/builds/{build_id}/jobs",
        "/api/builds/{build_id}/logs",
        "/api/builds/{build_id}/record",
        "/api/builds/{build_id}/cancel",
        "/api/builds/{build_id}/rerun",
    } <= set(document["paths"])
    for operation in _operations(document):
        assert "422" not in operation["responses"], "bad input is 400 here"
    rerun = document["paths"]["/api/builds/{build_id}/rerun"]["post"]["responses"]
    assert {"200", "202"} <= set(rerun)
    assert document["security"] == [{name: []} for name in document["components"]["securitySchemes"]]
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references == set(document["components"]["schemas"])
    assert "#/$defs" not in json.dumps(document), "such a reference leads nowhere"


async def test_a_project_that_takes_unsigned_webhooks_is_warned_of(site):
    """The contract's warning, where somebody reads it: most projects come after the server's start."""
    file = {"project": "o/open", "cloneURL": "https://example.com/o/open.git"}
    created = await site.user.post("/api/projects", content=json.dumps(file))
    assert "registrySecret" in created.json()["warnings"][0]
    closed = {**file, "registrySecret": "sixteen-characters"}
    assert (await site.user.post("/api/projects?replace=1", content=json.dumps(closed))).json()["warnings"] == []


async def test_where_no_registry_may_send_there_is_nothing_to_warn_of(site_with):
    file = {"project": "o/open", "cloneURL": "https://example.com/o/open.git"}
    async with site_with(cr=False) as site:
        created = await site.user.post("/api/projects", content=json.dumps(file))
        assert created.json()["warnings"] == []
