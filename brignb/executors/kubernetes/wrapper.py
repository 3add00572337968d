"""The POSIX shell script that runs a job's tasks, and what its last log lines mean.

    …the tasks' own lines…
    <rest of an unfinished line><nonce> outputs
    NAME=value
    <nonce> exit 3

Enters: raw log content. Leaves: the content without those lines, and what they say. The log's stream is 1.0 s, the pod's phase 1.2 to
1.5 s behind the container's end; these lines are not.

What must never happen: a line of the job's that is taken for ours (the nonce is random and each job's own), or one of ours that is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from brignb.executors.kubernetes.naming import HOOK, RUN
from brignb.executors.outputs import OUTPUT_MAX, Outputs, parse_outputs

MAIN_SCRIPT: Final = "main.sh"
WRAPPER: Final = "brignb.sh"
OUTPUT: Final = f"{RUN}/output"
ENDED: Final = f"{RUN}/ended"
"""Is there when the tasks have ended: the artifacts' container waits for it."""
GO: Final = b"go\n"
"""Read by the wrapper before it begins: whoever sends it sees the job's output from its first byte on."""

LINGER: Final = 2

_KEPT: Final = 2 * OUTPUT_MAX
"""Bytes of outputs that are gathered; what a job writes beyond is not."""


def wrapper(nonce: str, shell: str, *, waits: bool) -> str:
    """The script; the container's arguments become the tasks' script's.

    stdout and stderr become one pipe, since the runtime reads two without an order, and the frame must come last; what the wrapper's own
    shell has to say of a killed child is not the job's. The tasks run in the background, so that a SIGTERM reaches them at once: this is
    the first process, which gets no signal that it does not ask for. What they left running is killed before the frame.

    A runtime whose streams somebody is attached to may drop what it has not copied when the container ends (containerd 1.6 was seen to), so
    the wrapper stays until it hears that its last line was seen, at most `LINGER` seconds.

    Args:
        nonce: Marks the frame.
        shell: Runs the tasks.
        waits: Whether it waits for `GO` on its stdin, and for another one at its end.
    """
    begin = "exec 4<&0; read -r _" if waits else ":"
    end = f"(read -r _) <&4 & r=$!; (sleep {LINGER}; kill $r) & wait $r" if waits else ":"
    return f"""\
exec 2>/dev/null
{begin}
: > '{OUTPUT}'
{shell} {HOOK}/{MAIN_SCRIPT} "$@" </dev/null 2>&1 &
child=$!
trap 'kill -TERM "$child"' TERM INT
wait "$child"; code=$?
while kill -0 "$child"; do wait "$child"; code=$?; done
kill -KILL -1
printf '%s outputs\\n' {nonce}
[ ! -f '{OUTPUT}' ] || cat '{OUTPUT}'
printf '\\n%s exit %s\\n' {nonce} "$code"
: > '{ENDED}'
{end}
exit "$code"
"""


@dataclass(frozen=True, slots=True)
class Word:
    """What the frame says.

    Args:
        exit_code: Of the tasks, as a shell gives it.
        outputs: What they wrote to `$BRIGNB_OUTPUT`.
    """

    exit_code: int
    outputs: Outputs


class Frame:
    """Takes the frame out of a log; fed in order, once.

    Args:
        nonce: As the wrapper has it; None: there is no wrapper, so there is nothing to take out.
    """

    def __init__(self, nonce: str | None) -> None:
        self._begin = f"{nonce} outputs\n".encode() if nonce else None
        self._end = f"\n{nonce} exit ".encode()
        self._held = b""
        self._inside = bytearray()
        self.word: Word | None = None

    @property
    def begun(self) -> bool:
        """Whether the tasks have ended, as far as the log says."""
        return bool(self._inside) or self.word is not None

    def feed(self, data: bytes) -> bytes:
        """Content, cut anywhere; answers what of it is the job's own. A possible beginning of the frame is held until more comes."""
        if self._begin is None:
            return data
        if self._inside:
            self._gather(data)
            return b""
        if self.word:
            return b""
        data = self._held + data
        at = data.find(self._begin)
        if at >= 0:
            self._held = b""
            self._inside += b"\n"
            self._gather(data[at + len(self._begin) :])
            return data[:at]
        keep = _overlap(data, self._begin)
        self._held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def rest(self) -> bytes:
        """What was held and is no frame after all: the log has ended."""
        held, self._held = self._held, b""
        return held

    def _gather(self, data: bytes) -> None:
        self._inside += data
        at = self._inside.rfind(self._end)
        if at >= 0 and (line := bytes(self._inside[at + len(self._end) :])).endswith(b"\n"):
            text = bytes(self._inside[1:at]).decode("utf-8", "replace")
            self.word = Word(_code(line), _cut(text))
            self._inside.clear()
        elif len(self._inside) > 2 * _KEPT:
            del self._inside[_KEPT:-_KEPT]  # the end is what matters


def _overlap(data: bytes, mark: bytes) -> int:
    """How many bytes at the end of `data` may be the beginning of `mark`."""
    for size in range(min(len(data), len(mark) - 1), 0, -1):
        if data.endswith(mark[:size]):
            return size
    return 0


def _code(line: bytes) -> int:
    digits = line.split()[0] if line.split() else b""
    return int(digits) if digits.isdigit() else 255


def _cut(text: str) -> Outputs:
    read = parse_outputs(text[:OUTPUT_MAX])
    if len(text) <= OUTPUT_MAX:
        return read
    return Outputs(read.values, (*read.problems, f"$BRIGNB_OUTPUT was cut after {OUTPUT_MAX:,} bytes"))
