"""The folders of a worker away from its server: all below one, which may be an empty volume of its pod.

<root>/builds/<build id>    what its worker writes, until the server has it
<root>/work/<build id>      source, and what its jobs leave for each other
<root>/trees/…              sources that are overlaid
<root>/cache/<project id>   what is kept from one build to the next
"""

from __future__ import annotations

from pathlib import Path

from brignb.errors import BadInput
from brignb.executors.folders import remove


class WorkFolders:
    """See the module; implements `brignb.wiring.zygotes.Folders`.

    Args:
        root: Made when it is not there.

    Raises:
        BadInput: It cannot be written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.builds = root / "builds"
        self.work = root / "work"
        self.trees = root / "trees"
        self.cache = root / "cache"
        try:
            for folder in self.shared:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            hint = "name a folder by --work that this user may write to"
            raise BadInput(f"cannot make it: {error.strerror}", where=str(error.filename), hint=hint) from error
        self.clear()

    @property
    def shared(self) -> tuple[Path, ...]:
        """Those of which a build sees its own part."""
        return (self.builds, self.work, self.trees, self.cache)

    def clear(self) -> None:
        """Take away what a build has left, but for what is kept between builds."""
        for folder in (self.builds, self.work, self.trees):
            for left in folder.iterdir():
                remove(left) if left.is_dir() and not left.is_symlink() else left.unlink()
