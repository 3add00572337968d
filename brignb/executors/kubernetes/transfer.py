"""Files into a pod and out of it: a tar on a container's stdin, a tar in base64 on a container's log.

    source folder, artifacts of other jobs ──▶ `tars` ──▶ stdin of `source`, which unpacks
    `artifacts`: waits until the tasks have ended, packs what the globs may name ──▶ log ──▶ unpacked ──▶ `artifacts.collect`

Neither needs a registry, an object store or a way from the cluster to us; a Secret would hold 1 MiB.

What must never happen: a file outside of the folder it is meant for. What comes out of a pod is not trusted.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import shlex
import tarfile
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from brignb.executors.artifacts import Collected, collect
from brignb.executors.kubernetes.wrapper import ENDED
from brignb.tars import END, unpack

MOST: Final = 128 << 20
"""Bytes of a job's artifacts that are taken: they pass through the memory of a process that all builds share."""
DONE: Final = b"brignb: these are all artifacts"


def receiving(folder: str) -> list[str]:
    """The command of the container that takes a tar from its stdin. Owner and times are not the sender's to say."""
    return ["tar", "-x", "-m", "-o", "-f", "-", "-C", folder]


def sending(globs: Sequence[str]) -> list[str]:
    """The command of the container that sends what the globs may name: more than they do, `collect` chooses."""
    names = "|".join(_expression(glob) for glob in globs)
    wanted = shlex.quote(rf"^\./({names})(/.*)?$")
    script = f"""\
exec 2>/dev/null
while [ ! -e {ENDED} ]; do sleep 0.05; done
list={ENDED}.list
find . ! -type d | grep -E {wanted} > "$list"
tr '\\n' '\\0' < "$list" | xargs -0 -r tar -c -f - | gzip | base64
echo '{DONE.decode()}'
"""
    return ["/bin/sh", "-c", script]


def too_much(size: int) -> bool:
    """Whether that many bytes of a log cannot be artifacts that are kept, however well they are compressed."""
    return size > 2 * MOST


def unpacked(log: bytes, globs: Sequence[str], into: Path) -> Collected:
    """Keep what the log of the `artifacts` container brought.

    Raises:
        OSError: The disk is full or gone.
        ValueError: The log is not whole.
    """
    if too_much(len(log)):
        raise ValueError(f"they are more than {MOST >> 20} MiB")
    text, done, _ = log.partition(DONE)
    if not done:
        raise ValueError("their container ended before it had sent them")
    with tempfile.TemporaryDirectory(prefix="brignb-") as name:
        try:
            raw = _decompressed(base64.b64decode(text, validate=False))
            with tarfile.open(
                fileobj=io.BytesIO(raw or END), ignore_zeros=True
            ) as tar:  # it may be several, one after the other
                unpack(tar, Path(name), strict=False)
        except (tarfile.TarError, binascii.Error, EOFError, zlib.error) as error:
            raise ValueError(str(error)) from error
        return collect(Path(name), globs, into)


def _decompressed(data: bytes) -> bytes:
    """Of one gzip file, or of several, one after the other.

    Raises:
        ValueError: It is more than `MOST`: it would take the memory that all builds share.
        EOFError: It ends too early.
    """
    raw = bytearray()
    while data:
        unzip = zlib.decompressobj(wbits=31)
        raw += unzip.decompress(data, MOST + 1 - len(raw))
        if len(raw) > MOST or unzip.unconsumed_tail:
            raise ValueError(f"they are more than {MOST >> 20} MiB")
        if not unzip.eof:
            raise EOFError("they are cut")
        data = unzip.unused_data.lstrip(b"\0")
    return bytes(raw)


def _expression(glob: str) -> str:
    """A glob as an extended regular expression, whose `**` takes in folders below."""
    parts = []
    for part in Path(glob).parts:
        if part == "**":
            parts.append("(.*/)?")
        else:
            parts.append(
                re.sub(r"\\\*", "[^/]*", re.escape(part)).replace(r"\?", "[^/]").replace(r"\[", "[").replace(r"\]", "]")
                + "/"
            )
    return "".join(parts).rstrip("/") if parts[-1] != "(.*/)?" else "".join(parts) + ".*"
