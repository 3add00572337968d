"""A server in parts, real processes on a PostgreSQL of the run's own: what being apart costs, and what a gateway alone takes."""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.bench.load import drive, pushed
from tests.bench.serving import NOTEBOOK, Server, first_line_of, line
from tests.postgresql import databases

SIMPLE = "/simpleevents/v1/bench%2Fbench/sesame-bench"


@contextlib.contextmanager
def started(*parts: tuple[str, ...]) -> Iterator[list[Server]]:
    """Servers on a home and a database of their own; the last one has the API, and a project with a generic gateway's secret."""
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "home"
        os.environ["BRIGNB_STORE"] = stack.enter_context(contextlib.contextmanager(databases)())()
        stack.callback(os.environ.pop, "BRIGNB_STORE")
        found = []
        for words in parts:
            found.append(Server(home, *words, project=words == parts[-1]))
            stack.callback(found[-1].stop)
        found[-1].create("bench/bench", NOTEBOOK, genericGatewaySecret="sesame-bench")
        yield found


def waits(gateway: Server, api: Server, count: int = 20) -> float:
    """Median of the milliseconds from an event's being sent to the gateway until its build's first line."""
    found = []
    with httpx.Client(base_url=gateway.http.base_url) as sender:
        for number in range(count + 3):
            begun = time.monotonic_ns()
            build = sender.post(SIMPLE, json={"number": number}).raise_for_status().json()["build"]
            api.http.get(f"/api/builds/{build}/logs", params={"follow": "1"}).raise_for_status()
            record = api.http.get(f"/api/builds/{build}/record").json()
            found.append((first_line_of(record) - begun) / 1e6)
    return statistics.median(found[3:])


def bench_parts(events: int = 8000) -> None:
    with started(()) as (whole,):
        one = waits(whole, whole)
    with started(("--parts", "generic"), ("--parts", "controller"), ("--parts", "api")) as (gateway, _controller, api):
        apart = waits(gateway, api)
    line(
        "event → first line: gateway, controller, API apart",
        f"{apart:.1f} ms",
        f"{one:.1f} ms one process",
        f"+{apart - one:.1f} ms",
    )
    with started(("--parts", "registry", "--cr"), ("--parts", "api")) as (gateway, api):
        address = urlsplit(str(gateway.http.base_url))
        requests = [pushed(address.netloc, number) for number in range(events + 500)]
        where = (address.hostname, address.port)
        drive(where, requests[:500])
        report = drive(where, requests[500:])
        assert report.statuses == {202: events}, report.statuses
        line("a registry gateway alone, durable 10 KB POSTs/s", f"{report.rate:.0f}/s", "", "")
        line("  p50, p99", f"{report.p50_ms:.1f}, {report.p99_ms:.1f} ms", "64 connections", "")
        paced = drive(
            where, [pushed(address.netloc, events + 500 + number) for number in range(events)], connections=32
        )
        line("  the same with 32 connections", f"{paced.rate:.0f}/s", f"{paced.p50_ms:.1f}, {paced.p99_ms:.1f} ms", "")
        line("  its memory", f"{gateway.memory():.0f} MB", f"{api.memory():.0f} MB API", "")
