"""Importing a file of products: all of it is checked first, in steps of some hundred rows, and only then written, in such steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any

import attrs
from babel.numbers import get_currency_precision

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.catalogue import import_rows as store
from harvestd.market.catalogue import many_actions, table_rules
from harvestd.market.catalogue.actions import Farm
from harvestd.market.catalogue.many_actions import Outcome, Writing
from harvestd.market.catalogue.many_rules import Row, placed
from harvestd.market.catalogue.row_reading import row_of
from harvestd.market.catalogue.table_cells import Reading
from harvestd.market.catalogue.table_columns import column_of, value_of
from harvestd.market.catalogue.table_rules import MAX_ROW, PIECE, Record, Table
from harvestd.market.long_work import actions as long_work
from harvestd.market.long_work.kinds import Operation, Step
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import bodies
from harvestd.web.context import Caller
from harvestd.web.problems import Refusal
from harvestd.web.translated import languages_of

KIND = "products.import"
#: Rows of a step, bytes of several (a row may have fifty pack sizes), and errors after which no more rows are looked at.
AT_ONCE, BYTES_AT_ONCE, MAX_ERRORS = 250, 64 * 1024, 200
_NAMELESS = "is missing; give id, external_id or sku, so that the same file again changes the same product"
_COUNTED = ("created", "updated", "unchanged")


async def begin(
    unit: UnitOfWork, caller: Caller, farm: Farm, file: IO[bytes], table: Table, *, dry_run: bool, may_restock: bool
) -> Operation:
    """Keep a file, and begin to import it; with ``dry_run`` it is only checked."""
    given = {
        "farm_id": farm.id,
        "farm_slug": farm.slug,
        "table": attrs.asdict(table),
        "dry_run": dry_run,
        "may_restock": may_restock,
    }
    operation, _ = await long_work.begin(unit, caller, KIND, given, total=table.filled)
    file.seek(0)
    position = 0
    while content := file.read(PIECE):
        await store.add(unit.tx, operation.id, position, content)
        position += 1
    return operation


async def step(unit: UnitOfWork, operation: Operation) -> Step:
    """Check or write some rows. Raises :class:`Invalid` once all are checked and some are wrong, or at one that cannot be written any more."""
    given, state = operation.given, operation.state
    table = Table(**{**given["table"], "columns": tuple(given["table"]["columns"])})
    writing, at, first = bool(state.get("writing")), state.get("at", table.begin), state.get("row", 0)
    window = await store.window(unit.tx, operation.id, at, PIECE, 2 * MAX_ROW)
    found = list(_at_once(table_rules.records(table, window, len(window) < 2 * MAX_ROW, first)))
    rows = await _rows(unit, table, found, first)
    if not writing:
        rows = await _named_once(unit, operation, rows)
    how = Writing(farm=Farm(given["farm_id"], given["farm_slug"]), may_restock=given["may_restock"], dry=not writing)
    outcomes = await many_actions.write(unit, how, rows)
    errors = [error for outcome in outcomes for error in _of_the_file(table, outcome)]
    if writing and errors:
        raise Invalid("a product was changed meanwhile", tuple(errors))
    counts = {name: state.get(name, 0) + sum(one.status == name for one in outcomes) for name in _COUNTED}
    told = [*state.get("errors", ()), *map(_kept, errors)][:MAX_ERRORS]
    after = {
        "at": at + (found[-1].end if found else 0),
        "row": first + len(found),
        "filled": state.get("filled", 0) + sum(one.filled for one in found),
        "writing": writing,
        "errors": told,
        **counts,
    }
    return await _following(unit, operation, table, after)


def _at_once(records: Iterable[Record]) -> Iterator[Record]:
    """The records of a step: the reactor is held for as long as their rows are looked at."""
    for n, record in enumerate(islice(records, AT_ONCE)):
        if n and record.end > BYTES_AT_ONCE:
            return
        yield record


async def _following(unit: UnitOfWork, operation: Operation, table: Table, after: dict[str, Any]) -> Step:
    """The step's outcome: the next one goes on, begins to write, or there is none. A row is half done once it is checked, if it is to be written."""
    writing, dry_run = after["writing"], operation.given["dry_run"]
    done = after["filled"] if dry_run else (after["filled"] + (table.filled if writing else 0)) // 2
    if after["row"] < table.rows and len(after["errors"]) < MAX_ERRORS:
        return Step(done, operation.total, after)
    if after["errors"]:
        raise Invalid(
            "some rows cannot be accepted, so none was written", tuple(FieldError(**e) for e in after["errors"])
        )
    if not writing and not dry_run:
        return Step(done, operation.total, {"writing": True})
    await store.drop(unit.tx, operation.id)
    counts = {name: after[name] for name in _COUNTED}
    return Step(
        operation.total or done, operation.total, None, {"rows": sum(counts.values()), **counts, "dry_run": dry_run}
    )


async def _rows(unit: UnitOfWork, table: Table, found: Sequence[Record], first: int) -> list[Row]:
    """The rows of the records; empty ones are none."""
    currency = unit.parts.settings.market_currency
    known = await store.categories(unit.tx) if "category" in table.columns else {}
    reading = Reading(places=get_currency_precision(currency), delimiter=table.delimiter, categories=known)
    read = _line if table.kind == "jsonl" else _cells
    rows: list[Row] = []
    for index, record in enumerate(found, first):
        if not record.filled:
            continue
        value, wrong = read(table, record, reading)
        row = row_of(currency, index, value, by_sku=True, languages=languages_of(unit.parts.settings))
        named = row.id or row.external_id or row.sku
        if not named and not row.wrong and not wrong:
            wrong = [FieldError("external_id", _NAMELESS, code="required", params={"reason": "name"})]
        known_wrong = {error.field for error in wrong}
        rows.append(
            attrs.evolve(
                row, wrong=(*wrong, *(e for e in row.wrong if column_of(e.field, table.columns) not in known_wrong))
            )
        )
    return rows


def _cells(table: Table, record: Record, reading: Reading) -> tuple[Any, list[FieldError]]:
    if any(cell.strip() for cell in record.cells[len(table.columns) :]):
        fault = FieldError(
            "", "has more values than the first line has names", code="wrong-form", params={"reason": "cells"}
        )
        return {}, [fault]
    return value_of(table.columns, record.cells, reading)


def _line(table: Table, record: Record, reading: Reading) -> tuple[Any, list[FieldError]]:
    try:
        return bodies.decode(record.cells[0].encode()), []
    except Invalid as refused:
        return {}, list(refused.errors)
    except Refusal:
        return {}, [FieldError("", "is not a line of JSON", code="wrong-form", params={"reason": "line"})]


async def _named_once(unit: UnitOfWork, operation: Operation, rows: Sequence[Row]) -> list[Row]:
    """The rows, with an error for each whose product an earlier one of the file has named."""
    names = [(name, row.index) for row in rows for name in _names(row)]
    twice = await store.named_before(unit.tx, operation.id, names) if names else set()
    return [attrs.evolve(row, wrong=(*row.wrong, _twice(row))) if row.index in twice else row for row in rows]


def _twice(row: Row) -> FieldError:
    field = "id" if row.id else "sku" if row.sku else "external_id"
    message = "is the product of an earlier row, too; give each product one row"
    return FieldError(field, message, code="given-twice", params={"reason": "row"})


def _names(row: Row) -> set[str]:
    own = row.given.get("external_id", row.external_id)
    named = {f"id {row.id}"} if row.id else set()
    named |= {f"sku {row.sku}"} if row.sku else set()
    return named | ({f"external_id {own}"} if own else set())


def _of_the_file(table: Table, outcome: Outcome) -> list[FieldError]:
    """The errors of a row, about its columns."""
    if table.kind != "csv":
        return list(outcome.errors)
    before = f"rows[{outcome.index}]"
    fields = [(error, error.field.removeprefix(before).removeprefix(".")) for error in outcome.errors]
    return placed(
        (attrs.evolve(error, field=column_of(field, table.columns) if field else "") for error, field in fields),
        outcome.index,
    )


def _kept(error: FieldError) -> Mapping[str, Any]:
    return {"field": error.field, "code": error.code, "message": error.message, "params": dict(error.params)}
