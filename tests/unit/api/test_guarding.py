"""Who may call: walked over every route there is, so that a new one cannot be forgotten."""

import httpx
import pytest
from starlette.routing import Mount, Route

from brignb.api.app import create_app
from brignb.api.guarding import Callers, Guarded, host_name, require_guarded
from brignb.api.shapes import ErrorShape

ID = "01JAAAAAAAAAAAAAAAAAAAAAAA"


async def _operations(site) -> list[tuple[str, str]]:
    """Method and path of everything behind the token."""
    document = (await site.user.get("/api/openapi.json")).json()
    found = [
        (
            method.upper(),
            path.format(
                owner="owner", repo="repo", build_id=ID, event_id=ID, listener_id=ID, stream="worker", job_id=ID
            ),
        )
        for path, methods in document["paths"].items()
        for method in methods
    ]
    return [*found, ("GET", "/api/openapi.json"), ("GET", "/metrics"), ("GET", "/api/no/such/route")]


WRONG = ("", "Bearer", "Bearer wrong", "Basic dGhlOnRva2Vu", "the-token-of-the-tests", "Bearer caf\u00e9")


async def test_every_route_of_the_api_wants_its_token(site, refused):
    for method, path in await _operations(site):
        answer = await site.stranger.request(method, path)
        refused(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_another_token_is_none(site, refused):
    for authorization in WRONG:
        answer = await site.stranger.get("/api/builds", headers={b"authorization": authorization.encode("latin-1")})
        refused(answer, 401)
        assert "the-token" not in answer.text


async def test_probes_and_the_page_are_open(site):
    for path in ("/healthz", "/readyz", "/"):
        assert (await site.stranger.get(path)).status_code == 200


async def test_a_strange_host_is_refused_everywhere_but_at_the_gateways(site, refused):
    """DNS rebinding: a name of the attacker's own that points at this machine."""
    for method, path in [*await _operations(site), ("GET", "/"), ("GET", "/healthz")]:
        answer = await site.user.request(method, path, headers={"host": "evil.example.com:7744"})
        error = refused(answer, 421)
        assert "evil.example.com" in error["message"]


async def test_our_own_names_are_taken_with_any_port(site):
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:7744", "[::1]:7744", "[::1]"):
        assert (await site.stranger.get("/healthz", headers={"host": host})).status_code == 200


async def test_a_server_for_everybody_has_any_name(site_with):
    async with site_with(hosts=("*",)) as site:
        assert (await site.stranger.get("/healthz", headers={"host": "ci.example.com"})).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "https://evil.example.com"}, 403),
        ({"origin": "null"}, 403),
        ({}, 200),
    ],
)
async def test_pages_of_other_sites_do_not_use_the_api(site, headers, status):
    assert (await site.user.get("/api/builds", headers=headers)).status_code == status


async def test_our_own_page_may_use_the_api(site):
    assert (await site.user.get("/api/builds", headers={"origin": site.url})).status_code == 200


async def test_every_answer_tells_browsers_to_be_careful(site):
    for path in ("/", "/healthz", "/api/builds", "/nothing", "/events/github"):
        headers = (await site.user.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers.get_list("content-security-policy")[0].startswith("default-src 'none'")
        assert len(headers.get_list("content-security-policy")) == 1


async def test_an_undeclared_route_keeps_the_app_from_starting(services):
    async def endpoint(_request): ...

    guarded = Guarded(endpoint, Callers.TOKEN, token="t", hosts=())
    require_guarded([Route("/x", guarded)])
    for route in (Route("/y", endpoint), Mount("/z", endpoint)):
        with pytest.raises(RuntimeError, match="who may call"):
            require_guarded([Route("/x", guarded), route])
    create_app(services)


@pytest.mark.parametrize(
    ("host", "name"), [(b"a:1", "a"), (b"A", "a"), (b"[::1]:1", "::1"), (b"", ""), (b"[", ""), (b"a:b:c", "a")]
)
def test_host_names(host, name):
    assert host_name(host) == name


async def test_what_is_not_there_is_told_in_the_contracts_shape(site, refused):
    refused(await site.stranger.get("/nothing"), 404)
    refused(await site.user.get("/api/nothing"), 404)
    refused(await site.stranger.get("/api/builds/"), 401)
    refused(await site.user.get("/api/builds/"), 404)
    assert "POST" in refused(await site.stranger.get("/events/github"), 405)["hint"]
    assert "GET" in refused(await site.user.put("/api/builds"), 405)["hint"]


async def test_a_crash_says_nothing_of_our_inside(site_with, services, refused):
    """uvicorn logs the traceback; the caller gets a sentence."""

    class Broken:
        def __getattr__(self, name):
            raise ZeroDivisionError(name)

    async with site_with(store=Broken()) as site:
        for path in ("/api/builds", "/readyz"):
            error = refused(await site.user.get(path), 500)
            ErrorShape.model_validate({"error": error})
            assert "ZeroDivision" not in str(error)


async def test_head_is_answered_without_a_body(site):
    answer = await site.stranger.head("/healthz")
    assert isinstance(answer, httpx.Response)
    assert (answer.status_code, answer.content) == (200, b"")
