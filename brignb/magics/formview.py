"""The form, live: ipywidgets' fields, a button that fires, one that stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from brignb.errors import ParameterError
from brignb.magics.completing import known_types
from brignb.magics.fields import Field, field_for
from brignb.magics.stage import Stage
from brignb.model.shapes import ShapeError
from brignb.script.firing import Firing
from brignb.script.markup import escaped, quiet

if TYPE_CHECKING:
    from brignb.magics.forms import Form


def live(form: Form) -> widgets.Widget:
    """The form's widget, made anew for each display."""
    initial = form.initial()
    fields = [field_for(each, initial[each.name]) for each in form.declared]
    kind = widgets.Combobox(
        value=form.type,
        options=known_types(),
        description="event",
        ensure_option=False,
        style={"description_width": "12em"},
        layout=widgets.Layout(width="36em"),
    )
    fires = widgets.Button(description="Fire", button_style="primary", icon="play", tooltip="run the handlers here")
    stops = widgets.Button(description="Stop", icon="stop", disabled=True, tooltip="cancel what runs")
    status = widgets.HTML()

    def busy(runs: bool) -> None:  # noqa: FBT001 - a callback of one fact
        fires.disabled, stops.disabled = runs, not runs

    def say(text: str) -> None:
        status.value = f'<pre style="margin:0;white-space:pre-wrap;line-height:1.4">{escaped(text)}</pre>'

    def made() -> Firing:
        return form.fire(_read(fields), kind.value)

    stage = Stage(busy, say)
    fires.on_click(lambda _button: stage.perform(made))
    stops.on_click(lambda _button: stage.stop())
    rows = [widgets.HBox([field.widget, widgets.HTML(_about(field))]) for field in fields]
    buttons = widgets.HBox([fires, stops], layout=widgets.Layout(margin="0 0 0 12.4em"))
    return widgets.VBox([kind, *rows, buttons, status])


def _read(fields: list[Field]) -> dict[str, Any]:
    """What was entered.

    Raises:
        ParameterError: A field holds what its parameter does not take.
    """
    values = {}
    for field in fields:
        try:
            values[field.declared.name] = field.read()
        except ShapeError as error:
            hint = f"its type is {field.declared.type}"
            raise ParameterError(f"{field.declared.name}: {error}", where="form", hint=hint) from error
    return values


def _about(field: Field) -> str:
    path = f", from {field.declared.path}" if field.declared.path else ""
    return quiet(f"{field.declared.type}{path}")
