"""The settings table as rows: the name of each setting in each place, and the text of its limits and values."""

from __future__ import annotations

from typing import Any, get_origin

import attrs

from harvestd.settings.table import GROUPS, OF_THE_API, Settings


class Unfit(ValueError):
    """A value that its row does not accept; the text says what the row accepts."""


@attrs.frozen
class Row:
    """One setting: ``kind`` is str, int, float, bool or tuple (of str); ``api`` if it has no effect on a worker."""

    name: str
    kind: type
    default: Any
    unit: str
    meaning: str
    secret: bool
    least: float | None
    most: float | None
    choices: tuple[str, ...]
    group: str
    api: bool

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return "HARVEST_" + self.name.upper()

    @property
    def option(self) -> str:
        """Its command line option. The option of a switch that is on by default turns it off."""
        return ("--no-" if self.default is True else "--") + self.name.replace("_", "-")


def _rows() -> dict[str, Row]:
    attrs.resolve_types(Settings)
    rows, group = {}, ""
    for field in attrs.fields(Settings):
        group = GROUPS.get(field.name, group)
        kind: Any = get_origin(field.type) or field.type
        rows[field.name] = Row(
            name=field.name,
            kind=kind,
            default=field.default,
            group=group,
            api=field.name in OF_THE_API,
            **field.metadata,
        )
    return rows


#: The rows by name, in the table's order.
ROWS: dict[str, Row] = _rows()


def bounds(row: Row) -> str:
    """The range of a number, in words; empty if it has none."""
    if row.least is not None and row.most is not None:
        return f"from {row.least:.12g} to {row.most:.12g}"
    return (
        f"at least {row.least:.12g}"
        if row.least is not None
        else f"at most {row.most:.12g}"
        if row.most is not None
        else ""
    )


def text(value: object) -> str:
    """A value as it is written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    return ",".join(value) if isinstance(value, tuple) else str(value)
