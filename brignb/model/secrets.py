"""Secret values: text that does not show itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from brignb.errors import SecretMissing


class Secret(str):
    """A secret's value: a `str` in every respect but that its `repr` is `'***'` (contract, "Notebook")."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Secrets(Mapping[str, Secret]):
    """A project's secrets, by name. A missing one is an error that says where they come from.

    Args:
        values: The secrets, in clear text.
        project: The project's name, for the error.
    """

    def __init__(self, values: Mapping[str, str], *, project: str = "") -> None:
        self._values = {name: Secret(value) for name, value in values.items()}
        self._project = project

    def __getitem__(self, name: str) -> Secret:
        try:
            return self._values[name]
        except KeyError:
            raise SecretMissing(
                f"project {self._project or '(none)'} has no secret {name!r}",
                where=f"project.secrets[{name!r}]",
                hint=(
                    f"put it under `secrets:` in the project file, or set BRIGNB_SECRET_{name} in the environment, "
                    "or answer the prompt when one is shown"
                ),
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values))})"
