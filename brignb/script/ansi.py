r"""Terminal colours as HTML: `\x1b[31mred\x1b[0m` becomes a span with an inline style, everything else that a terminal would obey goes.

Enters: one line of a stranger's text. Leaves: escaped HTML of `span`s. What must never happen: a tag or an attribute that the text
brought along; more spans than the line has room for (a line of nothing but colour changes becomes plain text).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from brignb.script.tail import TAIL_LINE, plain

SPANS_MAX: Final = 100
"""Changes of colour in one line; beyond that it is shown without colours."""

_TORN: Final = re.compile(r"\x1b(?:\[[0-9;:]*)?\Z")
"""A sequence that was cut off with the end of a long line."""
_SGR: Final = re.compile(r"\x1b\[([0-9;:]{0,64})m")
_COLOURS: Final = ("#24292f", "#cf222e", "#116329", "#9a6700", "#0550ae", "#8250df", "#1b7c83", "#6e7781")
_BRIGHT: Final = ("#57606a", "#ff5858", "#2da44e", "#bf8700", "#218bff", "#a475f9", "#3192aa", "#8c959f")
"""Readable on white and on black, since nobody knows on which of them the HTML will stand."""


def ansi_html(line: str) -> str:
    """See the module."""
    line = _TORN.sub("", line)
    bare = plain(line)
    if len(bare) > TAIL_LINE:
        return html.escape(bare[:TAIL_LINE]) + "…"
    if line.count("\x1b[") > SPANS_MAX:
        return html.escape(bare)
    return "".join(_span(style, html.escape(plain(text))) for style, text in _runs(line))


def _runs(line: str) -> Iterator[tuple[str, str]]:
    """Pieces of the line, each with its style."""
    look: dict[str, str] = {}
    at = 0
    for found in _SGR.finditer(line):
        yield ";".join(look.values()), line[at : found.start()]
        _apply(look, [int(code) if code else 0 for code in re.split("[;:]", found[1])])
        at = found.end()
    yield ";".join(look.values()), line[at:]


def _span(style: str, text: str) -> str:
    return f'<span style="{style}">{text}</span>' if style and text else text


def _apply(look: dict[str, str], codes: list[int]) -> None:
    """What "select graphic rendition" (ECMA-48, 8.3.117) changes."""
    left = iter(codes)
    for code in left:
        if code == 0:
            look.clear()
        elif code in {38, 48}:
            _extended(look, "color" if code == 38 else "background-color", left)  # noqa: PLR2004 - the standard's number
        elif code in _SIMPLE:
            name, value = _SIMPLE[code]
            look[name] = value
        elif code in _ENDS:
            look.pop(_ENDS[code], None)


def _extended(look: dict[str, str], name: str, left: Iterator[int]) -> None:
    """`5;n`: one of 256; `2;r;g;b`."""
    kind = next(left, None)
    if kind == 5:  # noqa: PLR2004 - the standard's number
        look[name] = f"{name}:{_of_256(next(left, 0) & 255)}"
    elif kind == 2:  # noqa: PLR2004 - the same
        red, green, blue = (next(left, 0) & 255 for _ in range(3))
        look[name] = f"{name}:#{red:02x}{green:02x}{blue:02x}"


def _of_256(number: int) -> str:
    """One of the palette of xterm: 16 named ones, a cube of 6 a side, 24 greys."""
    if number < 16:  # noqa: PLR2004 - see above
        return (_COLOURS + _BRIGHT)[number]
    if number >= 232:  # noqa: PLR2004 - see above
        grey = 8 + (number - 232) * 10
        return f"#{grey:02x}{grey:02x}{grey:02x}"
    number -= 16
    levels = (0, 95, 135, 175, 215, 255)
    return "#" + "".join(f"{levels[part]:02x}" for part in (number // 36, number // 6 % 6, number % 6))


_SIMPLE: Final[dict[int, tuple[str, str]]] = {
    1: ("font-weight", "font-weight:bold"),
    2: ("opacity", "opacity:0.7"),
    3: ("font-style", "font-style:italic"),
    4: ("text-decoration", "text-decoration:underline"),
    9: ("text-decoration", "text-decoration:line-through"),
    **{30 + n: ("color", f"color:{colour}") for n, colour in enumerate(_COLOURS)},
    **{90 + n: ("color", f"color:{colour}") for n, colour in enumerate(_BRIGHT)},
    **{40 + n: ("background-color", f"background-color:{colour}") for n, colour in enumerate(_COLOURS)},
    **{100 + n: ("background-color", f"background-color:{colour}") for n, colour in enumerate(_BRIGHT)},
}
_ENDS: Final = {
    22: "font-weight",
    23: "font-style",
    24: "text-decoration",
    29: "text-decoration",
    39: "color",
    49: "background-color",
}
