"""One field of the form for each declared parameter: its type chooses the widget, and checks what was entered.

    Declared(type, default) ──▶ field_for ──▶ Field(widget, read)

What has no widget of its own (lists, objects, unions) is a text that is parsed as `-p NAME=VALUE` is.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePath
from typing import Any, Final

import ipywidgets as widgets

from brignb.model.declarations import MISSING, Declared
from brignb.model.shapes import DATE, FILE, Shape

EXACT: Final = 2**53
"""Whole numbers beyond it are no numbers to a browser."""
_NAME: Final = {"description_width": "12em"}
_WIDE: Final = {"width": "36em"}


Parts = tuple[widgets.Widget, Callable[[], Any]]
"""A widget, and what is in it."""


@dataclass(frozen=True, slots=True)
class Field:
    """A widget, and how its value is read.

    Args:
        declared: The parameter.
        widget: What is shown.
        read: What is in it; raises a `ShapeError` when it is nothing that the parameter takes.
    """

    declared: Declared
    widget: widgets.Widget
    read: Callable[[], Any]


def field_for(declared: Declared, value: Any) -> Field:
    """A field.

    Args:
        declared: The parameter.
        value: What is in it at first; `MISSING`: nothing.
    """
    shape, optional = _without_none(declared.type)
    if optional:
        return _optional(declared, shape, value)
    widget, read = _plain(declared, shape, value)
    return Field(declared, widget, lambda: declared.type.check(read()))


def _plain(declared: Declared, shape: Shape, value: Any) -> Parts:
    """The widget of a type that is not optional."""
    about = {"description": declared.name, "style": _NAME, "layout": widgets.Layout(**_WIDE)}
    if shape.kind == "int" and isinstance(value, int) and abs(value) >= EXACT:
        return _text(shape, value, about)
    make = _FORMED.get(shape.form) or _KINDS.get(shape.kind) or _text
    return make(shape, None if value is MISSING else value, about)


def _flag(_shape: Shape, value: Any, about: dict[str, Any]) -> Parts:
    box = widgets.Checkbox(value=value is True, **about)
    return box, lambda: box.value


def _choice(shape: Shape, value: Any, about: dict[str, Any]) -> Parts:
    choice = widgets.Dropdown(options=[(str(each), each) for each in shape.values], **about)
    if value is not None:
        choice.value = value
    return choice, lambda: choice.value


def _whole(_shape: Shape, value: Any, about: dict[str, Any]) -> Parts:
    box = widgets.IntText(value=value or 0, **about)
    return box, lambda: box.value


def _number(_shape: Shape, value: Any, about: dict[str, Any]) -> Parts:
    box = widgets.FloatText(value=value or 0.0, **about)
    return box, lambda: float(box.value)


def _day(_shape: Shape, value: Any, about: dict[str, Any]) -> Parts:
    day = widgets.DatePicker(value=date.fromisoformat(value) if value else None, **about)
    return day, lambda: "" if day.value is None else day.value.isoformat()


def _text(shape: Shape, value: Any, about: dict[str, Any]) -> Parts:
    """A text as it is; of another kind, one that is parsed as `-p NAME=VALUE` is."""
    plain = shape.kind == "str" or (shape.kind == "union" and isinstance(value, str))
    written = "" if value is None else value if plain else json.dumps(value, ensure_ascii=False)
    kind = widgets.Textarea if "\n" in written else widgets.Text
    box = kind(value=written, placeholder="" if plain else str(shape), continuous_update=False, **about)
    return box, lambda: shape.parse(box.value)


def _optional(declared: Declared, shape: Shape, value: Any) -> Field:
    """A field that can be nothing: a box to tick, and the field of what it is otherwise."""
    inner, read = _plain(declared, shape, value)
    ticked = widgets.Checkbox(
        value=value not in (MISSING, None), description="set", indent=False, layout=widgets.Layout(width="5em")
    )

    def follow(_change: Any = None) -> None:
        for each in getattr(inner, "children", (inner,)):
            each.disabled = not ticked.value

    ticked.observe(follow, "value")
    follow()
    return Field(
        declared,
        widgets.HBox([inner, ticked]),
        lambda: declared.type.check(read()) if ticked.value else None,
    )


def _file(_shape: Shape, value: Any, about: dict[str, Any]) -> Parts:
    """The path of a file that is there, or of one that is uploaded, which is kept until this kernel ends."""
    named = widgets.Text(value=value or "", placeholder="path, or upload →", continuous_update=False, **about)
    upload = widgets.FileUpload(description="Upload", multiple=False, layout=widgets.Layout(width="8em"))

    def keep(_change: Any) -> None:
        if upload.value:
            sent = upload.value[0]
            target = _folder() / (PurePath(sent["name"].replace("\\", "/")).name or "file")
            target.write_bytes(sent["content"])
            named.value = str(target)

    upload.observe(keep, "value")
    return widgets.HBox([named, upload]), lambda: named.value


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="brignb-form-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _without_none(shape: Shape) -> tuple[Shape, bool]:
    """A shape without its `None`, and whether it had one."""
    if shape.kind != "union":
        return shape, False
    others = tuple(each for each in shape.inner if each.kind != "none")
    if len(others) == len(shape.inner):
        return shape, False
    return others[0] if len(others) == 1 else Shape("union", others), True


_KINDS: Final = {"bool": _flag, "literal": _choice, "int": _whole, "float": _number}
_FORMED: Final = {DATE: _day, FILE: _file}
