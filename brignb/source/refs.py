"""Names of refs: which a sender may ask for, and where each is looked up.

What must never happen: a name that git would read as an option, as a revision expression (`main~1`, `:/fix`, `main@{1}`) or as a path.
"""

from __future__ import annotations

import re
from typing import Final

HEADS: Final = "refs/heads/"
TAGS: Final = "refs/tags/"

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|\Z)|\A[-./]|[./]\Z|\A@\Z")


def is_ref(name: str) -> bool:
    """Whether git allows a name as a ref's (`git help check-ref-format`)."""
    return bool(name) and not _FORBIDDEN.search(name)


def candidates(name: str) -> tuple[str, ...]:
    """Full names, in the order in which they are looked up.

    The order is git's own (`git help revisions`): what the name says itself, then a tag, then a branch.
    """
    if name.startswith("refs/"):
        return (name,)
    whole = (f"refs/{name}",) if name.startswith(("heads/", "tags/")) else ()
    return (*whole, TAGS + name, HEADS + name)


def is_kept(full: str) -> bool:
    """Whether a mirror keeps it: branches and tags."""
    return full.startswith((HEADS, TAGS))
