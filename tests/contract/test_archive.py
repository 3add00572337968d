"""What every archive must do. A new one is one more factory below."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from brignb.archive.files import FileArchive
from brignb.archive.places import TwoPlaces
from brignb.archive.seam import JOURNAL, RECORD, WORKER, WORKER_NOTEBOOK, Archive
from brignb.errors import BadInput

BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"
OTHER = "01JV3ZQ8M4T7Y2K9R5W6X0ABCE"
JOB = "build-01jv3zq8m4t7y2k9r5w6x0abcd"


def _files(request: pytest.FixtureRequest) -> Iterator[Archive]:
    yield FileArchive(request.getfixturevalue("tmp_path") / "builds")


def _postgresql(request: pytest.FixtureRequest) -> Iterator[Archive]:
    """One for all tests: each begins with an empty table."""
    archive = request.getfixturevalue("postgres_archive")
    archive.forget([BUILD, OTHER])
    yield archive


def _two_places(request: pytest.FixtureRequest) -> Iterator[Archive]:
    (far,) = _postgresql(request)
    yield TwoPlaces(FileArchive(request.getfixturevalue("tmp_path") / "builds"), far)


FACTORIES: dict[str, Callable[[pytest.FixtureRequest], Iterator[Archive]]] = {
    "files": _files,
    "postgresql": _postgresql,
    "two places": _two_places,
}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow if name != "files" else ()) for name in FACTORIES])
def archive(request) -> Iterator[Archive]:
    yield from FACTORIES[request.param](request)


@pytest.mark.parametrize("stream", [WORKER, JOURNAL, JOB])
def test_what_is_appended_is_read_from_any_cursor(archive, stream):
    """Cursors are byte offsets, in each kind of stream."""
    size = archive.append(BUILD, stream, 0, b"one\n")
    assert archive.append(BUILD, stream, size, b"two\n") == 8
    assert archive.size(BUILD, stream) == 8
    assert archive.read(BUILD, stream) == b"one\ntwo\n"
    assert archive.read(BUILD, stream, 4) == b"two\n"
    assert archive.read(BUILD, stream, 2, 3) == b"e\nt"
    assert archive.read(BUILD, stream, 8) == b""
    assert archive.read(BUILD, stream, 9999) == b""


def test_an_append_that_is_repeated_changes_nothing(archive):
    """An answer may be lost; the writer asks again."""
    archive.append(BUILD, WORKER, 0, b"one\n")
    assert archive.append(BUILD, WORKER, 0, b"one\n") == 4
    assert archive.append(BUILD, WORKER, 0, b"one\ntwo\n") == 8
    assert archive.append(BUILD, WORKER, 4, b"tw") == 8
    assert archive.read(BUILD, WORKER) == b"one\ntwo\n"


@pytest.mark.parametrize(("offset", "data"), [(5, b"x"), (0, b"other"), (2, b"E\nTWO"), (-1, b"x")])
def test_a_gap_and_a_second_writer_are_refused(archive, offset, data):
    """A log with a hole or with two stories in it is worse than an error."""
    archive.append(BUILD, WORKER, 0, b"one\n")
    with pytest.raises(BadInput):
        archive.append(BUILD, WORKER, offset, data)
    assert archive.read(BUILD, WORKER) == b"one\n"


def test_streams_and_builds_do_not_mix(archive):
    """Two builds may have a job of the same name."""
    archive.append(BUILD, JOB, 0, b"mine")
    archive.append(OTHER, JOB, 0, b"yours")
    assert archive.read(BUILD, JOB) == b"mine"
    assert archive.read(BUILD, WORKER) == b""
    assert archive.size(BUILD, JOURNAL) == 0


@pytest.mark.parametrize("name", [WORKER_NOTEBOOK, RECORD])
def test_a_document_is_whole_and_the_last_one_counts(archive, name):
    """A record is written as it goes."""
    assert archive.get(BUILD, name) is None
    archive.put(BUILD, name, b"long" * 1000)
    archive.put(BUILD, name, b"{}")
    assert archive.get(BUILD, name) == b"{}"


def test_what_was_spilled_is_named_for_the_record(archive):
    """The record's mark says where the rest is."""
    name = archive.spill(BUILD, "cell-3.txt", b"the ")
    assert archive.spill(BUILD, "cell-3.txt", b"rest") == name
    assert name.endswith("cell-3.txt")


def test_what_is_forgotten_is_gone_and_nothing_else(archive):
    """Retention takes everything of a build; asking twice is no error."""
    for build in (BUILD, OTHER):
        archive.append(build, JOB, 0, b"line\n")
        archive.put(build, RECORD, b"{}")
        archive.spill(build, "cell-0.txt", b"x")
    archive.forget([BUILD])
    archive.forget([BUILD])
    assert archive.get(BUILD, RECORD) is None
    assert archive.size(BUILD, JOB) == 0
    assert archive.get(OTHER, RECORD) == b"{}"


def test_what_is_long_is_whole(archive):
    """Whatever pieces it is kept in: documents, an append, and reads across their edges."""
    long = bytes(range(256)) * 10_000  # 2.5 MB
    archive.put(BUILD, RECORD, long)
    assert archive.get(BUILD, RECORD) == long
    archive.put(BUILD, RECORD, b"")
    assert archive.get(BUILD, RECORD) == b""
    assert archive.append(BUILD, WORKER, 0, b"x" * 100) == 100
    assert archive.append(BUILD, WORKER, 50, b"x" * 50 + long) == 100 + len(long)
    assert archive.append(BUILD, WORKER, 100, long) == 100 + len(long)
    assert archive.read(BUILD, WORKER, 100) == long
    for offset in (99, 100, 101, 100 + (1 << 20), 99 + (2 << 20), len(long) + 99):
        assert archive.read(BUILD, WORKER, offset, 300) == (b"x" * 100 + long)[offset : offset + 300]


def test_appending_nothing_is_asking_for_the_end(archive):
    """And a gap is one even then."""
    assert archive.append(BUILD, WORKER, 0, b"") == 0
    archive.append(BUILD, WORKER, 0, b"one\n")
    assert archive.append(BUILD, WORKER, 4, b"") == 4
    with pytest.raises(BadInput):
        archive.append(BUILD, WORKER, 5, b"")


def test_builds_are_told_oldest_first(archive):
    """Retention looks for those that nobody knows any more."""
    archive.append(OTHER, JOURNAL, 0, b"{}\n")
    archive.put(BUILD, RECORD, b"{}")
    assert archive.builds() == (BUILD, OTHER)


OUTSIDE = [
    "",
    ".",
    "..",
    "../x",
    "/etc",
    "a/b",
    "log",
    "x" * 300,
    BUILD.lower(),
    f"{BUILD}\n",
    f"{BUILD}/../{OTHER}",
    "\0",
]


@pytest.mark.parametrize("build", OUTSIDE)
def test_no_build_id_leads_elsewhere(archive, build):
    """Ids come from URLs."""
    for call in (
        lambda: archive.append(build, WORKER, 0, b"x"),
        lambda: archive.read(build, WORKER),
        lambda: archive.size(build, WORKER),
        lambda: archive.put(build, RECORD, b"x"),
        lambda: archive.get(build, RECORD),
        lambda: archive.spill(build, "a", b"x"),
        lambda: archive.forget([build]),
    ):
        with pytest.raises(BadInput):
            call()


@pytest.mark.parametrize("name", [*OUTSIDE, f"../{JOB}", JOB.upper(), f"{JOB}\n", RECORD])
def test_no_stream_name_leads_elsewhere(archive, name):
    """Names of jobs come from URLs too."""
    with pytest.raises(BadInput):
        archive.read(BUILD, name)
    with pytest.raises(BadInput):
        archive.append(BUILD, name, 0, b"x")


@pytest.mark.parametrize("name", ["", "..", "../x", "worker", "key", "a/record.ipynb", "record.ipynb\0"])
def test_no_document_and_no_side_file_leads_elsewhere(archive, name):
    """Only the two documents there are, and plain names."""
    with pytest.raises(BadInput):
        archive.put(BUILD, name, b"x")
    with pytest.raises(BadInput):
        archive.get(BUILD, name)
    if name not in {"worker", "key"}:
        with pytest.raises(BadInput):
            archive.spill(BUILD, name, b"x")


def test_a_side_file_is_put_whole_and_once(archive):
    """What a job left for others comes over a network, and may come twice; what is spilled goes on where it was."""
    assert archive.side_size(BUILD, "cell-1.txt") == 0
    archive.spill(BUILD, "cell-1.txt", b"12345")
    assert archive.side_size(BUILD, "cell-1.txt") == 5
    for whole in ((b"ab", b"cd"), (b"ab", b"", b"cdef")):
        archive.keep(BUILD, "left.tar", iter(whole))
        assert archive.side_size(BUILD, "left.tar") == len(b"".join(whole))

    def cut() -> Iterator[bytes]:
        yield b"new"
        raise RuntimeError("the worker hung up")

    with pytest.raises(RuntimeError, match="hung up"):
        archive.keep(BUILD, "left.tar", cut())
    assert archive.side_size(BUILD, "left.tar") == len(b"abcdef")
    with pytest.raises(BadInput):
        archive.keep(BUILD, "../left.tar", iter(()))
