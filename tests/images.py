"""Images for tests: made from Containerfiles, kept by the digest of what they are made from, brought into the cluster that is there.

    Containerfile, context ──built──▶ archive in the cache ──loaded──▶ the cluster's nodes

`python -m tests.images worker server` makes and loads the product's own and prints their names: seconds after a change of its code. The
cache is `$BRIGNB_IMAGE_CACHE`, else a folder of the user's cache. `$BRIGNB_CLUSTER_IMAGES` is the program that makes and loads (`.ci/run`
sets it; `images build NAME ARCHIVE CONTEXT …`, `images load ARCHIVE`). Where there is none, as with a cluster of somebody else's,
`$BRIGNB_TEST_WORKER_IMAGE` and `$BRIGNB_TEST_SERVER_IMAGE` name images that the cluster can pull.

A name without a tag gets the digest for one. What must never happen: an image that is another than its files are.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

ROOT = Path(__file__).parent.parent
BASE = "localhost/python:3.11-slim"
KEPT = 4
"""Archives of one image: several branches are worked on, and each is some hundreds of megabytes."""


@dataclass(frozen=True)
class Image:
    """An image's name in the cluster, and the archive that has it."""

    name: str
    archive: Path


def worker() -> str:
    """The name of this tree's worker image, which the cluster has."""
    return _ours("worker")


def server() -> str:
    """The same of the server's."""
    return _ours("server")


def built(
    name: str,
    context: Path,
    *,
    containerfile: Path | None = None,
    target: str | None = None,
    args: Mapping[str, str] | None = None,
) -> Image:
    """Make an image, unless the cache has it.

    Args:
        name: Without a tag it gets the digest of all that it is made from.
        context: A folder; the lines of its `.dockerignore` that begin with `!` say what of it counts, else all does.
        containerfile: Else `Containerfile` in there.

    Raises:
        subprocess.CalledProcessError: It cannot be made; the reason is on stderr.
    """
    recipe = containerfile or context / "Containerfile"
    flags = ["--file", str(recipe), "--layers"]
    flags += ["--target", target] if target else []
    flags += [flag for each in (args or {}).items() for flag in ("--build-arg", "=".join(each))]
    base = _base()
    digest = _digest(recipe, context, [name, target or "", base.name, *flags[3:]])
    full = name if ":" in name.rpartition("/")[2] else f"{name}:{digest}"
    stem = name.replace("/", "_").replace(":", "_")
    archive = _cache() / f"{stem}-{digest}.tar"
    with _alone():
        if not archive.exists():
            draft = archive.with_suffix(".new")
            _run("build", full, str(draft), str(context), "--base", str(base), *flags)
            draft.replace(archive)
            _forget(stem)
    return Image(full, archive)


def loaded(*images: Image) -> None:
    """Bring them into the cluster, but for those that it is known to have."""
    there = _there()
    missing = [str(each.archive) for each in images if each.name not in there or not each.name.endswith(_tag(each))]
    if missing:
        _run("load", *missing)


def above_base(image: Image) -> int:
    """Bytes of its layers that the base does not have, as they are on a node's disk."""
    base = {name for name, _ in _layers(_base())}
    return sum(size for name, size in _layers(image.archive) if name not in base)


@functools.cache
def _ours(target: str) -> str:
    if given := os.environ.get(f"BRIGNB_TEST_{target.upper()}_IMAGE"):
        return given
    image = ours(target)
    loaded(image)
    return image.name


def ours(target: str) -> Image:
    """The product's image of this tree, made."""
    recipe = ROOT / "deploy/Containerfile"
    return built(f"localhost/brignb-{target}", ROOT, containerfile=recipe, target=target, args={"BASE": BASE})


def program() -> str | None:
    """What makes images and loads them; None: there is nothing."""
    if given := os.environ.get("BRIGNB_CLUSTER_IMAGES"):
        return given
    return next((str(p) for up in ROOT.parents if (p := up / "shared/cluster/images").exists()), None)


def _run(*words: str) -> None:
    images = program()
    if images is None:
        raise FileNotFoundError("BRIGNB_CLUSTER_IMAGES names no program that makes images: see tests/images.py")
    subprocess.run([images, *words], check=True, stdout=sys.stderr, timeout=900)


def _cache() -> Path:
    folder = Path(os.environ.get("BRIGNB_IMAGE_CACHE") or platformdirs.user_cache_path("brignb") / "images")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.cache
def _base() -> Path:
    maker = Path(program() or os.devnull).read_bytes()
    archive = _cache() / f"python-{hashlib.sha256(maker).hexdigest()[:12]}.tar"
    with _alone():
        if not archive.exists():
            draft = archive.with_suffix(".new")
            _run("python", str(draft))
            draft.replace(archive)
    return archive


@contextmanager
def _alone() -> Iterator[None]:
    """Several test runs share the cache."""
    with (_cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest(recipe: Path, context: Path, facts: list[str]) -> str:
    told = hashlib.sha256(json.dumps(facts).encode())
    for path in [recipe, *_files(context)]:
        inside = path.relative_to(context) if path.is_relative_to(context) else path.name
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        told.update(f"{inside}\0{path.stat().st_mode & 0o111:o}\0{content}\n".encode())
    return told.hexdigest()[:12]


def _files(context: Path) -> list[Path]:
    ignoring = context / ".dockerignore"
    lines = ignoring.read_text("utf-8").splitlines() if ignoring.exists() else ["!."]
    found = set()
    for top in (context / line[1:] for line in lines if line.startswith("!")):
        found |= {top} if top.is_file() else {path for path in top.rglob("*") if path.is_file()}
    return sorted(path for path in found if "__pycache__" not in path.parts)


def _forget(stem: str) -> None:
    """All but the newest archives of an image."""
    archives = sorted(_cache().glob(f"{stem}-????????????.tar"), key=lambda path: path.stat().st_mtime)
    for path in archives[:-KEPT]:
        path.unlink()


def _there() -> set[str]:
    """The names of images that every node says it has."""
    asked = ["kubectl", "get", "nodes", "--output", "json"]
    nodes = json.loads(subprocess.run(asked, check=True, capture_output=True, timeout=60).stdout)["items"]
    each = [{name for image in node["status"].get("images", []) for name in image.get("names") or ()} for node in nodes]
    return set.intersection(*each) if each else set()


def _tag(image: Image) -> str:
    return image.archive.stem.rpartition("-")[2]


def _layers(archive: Path) -> list[tuple[str, int]]:
    """Name (its digest) and bytes of each layer of a docker archive's only image."""
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))
        return [(name, tar.getmember(name).size) for name in manifest[0]["Layers"]]


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        print(_ours(wanted))
