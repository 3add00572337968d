r"""What a job wrote to `$BRIGNB_OUTPUT`: `NAME=value` lines, the last of a name counts.

A value of several lines stands between marks, as GitHub's actions write it:

    NOTES<<END
    first
    second
    END

What must never happen: a job that fails, or hangs, over a line it wrote here. What cannot be taken is told, by its line's number.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

OUTPUT_MAX: Final = 1024 * 1024
"""Bytes that are read."""

_PAIR = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)=(?P<value>.*)\Z", re.DOTALL)
_BLOCK = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)<<(?P<mark>\S+)\s*\Z")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Names and values, and a sentence for each line that could not be taken."""

    values: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read_outputs(file: Path) -> Outputs:
    """What the file holds; the job may have put anything in its place, or nothing."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return Outputs(problems=(f"$BRIGNB_OUTPUT cannot be read: {error.strerror}",))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return Outputs(problems=("$BRIGNB_OUTPUT is no file any more",))
        with open(descriptor, "rb", closefd=False) as opened:
            raw = opened.read(OUTPUT_MAX + 1)
    finally:
        os.close(descriptor)
    read = parse_outputs(raw[:OUTPUT_MAX].decode("utf-8", "replace"))
    if len(raw) <= OUTPUT_MAX:
        return read
    return Outputs(read.values, (*read.problems, f"$BRIGNB_OUTPUT was cut after {OUTPUT_MAX:,} bytes"))


def parse_outputs(text: str) -> Outputs:
    """Names and values of a text."""
    values: dict[str, str] = {}
    problems = []
    lines = enumerate(text.removesuffix("\n").split("\n"), start=1)
    for number, line in lines:
        if block := _BLOCK.match(line):
            value, closed = _until(block["mark"], lines)
            values[block["name"]] = value
            if not closed:
                problems.append(
                    f"$BRIGNB_OUTPUT, line {number}: {block['name']} has no {block['mark']} line at its end"
                )
        elif pair := _PAIR.match(line):
            values[pair["name"]] = pair["value"]
        elif line.strip():
            problems.append(f"$BRIGNB_OUTPUT, line {number}: not NAME=value")
    return Outputs(values, tuple(problems))


def _until(mark: str, lines: Iterator[tuple[int, str]]) -> tuple[str, bool]:
    """The lines up to the mark, and whether it came."""
    value: list[str] = []
    for _, line in lines:
        if line == mark:
            return "\n".join(value), True
        value.append(line)
    return "\n".join(value), False
