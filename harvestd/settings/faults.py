"""What is wrong with settings: one fault each, and the error that tells all of them."""

from __future__ import annotations

from collections.abc import Iterable

import attrs


@attrs.frozen
class Problem:
    """One wrong setting: its name, its origin if known, its value in printable form, and the cure."""

    name: str
    origin: str
    value: str
    cure: str

    def __str__(self) -> str:
        what = f"{self.name} = {self.value}" if self.value else self.name
        return f"{what} (from {self.origin}): {self.cure}" if self.origin else f"{what}: {self.cure}"


class SettingError(Exception):
    """One or more settings are wrong. The text names every one of them, its value and the cure."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "a setting is wrong:" if count == 1 else f"{count} settings are wrong:"
        super().__init__("\n".join([head, *[f"  {p}" for p in self.problems]]))

    @property
    def on_the_command_line(self) -> bool:
        """Whether one of the wrong settings is an option: then the same command line can never be valid."""
        return any(problem.origin.startswith("--") for problem in self.problems)
