"""What `from brignb import …` gives, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import brignb

HEAVY = ("asyncio", "dataclasses", "typing", "IPython", "papermill", "yaml", "httpx", "ulid", "json")


def test_names_are_sorted_and_there() -> None:
    """`__all__` is the product's vocabulary: sorted, complete, each name importable."""
    assert brignb.__all__ == sorted(brignb.__all__)
    for name in brignb.__all__:
        assert getattr(brignb, name) is not None
    assert {"events", "Job", "Group", "project"} <= set(brignb.__all__) <= set(dir(brignb))


def test_unknown_name_is_an_attribute_error() -> None:
    """A lazy module must still say no, or `hasattr` and `from brignb import typo` lie."""
    assert not hasattr(brignb, "Jbo")


def test_lazy_names_are_typed() -> None:
    """Every lazy name stands under TYPE_CHECKING too, so that type checkers and editors see it."""
    source = Path(brignb.__file__).read_text()
    typed = source.partition("if TYPE_CHECKING:")[2].partition("__all__")[0]
    assert [name for name in brignb.__all__ if name not in typed] == []


def test_import_loads_nothing_heavy() -> None:
    """A notebook pays for what it uses, when it uses it."""
    code = "import sys; before = set(sys.modules); import brignb, json; print(json.dumps(sorted(set(sys.modules) - before)))"
    code = code.replace("import brignb, json;", "import brignb; new = sorted(set(sys.modules) - before); import json;")
    code = code.replace("json.dumps(sorted(set(sys.modules) - before))", "json.dumps(new)")
    done = subprocess.run([sys.executable, "-S", "-c", _with_path(code)], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert [name for name in HEAVY if name in loaded] == []


def test_version_is_the_installed_one() -> None:
    """One place says the version: the package's metadata."""
    assert brignb.__version__.count(".") == 2


def test_plain_import_of_a_part_has_a_session() -> None:
    """`from brignb.script.job import Job` alone must know how a session is made."""
    code = "from brignb.script import providing; assert providing.provided() is not None"
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    assert time.monotonic() - start < 10


def _with_path(code: str) -> str:
    root = str(brignb.__path__[0]).removesuffix("/brignb")
    return f"import sys; sys.path.insert(0, {root!r}); {code}"
