"""The store by itself, on SQLite and on PostgreSQL: `python -m tests.bench.bench_store`.

The peers are both without any of ours: the same payloads in one table, 64 to a transaction, by one thread with nothing else to do. The
PostgreSQL is one of the run's own on this machine, or `BRIGNB_TEST_POSTGRESQL`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import psycopg

from brignb.model.events import DedupeKey, Draft
from brignb.model.names import new_id
from brignb.model.projects import Project
from brignb.store.sealing import Sealer
from brignb.store.seam import Accept
from brignb.store.sql import SqlStore
from tests.postgresql import databases

COUNT, CALLERS, SIZE = 20_000, 64, 10_240


def arrivals(count: int) -> list[Accept]:
    """Distinct deliveries as GitHub's are: an id, a body's digest, 10 KB."""

    def one(n: int) -> Accept:
        keys = (DedupeKey("delivery", f"{n}", 10**9), DedupeKey("body", f"{n:064}", 10**9))
        payload = f"{n:010}" + "x" * (SIZE - 10)
        at = 1_000 + n // 5  # times and ids grow as they do in life: an index is cheap to append to
        ids = [new_id(at, kind + n.to_bytes(9, "big")) for kind in (b"e", b"b")]
        draft = Draft(gateway="github", source="github", type="push", payload=payload, keys=keys)
        return Accept(project="a/b", draft=draft, event_id=ids[0], build_id=ids[1], at=at)

    return [one(n) for n in range(count)]


async def rate(store: SqlStore, waiting: list[Accept], callers: int) -> tuple[float, list[float]]:
    """Accepted per second, and the milliseconds that each has waited."""
    left: Iterator[Accept] = iter(waiting)
    waits: list[float] = []

    async def caller() -> None:
        for accept in left:
            begun = time.perf_counter()
            await store.accept([accept])
            waits.append((time.perf_counter() - begun) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return len(waiting) / (time.perf_counter() - begun), waits


def peer(folder: str, payloads: list[str]) -> float:
    """Rows per second."""
    connection = sqlite3.connect(f"{folder}/peer.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = 2")
    connection.execute("CREATE TABLE events (id TEXT PRIMARY KEY, payload TEXT)")
    begun = time.perf_counter()
    for start in range(0, len(payloads), CALLERS):
        connection.execute("BEGIN IMMEDIATE")
        rows = [(f"{start + n}", payload) for n, payload in enumerate(payloads[start : start + CALLERS])]
        connection.executemany("INSERT INTO events VALUES (?, ?)", rows)
        connection.execute("COMMIT")
    elapsed = time.perf_counter() - begun
    connection.close()
    return len(payloads) / elapsed


async def median_ms(ask: Callable[[], Awaitable[object]], runs: int = 30) -> float:
    """Of one question."""
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def peer_postgresql(url: str, payloads: list[str]) -> float:
    """Rows per second, the driver's fastest way for rows that want no answers."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE peer (id text PRIMARY KEY, payload bytea)")
        begun = time.perf_counter()
        for start in range(0, len(payloads), CALLERS):
            rows = [(f"{start + n}", payload.encode()) for n, payload in enumerate(payloads[start : start + CALLERS])]
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany("INSERT INTO peer VALUES (%s, %s)", rows)
        return len(payloads) / (time.perf_counter() - begun)


async def measure(name: str, url: str, bare: Callable[[list[str]], float]) -> float:
    """Print what one database does; answers the rate of many callers."""
    store = SqlStore(url, Sealer(bytes(32)))
    await store.open()
    await store.put_project(Project(name="a/b"), at=1)
    waiting = arrivals(COUNT + 1_000)
    memory = psutil.Process().memory_info().rss
    many, waits = await rate(store, waiting[:COUNT], CALLERS)
    waits.sort()
    alone, _ = await rate(store, waiting[COUNT:], 1)
    grown = (psutil.Process().memory_info().rss - memory) / 1e6
    peer_rate = bare([accept.draft.payload for accept in waiting[:COUNT]])
    print(f"{name}")
    print(f"accepted/s, {CALLERS} callers, 10 KB   {many:8.0f}   {peer_rate:8.0f} bare   {many / peer_rate:.2f}x")
    print(f"  p50, p99                      {waits[COUNT // 2]:8.1f} {waits[COUNT * 99 // 100]:8.1f} ms")
    print(f"accepted/s, 1 caller            {alone:8.0f}")
    print(f"a page of 50 of {COUNT} queued   {await median_ms(store.builds):8.1f} ms")
    print(f"claiming 4 of them              {await median_ms(lambda: store.claim(at=2_000, limit=4)):8.1f} ms")
    print(f"memory for {COUNT} queued      {grown:+8.0f} MB")
    await store.close()
    return many


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.contextmanager(databases)() as create:
        small = await measure("SQLite", f"sqlite:///{Path(folder)}/bench.db", lambda payloads: peer(folder, payloads))
        url = create()
        large = await measure("PostgreSQL", url, lambda payloads: peer_postgresql(url, payloads))
        print(f"PostgreSQL to SQLite, {CALLERS} callers {large / small:.2f}x")


if __name__ == "__main__":
    asyncio.run(main())
