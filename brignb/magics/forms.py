"""`form`: the declared parameters as fields, and a button that fires an event with them.

Firing binds the values to the parameters' names in this kernel, as a build does, and puts those that are filled from the event's data
into the payload, so that the handlers see the same both ways. In a terminal, and in a saved notebook, it says what there is to fill.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from brignb.errors import BadInput, ParameterError
from brignb.magics.firing import fire, read_payload
from brignb.magics.notebooks import parameters, variables
from brignb.magics.showing import show
from brignb.magics.values import event_of
from brignb.model.declarations import MISSING, Declared
from brignb.model.events import event_type
from brignb.model.shapes import ShapeError
from brignb.script.firing import Firing
from brignb.script.markup import code, escaped, quiet, table
from brignb.script.session import current

EXEC: Final = "exec"
"""The type of what `brignb run` fires when nobody names another."""


class Form:
    """See the module.

    Args:
        kind: The event's type.
        declared: The parameters.
        where: Where their cell is, for people.
        payload: What the values are put into.
    """

    def __init__(self, kind: str, declared: Sequence[Declared], where: str, payload: Any) -> None:
        self.type = kind
        self.declared = tuple(declared)
        self._where = where
        self._payload = payload

    def initial(self) -> dict[str, Any]:
        """What is in the fields at first: the notebook's own values where they fit, else the defaults.

        A value that holds a secret is not shown: what is in a field is saved with the notebook.
        """
        bound = variables()
        return {each.name: _fitting(each, bound.get(each.name, MISSING)) for each in self.declared}

    def fire(self, values: dict[str, Any], kind: str | None = None) -> Firing:
        """Bind the values, and make what runs the handlers.

        Raises:
            ParameterError: One is not of its type.
            BadInput: The type is none.
        """
        taken = {each.name: _checked(each, values[each.name]) for each in self.declared if each.name in values}
        made = event_of(self.declared, taken, self._payload)
        about = {name: text for name, text in made.about.items() if name != "type"}
        firing = fire(made.about.get("type") or kind or self.type, made.data, **about)
        variables().update(taken)
        return firing

    def __repr__(self) -> str:
        head = f"form of {self.type}: {len(self.declared)} parameters, from {self._where}"
        rows = [f"  {name}: {kind} = {value}{source}" for name, kind, value, source in map(self._row, self.declared)]
        return "\n".join([head, *rows, f"set them in a cell, then: %brig fire {self.type}"])

    def _row(self, each: Declared) -> tuple[str, str, str, str]:
        value = self.initial()[each.name]
        shown = "(none)" if value is MISSING else json.dumps(value, ensure_ascii=False)
        return each.name, str(each.type), shown, f"  # from: {each.path}" if each.path else ""

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        rows = [[code(n), code(k), code(v), quiet(s.strip())] for n, k, v, s in map(self._row, self.declared)]
        head = f"<div>form of {code(self.type)}, parameters of {escaped(self._where)}</div>"
        return {"text/plain": repr(self), "text/html": head + table(("parameter", "type", "value", ""), rows)}

    def _ipython_display_(self) -> None:
        show(self._repr_mimebundle_(), self._live)

    def _live(self) -> Any:
        from brignb.magics.formview import live  # noqa: PLC0415 - only a front end with widgets needs them

        return live(self)


def form(
    kind: str | None = None,
    payload: Any = None,
    *,
    notebook: str | os.PathLike[str] | None = None,
) -> Form:
    """A form of the notebook's declared parameters; `%brig form` is this.

    Args:
        kind: The type of the event that its button fires; None: `exec`.
        payload: What the event holds besides: JSON as text, a `Path` to it, or a value.
        notebook: Its file; None: the one that runs here.

    Raises:
        BadInput: It declares no parameters.
        NotFound: Nobody tells which notebook this is.
    """
    where, declared = parameters(notebook)
    if not declared:
        raise BadInput(
            "declares no parameters",
            where=where,
            hint="tag a cell `parameters`, write `name: type = default` in it, and save the notebook",
        )
    text = read_payload(payload) if isinstance(payload, Path) else payload
    return Form(event_type(kind or EXEC, where="form"), declared, where, _decoded(text))


def _decoded(payload: Any) -> Any:
    if not isinstance(payload, str | bytes):
        return payload
    try:
        return json.loads(payload)
    except ValueError as error:
        raise BadInput(
            f"the payload is no JSON: {error}", where="form", hint="values are put into JSON only"
        ) from error


def _fitting(declared: Declared, value: Any) -> Any:
    if value is MISSING:
        return declared.default
    try:
        fits = declared.type.check(value)
        return fits if current().redactor.tree(fits) == fits else declared.default
    except ShapeError:
        return declared.default


def _checked(declared: Declared, value: Any) -> Any:
    try:
        return declared.type.check(value)
    except ShapeError as error:
        raise ParameterError(f"{declared.name} {error}", where="form", hint=f"its type is {declared.type}") from error
