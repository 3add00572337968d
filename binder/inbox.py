"""Fills the inbox: a project whose notebook is the page on events, and webhooks as GitHub signs them and registries send them.

The project has no repository, only that notebook as its default: so it needs no network.
"""

import secrets
from pathlib import Path

from brignb.testing import Server, payloads

PROJECT = "workshop/demo"
NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "01-events.ipynb"
SENT = ("push", "pull_request:opened", "issues:opened", "release:published", "pull_request:synchronize")
REGISTRIES = ("acr", "harbor")

with Server.at_hand() as server:
    secret = secrets.token_hex(20)
    server.create({"project": PROJECT, "sharedSecret": secret, "defaultNotebook": NOTEBOOK.read_text()})
    told = [server.send(payloads.delivery(kind, project=PROJECT, secret=secret)) for kind in SENT]
    told += [server.send(payloads.registry_delivery(name, project=PROJECT)) for name in REGISTRIES]
    accepted = sum(answer.get("status") == "accepted" for answer in told)
    print(f"brignb: {accepted} of {len(told)} webhooks are in the inbox of {PROJECT} at {server.url}")
