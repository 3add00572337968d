"""Each gateway turns one sender's HTTP request into drafts of events, or says why not. The seam is `brignb.model.gateway`.

Nothing here stores, sends, reads a clock or knows a web framework: a verdict is a function of the request and the project.
"""

from __future__ import annotations

from brignb.gateways.cloudevents import CloudEvents
from brignb.gateways.github import GitHub
from brignb.gateways.registry import Registry
from brignb.gateways.simple import Simple

__all__ = ["CloudEvents", "GitHub", "Registry", "Simple"]
