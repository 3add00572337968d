"""Names and identifiers, and the rules they follow.

A build's or an event's id is a ULID in upper case; a job's is `<name>-<ulid>` in lower case, made so that the same run of the
same job has the same id after a restart (contract, "HTTP"): create-or-adopt needs no other bookkeeping.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Final

from ulid import ULID

from brignb.errors import BadInput, JobDefinitionError

JOB_NAME_MAX: Final = 36
"""Characters in a job's name (Brigade v1; a pod's name is `<name>-<26 characters of ULID>`, at most 63)."""

PROJECT_NAME_MAX: Final = 200
"""Characters in a project's name."""

_PART = r"[A-Za-z0-9_.-]{1,100}"
_PROJECT = re.compile(rf"{_PART}(?:/{_PART})+\Z")
_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
_V1_ID = re.compile(r"brigade-[0-9a-f]{54}\Z")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}\Z")
_JOB_ID = re.compile(r"(?P<name>.+)-[0-7][0-9a-hjkmnp-tv-z]{25}\Z")
_COMMIT = re.compile(r"(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\Z")


def project_name(text: object, *, where: str = "project") -> str:
    """Check a project's name, `owner/repo`.

    Raises:
        BadInput: It is not two or more parts of letters, digits, `_`, `.` and `-`, or a part is `.` or `..`.
    """
    if (
        isinstance(text, str)
        and _PROJECT.match(text)
        and not {".", ".."} & set(text.split("/"))
        and len(text) <= PROJECT_NAME_MAX
    ):
        return text
    raise BadInput(f"{text!r:.120} is not a project's name", where=where, hint="write it as owner/repo")


def project_id(name: str) -> str:
    """Brigade v1's id of a project: `brigade-` and the first 54 hex digits of SHA-256 of its name."""
    return "brigade-" + hashlib.sha256(name.encode()).hexdigest()[:54]


def is_project_id(text: str) -> bool:
    """Whether a text has the form of `project_id`."""
    return bool(_V1_ID.match(text))


def job_name(text: object) -> str:
    """Check a job's name: a DNS label (RFC 1123) of at most 36 characters.

    Raises:
        JobDefinitionError: It is not.
    """
    if isinstance(text, str) and len(text) <= JOB_NAME_MAX and _DNS_LABEL.match(text):
        return text
    cure = re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-")[:JOB_NAME_MAX].strip("-")
    raise JobDefinitionError(
        f"{text!r:.120} is not a job's name",
        where="Job(name)",
        hint="a DNS label: a-z, 0-9 and -, at most 36 characters" + (f"; for example {cure!r}" if cure else ""),
    )


def new_id(now_ms: int, randomness: bytes) -> str:
    """A ULID of a time in milliseconds and 10 random bytes."""
    return str(ULID.from_bytes(now_ms.to_bytes(6, "big") + randomness))


def id_time_ms(identifier: str) -> int:
    """The time in milliseconds that a ULID carries."""
    return int(ULID.from_str(identifier).milliseconds)


def is_id(text: str) -> bool:
    """Whether a text is a ULID in upper case."""
    return bool(_ULID.match(text))


def is_job_id(text: str) -> bool:
    """Whether a text has the form of `job_id`; no other text may become a file's name."""
    found = _JOB_ID.match(text)
    return bool(found and len(found["name"]) <= JOB_NAME_MAX and _DNS_LABEL.match(found["name"]))


def is_commit(text: str) -> bool:
    """Whether a revision is a commit: 40 or 64 hex digits (contract, "HTTP"); anything else is a ref."""
    return bool(_COMMIT.match(text))


def job_id(*, build_id: str, build_ms: int, attempt: int, name: str, run: int, job_try: int) -> str:
    """The id of a job's run, the same each time it is made (contract, "HTTP").

    Args:
        build_id: The build's ULID; outside a build, the kernel's own.
        build_ms: The build's time, milliseconds.
        attempt: The build's attempt, from 1.
        name: The job's name.
        run: The how-manyth `run()` of that name in this attempt, from 1.
        job_try: The job's own try, from 1.
    """
    facts = json.dumps([build_id, attempt, name, run, job_try], separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(facts.encode()).digest()[:10]
    return f"{name}-{new_id(build_ms, digest)}".lower()
