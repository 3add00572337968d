"""A real PostgreSQL for tests: one server for a whole run, one database for each test that asks.

    BRIGNB_TEST_POSTGRESQL=postgresql://… pytest     uses that server instead; its user must be able to create databases

It runs as an unprivileged user, for PostgreSQL refuses root, on a free port of 127.0.0.1, with fsync on, in a folder that goes with it.
Where there is none tests are skipped; in CI that is a failure.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

PASSWORD = "pass-0123456789"
_PLACES = "/usr/lib/postgresql/*/bin/postgres"  # Debian keeps them off PATH


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    debian = sorted(Path("/").glob(_PLACES[1:]), key=lambda path: int(path.parts[-3]))
    return debian[-1].parent if debian else Path(found).resolve().parent if found else None


class Cluster:
    """A server that tests may kill and start again.

    Args:
        binaries: Where `initdb` and `postgres` are.
        settings: Lines of `postgresql.conf`.
    """

    def __init__(self, binaries: Path, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="brignb-pg-"))
        self._binaries = binaries
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        self._as: dict[str, Any] = {**who, "cwd": self.folder}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        if who:
            os.chown(self.folder, pwd.getpwnam(who["user"]).pw_uid, -1)
        words = self.folder / "password"
        words.write_text(PASSWORD)
        make = ["initdb", "--pgdata", self.data, "--username=brignb", f"--pwfile={words}", "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale=C", "--no-sync"]  # fmt: skip
        subprocess.run([binaries / make[0], *make[1:]], check=True, capture_output=True, **self._as)
        ours = {"listen_addresses": "'127.0.0.1'", "port": str(self.port), "unix_socket_directories": f"'{self.folder}'",
                "max_connections": "60", "shared_buffers": "64MB", **settings}  # fmt: skip
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in ours.items())
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Start it; returns when it takes connections."""
        self.process = subprocess.Popen(
            [self._binaries / "postgres", "-D", self.data], stderr=subprocess.PIPE, text=True, **self._as
        )
        said = []
        for line in self.process.stderr:
            said.append(line)
            if "ready to accept connections" in line:
                self._hearing = threading.Thread(target=self.process.stderr.read)  # or it would wait for us
                self._hearing.start()
                return
        raise AssertionError("".join(said))

    def kill(self) -> None:
        """`kill -9` of all of it at once, as a machine's end would; returns when it is gone."""
        first = self.process.pid
        children = [int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split()]
        for pid in [first, *children]:
            os.kill(pid, signal.SIGKILL)
        self._gone()

    def stop(self) -> None:
        """Stop it, and take its folder away."""
        self.process.send_signal(signal.SIGINT)  # its word for `fast`; nothing, if it is gone
        self._gone()
        shutil.rmtree(self.folder)

    def _gone(self) -> None:
        self.process.wait(timeout=30)
        self._hearing.join()
        self.process.stderr.close()

    @property
    def url(self) -> str:
        return f"postgresql://brignb:{PASSWORD}@127.0.0.1:{self.port}"


def cluster(**settings: str) -> Cluster:
    """One of the test's own; the caller stops it."""
    binaries = _binaries()
    if binaries is None:
        message = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return Cluster(binaries, **settings)


def databases() -> Iterator[Callable[[], str]]:
    """Makes an empty database each time it is called; answers its URL."""
    given = os.environ.get("BRIGNB_TEST_POSTGRESQL")
    own = None if given else cluster()
    server = (given or own.url).rstrip("/")
    server = server if server.count("/") == 2 else server.rpartition("/")[0]
    made: list[str] = []

    def create() -> str:
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        made.append(name)
        return f"{server}/{name}"

    yield create
    if own is not None:
        own.stop()
    else:
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            for name in made:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


postgresql = pytest.fixture(databases, scope="session", name="postgresql")


@pytest.fixture(scope="session")
def postgres_archive(postgresql):
    from brignb.archive.postgresql import PostgresArchive

    archive = PostgresArchive(postgresql(), where="postgresql://db")
    archive.open()
    yield archive
    archive.close()
