"""Tars of strangers: nothing of them lies outside of the folder, on a Python that has `tarfile`'s filters and on one that has none."""

from __future__ import annotations

import io
import tarfile

import pytest

from brignb.tars import END, packed, unpack


@pytest.fixture(params=["filters", "none"])
def folder(request, tmp_path, monkeypatch):
    if request.param == "none" and hasattr(tarfile, "data_filter"):
        monkeypatch.delattr(tarfile, "data_filter")
    (tmp_path / "outside").mkdir()
    return tmp_path / "into"


def opened(*members: tuple[str, dict]) -> tarfile.TarFile:
    """An archive with these members; one with `data` is a file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, facts in members:
            member = tarfile.TarInfo(name)
            data = facts.pop("data", b"")
            member.size = len(data)
            for fact, value in facts.items():
                setattr(member, fact, value)
            tar.addfile(member, io.BytesIO(data))
    return tarfile.open(fileobj=io.BytesIO(file.getvalue()))


SYM, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.mark.parametrize(
    "members",
    [
        [("../outside/x", {"data": b"x"})],
        [("/tmp/brignb-never", {"data": b"x"})],
        [("link", {"type": SYM, "linkname": "../outside"}), ("link/x", {"data": b"x"})],
        [("link", {"type": SYM, "linkname": "../outside/x"}), ("link", {"data": b"x"})],
        [("hard", {"type": HARD, "linkname": "../outside"})],
        [("pipe", {"type": tarfile.FIFOTYPE})],
        [("device", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3})],
    ],
)
@pytest.mark.parametrize("links", [True, False])
def test_nothing_leaves_the_folder(folder, tmp_path, members, links):
    """Not by its name, not through a link that came before it."""
    again = lambda: opened(*((name, dict(facts)) for name, facts in members))  # noqa: E731
    with again() as tar, pytest.raises(tarfile.TarError):
        unpack(tar, folder, links=links)
    with again() as tar:
        unpack(tar, folder, links=links, strict=False)
    assert list((tmp_path / "outside").iterdir()) == []
    assert not any(path.is_fifo() or path.is_char_device() for path in folder.rglob("*"))


def test_a_link_may_lead_anywhere_only_where_that_is_said(folder):
    """A work tree's are its author's."""
    with opened(("link", {"type": SYM, "linkname": "/etc"})) as tar, pytest.raises(tarfile.TarError):
        unpack(tar, folder)
    with opened(("link", {"type": SYM, "linkname": "/etc"})) as tar:
        unpack(tar, folder, links=True)
    assert (folder / "link").is_symlink()


def test_modes_and_times_stay(folder, tmp_path):
    """Of files, and of folders that nobody may write to; others may not write."""
    there = tmp_path / "there"
    (there / "deep").mkdir(parents=True)
    (there / "deep" / "run").write_text("x")
    (there / "deep" / "run").chmod(0o777)
    (there / "deep").chmod(0o555)
    (there / "again").hardlink_to(there / "deep" / "run")
    with tarfile.open(fileobj=io.BytesIO(b"".join([*packed([there]), END]))) as tar:
        unpack(tar, folder)
    assert (folder / "deep" / "run").stat().st_mode & 0o777 == 0o755
    assert (folder / "deep").stat().st_mode & 0o777 == 0o555
    assert int((folder / "deep" / "run").stat().st_mtime) == int((there / "deep" / "run").stat().st_mtime)
    assert (folder / "again").read_text() == "x"
    (there / "deep").chmod(0o755)
    (folder / "deep").chmod(0o755)
