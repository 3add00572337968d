"""One method for each thing the API does; what comes back is its JSON.

Errors come as those of the house: what the server says of the caller's input, and `Unreachable` or `Refused` when there is no talking
to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import quote

import httpx

from brignb.archive.follow import Told
from brignb.client.answers import checked
from brignb.client.calls import JSON, SECONDS, Calls, of_build, of_project
from brignb.client.following import SILENCE, End, follow


class Client(Calls):
    """See the module."""

    # projects

    def create_project(self, text: bytes, *, name: str = "project.yaml", replace: bool = False) -> JSON:
        """Register the project of a project file; answers it with `warnings`.

        Args:
            text: The file's content, YAML or JSON.
            name: The file's, for messages.
            replace: Whether one of that name may be replaced.
        """
        query = {"name": name[:200], "replace": "true" if replace else "false"}
        return self._json("POST", "/api/projects", params=query, content=text)

    def projects(self) -> JSON:
        """All, by name."""
        return self._json("GET", "/api/projects")

    def project(self, name: str) -> JSON:
        """One."""
        return self._json("GET", of_project(name))

    def delete_project(self, name: str) -> None:
        """Forget one, with its events and builds."""
        self._answer("DELETE", of_project(name))

    # events

    def create_event(
        self,
        project: str,
        event_type: str,
        *,
        payload: str = "",
        commit: str | None = None,
        ref: str | None = None,
        source: str = "api",
        key: str | None = None,
    ) -> JSON:
        """Raise an event; answers `status`, `event` and `build`.

        Args:
            project: Its name.
            event_type: Such as `push`.
            payload: As the event is to have it.
            commit: What to check out; wins over `ref`.
            ref: A branch or tag; without both it is the repository's HEAD.
            source: `api` or `cli`.
            key: Raised with the same key twice, it is one event.
        """
        revision = {"commit": commit, "ref": ref}
        body = {"type": event_type, "payload": payload, "revision": revision, "source": source}
        headers = {"idempotency-key": key} if key else {}
        return self._json("POST", f"{of_project(project)}/events", json=body, headers=headers)

    def events(self, *, project: str | None = None, limit: int = 50, cursor: str | None = None) -> JSON:
        """Newest first, without payloads."""
        return self._json("GET", "/api/events", params=_given(project=project, limit=limit, cursor=cursor))

    def event(self, event_id: str) -> JSON:
        """One, with its payload."""
        return self._json("GET", f"/api/events/{quote(event_id, safe='')}")

    # builds

    def builds(
        self, *, project: str | None = None, state: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> JSON:
        """Newest first."""
        query = _given(project=project, state=state, limit=limit, cursor=cursor)
        return self._json("GET", "/api/builds", params=query)

    def build(self, build_id: str) -> JSON:
        """One, with its jobs."""
        return self._json("GET", of_build(build_id))

    def record(self, build_id: str) -> bytes:
        """The executed notebook."""
        return self._answer("GET", f"{of_build(build_id)}/record").content

    def cancel(self, build_id: str) -> JSON:
        """End it; answers it as it is then."""
        return self._json("POST", f"{of_build(build_id)}/cancel")

    def rerun(self, build_id: str, notebook: bytes | None = None, *, name: str = "notebook") -> JSON:
        """A new build of the same; answers `status`, `event` and `build`.

        Args:
            build_id: Of which.
            notebook: What it runs; None: what that one ran.
            name: The notebook's, for messages.
        """
        url = f"{of_build(build_id)}/rerun"
        return self._json("POST", url, params={"name": name[:200]}, content=notebook or b"")

    def notebook(self, build_id: str) -> bytes:
        """The author's notebook that it ran."""
        return self._answer("GET", f"{of_build(build_id)}/notebook").content

    def source(self, build_id: str, file: IO[bytes]) -> None:
        """Write the work tree of its commit, a tar archive, into a file."""
        self._write(f"{of_build(build_id)}/source", file)

    def artifacts(self, build_id: str, job_id: str, file: IO[bytes]) -> None:
        """Write what one of its jobs left for others, a tar archive, into a file."""
        self._write(f"{of_build(build_id)}/jobs/{quote(job_id, safe='')}/artifacts", file)

    def logs(
        self,
        build_id: str,
        *,
        job: str | None = None,
        following: bool = False,
        on_retry: Callable[[str], None] = lambda _why: None,
    ) -> Iterator[Told | End]:
        """Lines, then how the build is.

        Args:
            build_id: Whose.
            job: A job's name or id, or `worker`; None: everything.
            following: Until the build ends; a connection that is cut is made again, and no line is lost or comes twice.
            on_retry: Is told why, each time that happens.
        """

        @contextmanager
        def connect(cursor: str) -> Iterator[Iterator[str]]:
            query = _given(job=job, follow="true" if following else None)
            headers = {"accept": "text/event-stream", **({"last-event-id": cursor} if cursor else {})}
            timeout = httpx.Timeout(SECONDS, read=SILENCE)
            url = f"{of_build(build_id)}/logs"
            with self._http.stream("GET", url, params=query, headers=headers, timeout=timeout) as answer:
                if answer.is_error:
                    answer.read()
                yield checked(answer, self._server).iter_lines()

        return follow(connect, server=self._server, on_retry=on_retry)


def _given(**query: Any) -> Mapping[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
