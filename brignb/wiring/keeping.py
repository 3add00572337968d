"""The record of `brignb run`, where its caller wants it, and what did not fit into it beside it.

    record, spill/cell-0.txt ──▶ keep ──▶ OUT.ipynb, OUT.spill/cell-0.txt

The build's own folder is gone when the command ends. What must never happen: a mark that names a file which is not there.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Final

_MARK: Final = re.compile(r"(\n\[brignb: cut, \d+ bytes, rest in )spill/([A-Za-z0-9._-]+\]\n)")


def keep(record: bytes, spilled: Path, path: Path) -> None:
    """Write both.

    Args:
        record: The executed notebook.
        spilled: The build's folder of side files; it need not be there.
        path: Of the record; its side files go into a folder named after it.

    Raises:
        OSError: They cannot be written.
    """
    files = [file for file in sorted(spilled.glob("*")) if file.is_file() and not file.is_symlink()]
    if files:
        beside = path.with_name(f"{path.stem}.spill")
        beside.mkdir(exist_ok=True)
        for file in files:
            shutil.copyfile(file, beside / file.name)
        notebook = json.loads(record)
        _rename(notebook, beside.name)
        record = json.dumps(notebook, indent=1, ensure_ascii=False).encode()
    path.write_bytes(record)


def _rename(notebook: dict[str, Any], folder: str) -> None:
    """The marks that the engine made, whole outputs of their own; what user code printed stays."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            found = _MARK.fullmatch(output.get("text", ""))
            if found:
                output["text"] = f"{found[1]}{folder}/{found[2]}"
