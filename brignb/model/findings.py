"""What a reader finds in a file: everything that is wrong at once, and what is only odd.

A person who has to mend a file wants one list, not one complaint a try. Nothing here is ever given a value, only keys and lines:
values may be secret.
"""

from __future__ import annotations

from brignb.errors import ProjectFileError


class Findings:
    """Errors and warnings of one file, in the order they were found.

    Args:
        name: The file's name as it is shown.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._errors: list[tuple[int, str, str]] = []
        self._warnings: list[str] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line each: file, line, what is odd."""
        return tuple(self._warnings)

    def error(self, line: int, message: str, hint: str = "") -> None:
        """Something that is wrong; 0 is no line."""
        self._errors.append((line, message, hint))

    def warning(self, line: int, message: str) -> None:
        """Something that is odd."""
        self._warnings.append(f"{self._where(line)}: {message}")

    def refuse(self) -> None:
        """Go on if nothing is wrong.

        Raises:
            ProjectFileError: With everything that is wrong.
        """
        if not self._errors:
            return
        if len(self._errors) == 1:
            line, message, hint = self._errors[0]
            raise ProjectFileError(message, where=self._where(line), hint=hint)
        lines = [
            f"\n  {self._where(line)}: {message}" + (f" ({hint})" if hint else "")
            for line, message, hint in self._errors
        ]
        raise ProjectFileError(f"{len(lines)} things are wrong{''.join(lines)}", where=self._name)

    def _where(self, line: int) -> str:
        return f"{self._name}:{line}" if line else self._name
