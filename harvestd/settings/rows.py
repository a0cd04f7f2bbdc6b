"""The settings table as rows: what each is called in each place, and how its limits and values are written."""

from __future__ import annotations

from typing import Any, get_origin

import attrs

from harvestd.settings.table import GROUPS, OF_THE_API, Settings


class Unfit(ValueError):
    """A value that its row does not take; the text says what the row takes."""


@attrs.frozen
class Row:
    """One setting: ``kind`` is str, int, float, bool or tuple (of str); ``api`` if a worker does nothing by it."""

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
        """Its name in the environment."""
        return "HARVEST_" + self.name.upper()

    @property
    def option(self) -> str:
        """Its name on the command line. A switch that is on by default has an option that turns it off."""
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


#: The table by name, in its order.
ROWS: dict[str, Row] = _rows()


def bounds(row: Row) -> str:
    """The range of a number, in words; empty if there is none."""
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
    """A value as one would write it in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    return ",".join(value) if isinstance(value, tuple) else str(value)
