"""Parts of the server as processes of this machine, on a real PostgreSQL: what each costs without a cluster around it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.bench.load import drive, pushed
from tests.bench.serving import Server, line
from tests.postgresql import databases

BRIGADE = "Brigade 3/s, p50 6,400 ms"
"""Its registry gateway, before anything is stored; 14 of 300 acknowledged events were lost."""


@contextlib.contextmanager
def parts(*names: str) -> Iterator[tuple[str, list[Server]]]:
    """A database, and parts on it; the first one is the API's, which knows the project."""
    with contextlib.contextmanager(databases)() as create, tempfile.TemporaryDirectory() as folder:
        os.environ["BRIGNB_STORE"] = url = create()
        running = []
        try:
            for name in ("api", *names):
                args = ["--cr"] if name == "registry" else []
                running.append(Server(Path(folder) / "home", "--parts", name, *args))
            yield url, running
        finally:
            for server in running:
                server.stop()
            del os.environ["BRIGNB_STORE"]


def bench_registry(count: int = 8000) -> None:
    """The gateway as it stands in a cluster: a process of its own, whose every answer follows a commit."""
    with parts("registry") as (url, (_api, registry)):
        address = (registry.http.base_url.host, registry.http.base_url.port)
        requests = [pushed(f"{address[0]}:{address[1]}", number) for number in range(count + 500)]
        drive(address, requests[:500])
        report = drive(address, requests[500:])
        with psycopg.connect(url) as connection:
            (kept,) = connection.execute("SELECT count(*) FROM builds").fetchone()
    assert report.statuses == {202: count}, report.statuses
    line(
        "registry gateway, durable 10 KB POSTs/s, PostgreSQL",
        f"{report.rate:,.0f}/s",
        BRIGADE,
        f"{report.rate / 3:,.0f}x",
    )
    line("  p50, p99", f"{report.p50_ms:.0f}, {report.p99_ms:.0f} ms", "", "")
    line("  acknowledged, and not there", f"{count + 500 - kept} of {count + 500:,}", "Brigade 14 of 300", "")
