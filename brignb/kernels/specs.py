"""The kernelspec `Python (brignb)`: installed for a person, below a prefix, or in this environment; found again; removed.

    kernels/brignb (kernel.json, logos) ──▶ adjusted ──▶ PLACE/kernels/NAME, by jupyter_client

In this environment a kernel is forked by the provisioner, in a fifth of a second; that needs brignb where Jupyter itself runs. Anywhere
else it is a plain ipykernel of this interpreter, by its full path, so that any Jupyter can start it. What must never happen: a
kernelspec that is not ours, overwritten or removed.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from brignb.errors import BadInput, BrignbError, Conflict, NotFound

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpecManager

NAME: Final = "brignb"
TITLE: Final = "Python (brignb)"
_MARK: Final = "brignb"
"""In a kernelspec's metadata: it is ours."""
_A_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """Where kernelspecs are kept.

    Args:
        prefix: Below its `share/jupyter/kernels`; None: a person's own.
    """

    prefix: Path | None = None

    @property
    def here(self) -> bool:
        """Whether it is this environment."""
        return self.prefix is not None and self.prefix.resolve() == Path(sys.prefix).resolve()

    def folder(self) -> Path:
        """Of all its kernelspecs."""
        if self.prefix is not None:
            return self.prefix / "share" / "jupyter" / "kernels"
        from jupyter_core.paths import jupyter_data_dir  # noqa: PLC0415 - `--help` needs no Jupyter

        return Path(jupyter_data_dir()) / "kernels"


@dataclass(frozen=True, slots=True)
class Found:
    """A kernelspec of ours.

    Args:
        name: Its own.
        title: As launchers show it.
        folder: Where it is.
        python: The interpreter that it starts.
        forked: Whether the provisioner starts it.
    """

    name: str
    title: str
    folder: Path
    python: str
    forked: bool


def install(place: Place, *, name: str = NAME, title: str = TITLE) -> Path:
    """Install it, in place of an older one of ours; answers its folder.

    Raises:
        BrignbError: ipykernel is missing.
        BadInput: The name is none for a kernelspec, or the place cannot be written to.
        Conflict: Somebody else's kernelspec has that name.
    """
    manager, name = _manager(), _checked(name)
    _refuse_others(place, name)
    with tempfile.TemporaryDirectory(prefix="brignb-kernel-") as folder:
        made = Path(folder) / NAME
        shutil.copytree(_shipped(), made)
        (made / "kernel.json").write_text(json.dumps(_spec(place, title), indent=1) + "\n")
        prefix = None if place.prefix is None else str(place.prefix)
        try:
            return Path(manager.install_kernel_spec(str(made), name, user=place.prefix is None, prefix=prefix))
        except OSError as error:
            raise BadInput(
                f"cannot be written: {error.strerror}", where=str(error.filename or place.folder())
            ) from error


def uninstall(place: Place, *, name: str = NAME) -> Path:
    """Remove it; answers where it was.

    Raises:
        NotFound: It is not there; it names where it is.
        Conflict: That one is somebody else's.
    """
    name = _checked(name)
    folder = place.folder() / name
    if not (folder / "kernel.json").is_file():
        others = ", ".join(str(each.folder) for each in installed() if each.name == name)
        hint = (
            f"it is in {others}: --prefix or --sys-prefix says so" if others else "brignb kernels list shows them all"
        )
        raise NotFound(f"there is no kernelspec {name!r}", where=str(place.folder()), hint=hint)
    _refuse_others(place, name)
    shutil.rmtree(folder)
    return folder


def installed() -> list[Found]:
    """All kernelspecs of ours that a Jupyter here would find, and those that they hide."""
    folders = dict.fromkeys(Path(each) for each in _manager().kernel_dirs)
    specs = (spec for folder in folders for spec in sorted(folder.glob("*/kernel.json")))
    return [found for spec in specs if (found := _read(spec))]


def _checked(name: str) -> str:
    """Jupyter's rule for a kernelspec's name, in lower case; what is no name is no path either."""
    if not _A_NAME.match(name) or not name.strip("."):
        raise BadInput(f"{name!r:.60} is no kernelspec's name", where="--name", hint="a-z, 0-9, `.`, `_` and -")
    return name.lower()


def _refuse_others(place: Place, name: str) -> None:
    spec = place.folder() / name / "kernel.json"
    if spec.is_file() and _read(spec) is None:
        raise Conflict("this kernelspec is not brignb's", where=str(spec.parent), hint="choose another --name")


def _read(path: Path) -> Found | None:
    try:
        spec = json.loads(path.read_bytes())
        metadata = spec["metadata"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    forked = metadata.get("kernel_provisioner", {}).get("provisioner_name") == "brignb-provisioner"
    if not forked and _MARK not in metadata:
        return None
    return Found(path.parent.name, str(spec.get("display_name", "")), path.parent, str(spec["argv"][0]), forked)


def _spec(place: Place, title: str) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads((_shipped() / "kernel.json").read_text())
    spec["argv"][0] = sys.executable
    spec["display_name"] = title
    spec["metadata"][_MARK] = {"environment": sys.prefix}
    if not place.here:
        del spec["metadata"]["kernel_provisioner"]
    return spec


def _shipped() -> Path:
    """Inside an installed package, else in the checkout's `kernels/`."""
    packed = Path(str(resources.files("brignb.kernels") / "spec"))
    return packed if packed.is_dir() else Path(__file__).parents[2] / "kernels" / NAME


def _manager() -> KernelSpecManager:
    if find_spec("ipykernel") is None or find_spec("jupyter_client") is None:
        raise BrignbError(
            "ipykernel is not installed in this environment, so that no kernel of it could start",
            where=sys.prefix,
            hint="pip install 'brignb[kernel]'",
        )
    from jupyter_client.kernelspec import KernelSpecManager  # noqa: PLC0415 - it may be missing

    return KernelSpecManager()
