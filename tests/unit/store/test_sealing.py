"""Secrets at rest."""

from __future__ import annotations

import os
import threading

import pytest

from brignb.errors import Unavailable
from brignb.store.sealing import KEY_BYTES, Sealer, load_key

VALUE = {"secrets": {"A": "hunter2hunter2", "Ü": "ключ"}, "shared_secret": ""}


def test_what_is_sealed_opens_again(sealer):
    assert sealer.open(sealer.seal(VALUE, "acme/site"), "acme/site") == VALUE


def test_nothing_of_it_can_be_read(sealer):
    sealed = sealer.seal(VALUE, "acme/site")
    assert b"hunter2" not in sealed
    assert b"secrets" not in sealed


def test_the_same_value_never_looks_the_same(sealer):
    """A nonce used twice under one key gives both values away."""
    assert sealer.seal(VALUE, "acme/site") != sealer.seal(VALUE, "acme/site")


def test_another_key_does_not_open_it(sealer):
    """The error names the file to look at, and no byte of key or value."""
    with pytest.raises(Unavailable) as refused:
        Sealer(b"j" * 32, origin="/home/of/key").open(sealer.seal(VALUE, "acme/site"), "acme/site")
    assert "/home/of/key" in refused.value.hint
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_it_opens_only_where_it_belongs(sealer):
    """A row's secrets copied into another project's row."""
    with pytest.raises(Unavailable):
        sealer.open(sealer.seal(VALUE, "acme/site"), "acme/tools")


@pytest.mark.parametrize("at", [0, 1, 13, -1])
def test_a_changed_byte_is_noticed(sealer, at):
    """Version, nonce, ciphertext and tag."""
    sealed = bytearray(sealer.seal(VALUE, "acme/site"))
    sealed[at] ^= 1
    with pytest.raises(Unavailable):
        sealer.open(bytes(sealed), "acme/site")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + b"n" * 12])
def test_a_cut_value_is_noticed(sealer, sealed):
    with pytest.raises(Unavailable):
        sealer.open(sealed, "acme/site")


def test_a_later_version_says_so(sealer):
    with pytest.raises(Unavailable, match="later version"):
        sealer.open(b"\x02" + b"x" * 40, "acme/site")


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"k" * 16)


def test_a_key_is_made_once(tmp_path):
    """The second start finds the first one's."""
    path = tmp_path / "key"
    key = load_key(path)
    assert len(key) == KEY_BYTES
    assert load_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["key"], "no draft is left behind"


def test_a_key_is_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        load_key(tmp_path / "key")
    finally:
        os.umask(before)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_all_who_start_at_once_have_one_key(tmp_path):
    """The file appears whole: nobody reads half a key, nobody's key is overwritten."""
    path, keys = tmp_path / "key", []
    ready = threading.Barrier(8)

    def start():
        ready.wait()
        keys.append(load_key(path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert set(keys) == {load_key(path)}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_key_that_others_read_is_refused(tmp_path, mode):
    path = tmp_path / "key"
    load_key(path)
    path.chmod(mode)
    with pytest.raises(Unavailable) as refused:
        load_key(path)
    assert refused.value.hint.startswith(f"chmod 600 {path}")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
@pytest.mark.parametrize("mode", [0o440, 0o640])
def test_a_key_that_was_given_to_our_group_is_taken(tmp_path, mode):
    """As Kubernetes mounts a Secret: root's, and readable for the pod's group. What others or the group may do more, is too much."""
    path = tmp_path / "key"
    key = load_key(path)
    path.chmod(mode)
    os.chown(path, 1, os.getegid())
    assert load_key(path) == key
    for more in (0o444, 0o460):
        path.chmod(more)
        with pytest.raises(Unavailable):
            load_key(path)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_a_wrong_size_is_refused(tmp_path, size):
    path = tmp_path / "key"
    path.write_bytes(b"k" * size)
    path.chmod(0o600)
    with pytest.raises(Unavailable) as refused:
        load_key(path)
    assert str(path) == refused.value.where


@pytest.mark.parametrize("place", ["no/such/folder/key", "."])
def test_a_key_that_cannot_be_is_unavailable(tmp_path, place):
    with pytest.raises(Unavailable):
        load_key(tmp_path / place)
