"""`project`: the project that the author's words act in, bound late, so that importing it makes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brignb.model.names import project_id
from brignb.script.session import current


class BoundRepo:
    """The project's repository."""

    @property
    def name(self) -> str:
        """`owner/repo`."""
        return current().project_name

    @property
    def clone_url(self) -> str | None:
        """Where git finds it; None: there is no source."""
        return current().clone_url

    def __repr__(self) -> str:
        return f"Repo({self.name!r})"


class BoundProject:
    """The project, with its secrets' values; what it shows of them are names."""

    @property
    def name(self) -> str:
        """`owner/repo`."""
        return current().project_name

    @property
    def id(self) -> str:
        """Brigade v1's id."""
        return project_id(self.name)

    @property
    def repo(self) -> BoundRepo:
        """Its repository."""
        return BoundRepo()

    @property
    def namespace(self) -> str:
        """Of its Kubernetes objects."""
        return current().namespace

    @property
    def executor(self) -> str:
        """What runs its jobs: `process`, `kubernetes`. While authoring, another one may be named."""
        return current().executor.name

    @executor.setter
    def executor(self, name: str) -> None:
        current().use_executor(name)

    @property
    def secrets(self) -> Mapping[str, Any]:
        """By name; a missing one is an error that says where secrets come from."""
        return current().secrets

    def __repr__(self) -> str:
        names = ", ".join(sorted(self.secrets))
        return f"Project({self.name!r}, secrets: {names or 'none'})"

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        """Policy, secrets by name, last builds."""
        from brignb.script.projectview import render_html, render_text  # noqa: PLC0415 - nobody pays who shows nothing

        session = current()
        return {"text/plain": render_text(session), "text/html": render_html(session)}


project = BoundProject()
"""The project of this process."""
