"""What is the PostgreSQL archive's own: writers at one place, a database that dies, and what an error may say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import postgresql as databases
import pytest

from brignb.archive.postgresql import PostgresArchive
from brignb.archive.seam import JOURNAL, RECORD, WORKER
from brignb.errors import Away, BadInput

pytestmark = pytest.mark.slow
BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCF"


def test_of_two_writers_at_one_place_one_is_refused(postgres_archive):
    """At the same time, in threads: the stream has one's story, whole."""
    archive = postgres_archive
    for round_number in range(20):
        size = archive.size(BUILD, WORKER)
        stories = [f"{name}{round_number}\n".encode() * 20 for name in "ab"]
        with ThreadPoolExecutor(2) as threads:
            asked = [threads.submit(archive.append, BUILD, WORKER, size, story) for story in stories]
        refused = [each.exception() for each in asked if each.exception() is not None]
        assert [type(error) for error in refused] == [BadInput]
        assert archive.read(BUILD, WORKER, size) in stories


def test_a_dead_database_is_away_and_back_with_all_that_was_appended():
    """kill -9: each append that was answered is there, and the writer goes on at its offset."""
    cluster = databases.cluster()
    archive = PostgresArchive(f"{cluster.url}/postgres", where="postgresql://db")
    archive.open()
    streams = (JOURNAL, WORKER)
    sizes = dict.fromkeys(streams, 0)
    for _ in range(3):
        for stream in streams:
            for _line in range(20):
                sizes[stream] = archive.append(BUILD, stream, sizes[stream], b"line\n")
        archive.put(BUILD, RECORD, b"{}" * 1000)
        cluster.kill()
        with pytest.raises(Away, match="the archive cannot be used") as refused:
            archive.append(BUILD, WORKER, sizes[WORKER], b"lost\n")
        assert databases.PASSWORD not in str(refused.value)
        cluster.start()
        assert {stream: archive.size(BUILD, stream) for stream in sizes} == sizes
        assert archive.get(BUILD, RECORD) == b"{}" * 1000
    archive.close()
    cluster.stop()
