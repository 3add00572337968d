"""Numbers for Prometheus, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from brignb.model.builds import State

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """Counted while the app runs; builds are counted by the store when they are asked for.

    Args:
        leads: Whether this process leads now; None: it never does, and such a number says nothing.
    """

    def __init__(self, leads: Callable[[], bool] | None = None) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self._registry)  # memory and processor time; nothing where there is no /proc
        self._events = Counter(
            "brignb_events",
            "Events by gateway and by what became of them: accepted, duplicate, ignored, refused",
            ("gateway", "outcome"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "brignb_request_seconds",
            "From a request's headers to the end of its answer; logs that are followed are left out",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._builds = Gauge("brignb_builds", "Builds by state", ("state",), registry=self._registry)
        self._zygotes = Gauge(
            "brignb_zygote_memory_bytes",
            "Memory of each process that workers are forked from, by the modules that it has preloaded",
            ("preload",),
            registry=self._registry,
        )
        if leads is not None:
            leader = Gauge(
                "brignb_leader", "1 where builds are made, 0 where that waits for its turn", registry=self._registry
            )
            leader.set_function(leads)

    def event(self, gateway: str, outcome: str, number: int = 1) -> None:
        """So many events of a gateway were accepted, or a request of it was ignored or refused."""
        self._events.labels(gateway, outcome).inc(number)

    def timer(self, route: str) -> Callable[[float], None]:
        """To be called with the seconds that each request of a route took."""
        return self._seconds.labels(route).observe  # looked up once: the gateways' routes are hot

    def shown(self, builds: Mapping[State, int], zygotes: Mapping[tuple[str, ...], int]) -> bytes:
        """The text that Prometheus reads."""
        for state, number in builds.items():
            self._builds.labels(str(state)).set(number)
        self._zygotes.clear()  # one that has ended is not told of any more
        for preload, size in zygotes.items():
            self._zygotes.labels(",".join(preload)).set(size)
        return generate_latest(self._registry)
