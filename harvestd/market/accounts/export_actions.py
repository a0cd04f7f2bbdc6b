"""Everything held on a person: in one answer, or as a file that a worker writes."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from harvestd.kernel.events import Event
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.export_rows import SECTIONS, Section
from harvestd.market.long_work import actions as long_work
from harvestd.market.long_work.kinds import Operation, Step
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import Caller

#: The kind of operation.
KIND = "account.export"
#: Rows read at once, and about as many in a step.
PAGE = 500


@attrs.frozen
class Exported:
    """A person asks for everything held on them: a listener adds its sections."""

    user_id: str
    sections: list[Section]


async def sections(unit: UnitOfWork, user_id: str) -> list[Section]:
    """The sections of all subjects."""
    found = Exported(user_id, list(SECTIONS))
    await unit.tell(found)
    return found.sections


async def exported(unit: UnitOfWork, user_id: str) -> dict[str, Any]:
    """Everything held on a person, by what it is about."""
    whole: dict[str, Any] = {}
    for section in await sections(unit, user_id):
        rows: list[Any] = []
        after, more = "", True
        while more:
            page = await section.page(unit.tx, user_id, after, PAGE)
            rows += [row for _, row in page]
            after, more = page[-1][0] if page else after, len(page) >= PAGE
        whole[section.name] = rows[0] if section.single else rows
    return whole


async def begin(unit: UnitOfWork, caller: Caller) -> tuple[Operation, bool]:
    """Have everything held on the caller written to a file; or, if that goes on already, what goes on. Returns it, and whether it is new."""
    await accounts.lock(unit.tx, caller.user_id)
    return await long_work.begin(unit, caller, KIND)


async def step(unit: UnitOfWork, operation: Operation) -> Step:
    """Write some pages more. The file is one JSON object, as :func:`exported` returns."""
    found = await sections(unit, operation.user_id)
    names = [section.name for section in found]
    at, after = names.index(operation.state.get("section", names[0])), operation.state.get("after", "")
    written, read = bytearray(), 0
    while at < len(found) and read < PAGE:
        page = await found[at].page(unit.tx, operation.user_id, after, PAGE)
        read += max(1, len(page))
        last = len(page) < PAGE
        written += _text(found[at], [row for _, row in page], begins=not after, ends=last, first=at == 0)
        at, after = (at + 1, "") if last else (at, page[-1][0])
    if at < len(found):
        await long_work.append(unit, operation, bytes(written))
        return Step(at, len(found), {"section": names[at], "after": after})
    await long_work.append(unit, operation, bytes(written + b"}"))
    data = {"user_id": operation.user_id, "operation_id": operation.id}
    unit.record(Event("account.exported", f"operation:{operation.id}", 1, data))
    return Step(at, len(found))


def _text(section: Section, rows: list[Any], *, begins: bool, ends: bool, first: bool) -> bytes:
    """A page of a section, as it stands in the whole text."""
    texts = b",".join(msgspec.json.encode(row) for row in rows)
    if section.single:
        opening, closing = b"", b""
    else:
        opening, closing = b"[", b"]"
    head = (
        (b"{" if first else b",") + msgspec.json.encode(section.name) + b":" + opening
        if begins
        else b","
        if rows
        else b""
    )
    return head + texts + (closing if ends else b"")
