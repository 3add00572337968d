"""`build`: one build of the server's, as it is each time it is shown: its event, cells, jobs, time line, and where to look further.

What enters: the API's build and its record. What leaves: static HTML and text. What must never happen: an error because the server
went away in between: then it is shown as it was, and that is said.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from brignb.errors import BrignbError, NotFound
from brignb.magics.asking import connected
from brignb.magics.buildlist import took
from brignb.magics.timeline import Bar, bars
from brignb.model.times import parse_rfc3339
from brignb.script.markup import code, escaped, facts, moment, pre, quiet, span, state, state_text, table
from brignb.script.tail import plain

CELLS_MAX: Final = 100
_WORDS_MAX: Final = 60
_STATES: Final = {"completed": "succeeded", "killed": "canceled"}
"""Of a cell, where a build has another word for what is alike."""


class BuildView:
    """See the module.

    Args:
        build_id: Whose.
        server: Its address; None: the one that runs here.

    Raises:
        NotFound: The server has no such build.
        Unreachable: No server answers.
    """

    def __init__(self, build_id: str, server: str | None) -> None:
        self.id = build_id
        self._server = server
        self._cells: list[dict[str, Any]] = []
        self.refresh()

    def refresh(self) -> None:
        """Ask the server how it is."""
        with connected(self._server) as client:
            self.facts = client.build(self.id)
            try:
                self._cells = _code_cells(client.record(self.id))
            except NotFound:  # not begun yet, or it never had a notebook
                self._cells = []

    @property
    def state(self) -> str:
        """As it was when it was last asked for."""
        return str(self.facts["state"])

    def __repr__(self) -> str:
        return f"<build {self.id}: {self.state}>"

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        note = ""
        try:
            self.refresh()
        except BrignbError as error:
            note = f"as it was; {error.where}: {error.message}"
        now = time.time_ns() // 1_000_000
        return {"text/plain": self._text(now, note), "text/html": self._html(now, note)}

    def _html(self, now: int, note: str) -> str:
        build = self.facts
        said = [
            ("build", f"{code(self.id)} {state(self.state)}"),
            *((name, escaped(v)) for name, v in _said(build, now)),
        ]
        jobs = table(("job", "state", "exit", "took", "image"), [_job_cells(each, now) for each in build["jobs"]])
        cells = table(("cell", "state", "took"), [_cell_cells(each) for each in self._cells[:CELLS_MAX]])
        parts = [facts(said), f"<div>{quiet(note)}</div>" if note else ""]
        parts += [bars(list(self._bars(now)))]
        parts += [jobs if build["jobs"] else "", cells if self._cells else ""]
        return "".join([*parts, f"<div>{quiet('look further:')}</div>", pre("\n".join(self._further()))])

    def _text(self, now: int, note: str) -> str:
        build = self.facts
        lines = [f"build {self.id}  {state_text(self.state)}", *(f"  {name}: {v}" for name, v in _said(build, now))]
        lines += [f"  {note}"] if note else []
        lines += [f"  job {'  '.join(filter(None, _job_texts(each, now)))}" for each in build["jobs"]]
        lines += [f"  {'  '.join(filter(None, _cell_texts(each)))}" for each in self._cells[:CELLS_MAX]]
        return "\n".join(map(plain, [*lines, *(f"  {line}" for line in self._further())]))

    def _bars(self, now: int) -> Iterator[Bar]:
        build = self.facts
        created = parse_rfc3339(build["created_at"])
        started = parse_rfc3339(build["started_at"]) if build["started_at"] else None
        yield Bar("waiting for a worker", "pending", created, started or _end(build, now))
        if started is not None:
            begun = [cell["begun"] for cell in self._cells if cell["begun"] is not None]
            yield Bar("source, notebook, worker", "pending", started, min(begun, default=_end(build, now)))
        for cell in self._cells[:CELLS_MAX]:
            if cell["begun"] is not None and cell["status"] != "skipped":
                yield Bar(cell["title"], cell["state"], cell["begun"], cell["ended"] or _end(build, now))
        for job in build["jobs"]:
            if job["started_at"]:
                yield Bar(f"job {job['name']}", job["state"], parse_rfc3339(job["started_at"]), _end(job, now))

    def _further(self) -> tuple[str, ...]:
        return (
            f"brignb build logs {self.id}{'' if self.facts['finished_at'] else ' -f'}",
            f"brignb build record {self.id} --output record.ipynb",
            f"%brig replay {self.id}",
        )


def build(build_id: str, *, server: str | None = None) -> BuildView:
    """One build of the server's; `%brig build` is this.

    Raises:
        NotFound: The server has no such build.
        Unreachable: No server answers.
    """
    return BuildView(build_id, server)


def _end(thing: Mapping[str, Any], now: int) -> int:
    return parse_rfc3339(thing["finished_at"]) if thing["finished_at"] else now


def _said(build: Mapping[str, Any], now: int) -> Iterator[tuple[str, str]]:
    event = build["event"]
    yield "project", build["project"]
    yield "event", f"{event['type']} from {event['source']}, {event['id']}"
    revision = event["revision"]
    if revision["commit"] or revision["ref"]:
        yield "revision", " ".join(filter(None, (revision["commit"], revision["ref"])))
    if build["reason"] or build["message"]:
        yield "because", ": ".join(filter(None, (build["reason"], build["message"])))
    if build["attempt"] > 1:
        yield "attempt", str(build["attempt"])
    yield "created", moment(parse_rfc3339(build["created_at"]))
    seconds = took(build, now)
    if seconds is not None:
        yield "took" if build["finished_at"] else "runs for", span(seconds)


def _job_texts(job: Mapping[str, Any], now: int) -> tuple[str, str, str, str, str]:
    seconds = took(job, now)
    exit_code = "" if job["exit_code"] is None else f"exit code {job['exit_code']}"
    return (
        job["name"],
        state_text(job["state"]),
        exit_code,
        "" if seconds is None else span(seconds),
        job["image"] or "",
    )


def _job_cells(job: Mapping[str, Any], now: int) -> tuple[str, ...]:
    name, _, _, seconds, image = _job_texts(job, now)
    exit_code = "" if job["exit_code"] is None else str(job["exit_code"])
    why = quiet(f" ({job['reason']})") if job["reason"] and job["reason"] != "exit_code" else ""
    return code(name), state(job["state"]) + why, exit_code, seconds, code(image) if image else ""


def _cell_texts(cell: Mapping[str, Any]) -> tuple[str, str, str]:
    return cell["title"], state_text(cell["state"]), "" if cell["seconds"] is None else span(cell["seconds"])


def _cell_cells(cell: Mapping[str, Any]) -> tuple[str, str, str]:
    title, _, seconds = _cell_texts(cell)
    return code(title), state(cell["state"]), seconds


def _code_cells(record: bytes) -> list[dict[str, Any]]:
    """What a record says of its code cells."""
    found = []
    for number, cell in enumerate(json.loads(record)["cells"], 1):
        if cell["cell_type"] != "code":
            continue
        ran = cell["metadata"].get("papermill", {})
        status = cell["metadata"].get("brignb", {}).get("status", "")
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        first = next((line for line in source.split("\n") if line.strip()), "")
        tag = "event: " if "event" in cell["metadata"].get("tags", []) else ""
        found.append(
            {
                "title": f"{number}  {tag}{first[:_WORDS_MAX]}",
                "status": status,
                "state": _STATES.get(status, status),
                "begun": _ms(ran.get("start_time")),
                "ended": _ms(ran.get("end_time")),
                "seconds": ran.get("duration"),
            }
        )
    return found


def _ms(moment_text: str | None) -> int | None:
    return None if moment_text is None else parse_rfc3339(moment_text)
