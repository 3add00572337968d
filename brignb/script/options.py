"""What the author sets on a job besides plain fields: `job.cache.enabled = True`, `Job(..., storage={"enabled": True})`.

These may be changed until the job runs; then each is frozen into the value of `brignb.model.jobs` of the same name. Where one is
wanted, a mapping will do, and where it can be switched on, so will `True`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from typing import Any, ClassVar, TypeVar

from brignb.model import jobs as frozen
from brignb.script import fields
from brignb.script.checked import Checked
from brignb.script.fields import Take

O = TypeVar("O", bound="Option")  # noqa: E741 - a type variable's name


class Option(Checked):
    """A group of fields."""

    _value: ClassVar[type[Any]]

    def freeze(self) -> Any:
        """The value that goes into a JobSpec; everything is checked once more."""
        values = {each.name: getattr(self, each.name) for each in fields_of(self)}  # type: ignore[arg-type]
        return self._value(**{name: self._takes[name](f"{self._of}{name}", value) for name, value in values.items()})


@dataclass
class Resources(Option):
    """Requests and limits, in Kubernetes' quantities: `Resources(requests={"cpu": "500m"}, limits={"memory": "1Gi"})`."""

    requests: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    _takes: ClassVar[Mapping[str, Take]] = {"requests": fields.labels, "limits": fields.labels}
    _of: ClassVar[str] = "resources."
    _value: ClassVar[type[Any]] = frozen.Resources


@dataclass
class Host(Option):
    """Where a pod may run: operating system, node's name, node's labels."""

    os: str | None = None
    name: str | None = None
    node_selector: dict[str, str] = field(default_factory=dict)
    _takes: ClassVar[Mapping[str, Take]] = {
        "os": fields.text_or_none,
        "name": fields.text_or_none,
        "node_selector": fields.labels,
    }
    _of: ClassVar[str] = "host."
    _value: ClassVar[type[Any]] = frozen.Host


@dataclass
class Cache(Option):
    """A folder that is kept between builds, per project and job name."""

    enabled: bool = False
    size: str = "5Mi"
    path: str = "/mnt/brigade/cache"
    _takes: ClassVar[Mapping[str, Take]] = {"enabled": fields.flag, "size": fields.text, "path": fields.path}
    _of: ClassVar[str] = "cache."
    _value: ClassVar[type[Any]] = frozen.Cache


@dataclass
class Storage(Option):
    """A folder that the jobs of one build share."""

    enabled: bool = False
    path: str = "/mnt/brigade/share"
    _takes: ClassVar[Mapping[str, Take]] = {"enabled": fields.flag, "path": fields.path}
    _of: ClassVar[str] = "storage."
    _value: ClassVar[type[Any]] = frozen.Storage


@dataclass
class Docker(Option):
    """Access to a Docker daemon."""

    enabled: bool = False
    _takes: ClassVar[Mapping[str, Take]] = {"enabled": fields.flag}
    _of: ClassVar[str] = "docker."
    _value: ClassVar[type[Any]] = frozen.Docker


def option(kind: type[O]) -> Take:
    """What a field takes that holds an option: one, nothing, a mapping of its fields, or True and False if it can be switched on."""

    def take(name: str, value: Any) -> O:
        if isinstance(value, kind):
            return value
        if value is None:
            return kind()
        if isinstance(value, bool) and "enabled" in kind._takes:  # noqa: SLF001 - one concept in two classes
            return kind(enabled=value)  # type: ignore[call-arg]
        if not isinstance(value, Mapping):
            fields.refuse(name, f"a {kind.__name__} or a mapping", value)
        made = kind()
        for key, each in fields.table(name, value).items():
            setattr(made, key, each)
        return made

    return take
