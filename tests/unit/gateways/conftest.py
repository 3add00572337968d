"""Projects and requests that the gateways' tests share."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from brignb.model.gateway import Inbound
from brignb.model.projects import Project

SECRET = "It's a Secret to Everybody"


@pytest.fixture
def project():
    """A project with every secret that a gateway asks for."""
    return Project(
        name="Codertocat/Hello-World",
        shared_secret=SECRET,
        registry_secret="registry-secret",
        generic_gateway_secret="generic-secret",
    )


def signature(body: bytes, secret: str = SECRET) -> str:
    """As GitHub signs, written apart from the code under test."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def request(
    body: Any = None,
    *,
    path: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> Inbound:
    """A request; a body that is not bytes is written as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Inbound(path=path or {}, headers=headers or {}, query=query or {}, body=raw, at=1_700_000_000_000)


@pytest.fixture
def delivery():
    """Makes a signed delivery of GitHub's."""

    def make(event: str, body: Any, **headers: str) -> Inbound:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            "x-hub-signature-256": signature(raw),
        }
        return request(raw, headers={**sent, **{name.replace("_", "-"): value for name, value in headers.items()}})

    return make


@pytest.fixture
def notice():
    """Makes a call of a registry."""

    def make(body: Any, *, commit: str | None = None, **query: str) -> Inbound:
        path = {"owner": "Codertocat", "repo": "Hello-World"} | ({"commit": commit} if commit is not None else {})
        return request(body, path=path, query=query)

    return make
