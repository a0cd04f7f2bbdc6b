"""The files of the directory, CSV and JSON, row by row. Pure: bytes in, values out."""

from __future__ import annotations

import csv
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Iterator
from io import StringIO

from harvestd.kernel.names import one_line
from harvestd.loading.usda import portal, spreadsheet
from harvestd.loading.usda.goods import GOODS
from harvestd.loading.usda.markets import FORMER, JSON, LISTINGS, BadRow, Market, of_row

__all__ = ["BadRow", "Market", "NotTheDirectory", "read"]

#: A file without these columns is not the directory.
NEEDED = ("FMID", "MarketName", "city", "State", "x", "y", *(good.column for good in GOODS))
#: The byte order marks of UTF-16.
UTF_16 = (BOM_UTF16_LE, BOM_UTF16_BE)
#: The maximum number of lines of a row; a longer one has an unclosed quote.
MAX_LINES = 50


class NotTheDirectory(Exception):
    """The file has no header, or a different one; the text says what is missing."""


def read(content: bytes) -> Iterator[Market | BadRow]:
    """Each row of a file as a :class:`Market` or a :class:`BadRow`; raises :class:`NotTheDirectory`. A workbook, or CSV or JSON, in UTF-8, with or without
    a byte order mark, and any line ends; bytes that are not UTF-8 make their row bad.

    A row begins at ``line`` and may have line breaks in quotes. A row with an unclosed quote does not take others with it: it
    alone is bad, and reading continues with the next line.
    """
    if content.startswith(spreadsheet.BEGINS):
        yield from _sheet(content)
        return
    if content.removeprefix(BOM_UTF8).lstrip()[:1] in (b"[", b"{"):
        yield from _listings(content.removeprefix(BOM_UTF8))
        return
    if content.startswith(UTF_16) or b"\0" in content[:100]:
        raise NotTheDirectory("it is UTF-16, as spreadsheets save it under Unicode; save it as CSV in UTF-8")
    lines = list(StringIO(content.decode("utf-8-sig", errors="replace"), newline=""))
    at, header = _row(lines, 0)
    _check_header(header)
    assert header is not None
    seen: dict[str, int] = {}
    while at < len(lines):
        begins = at
        at, cells = _row(lines, begins)
        if cells is None or (at - begins > 1 and len(cells) != len(header)):
            at = begins + 1
            yield BadRow(begins + 1, _why_not_csv(lines[begins : begins + MAX_LINES]))
        elif cells:
            yield _market(header, cells, begins + 1, seen)


def _check_header(header: list[str] | None) -> None:
    """Raise :class:`NotTheDirectory` if a required column is missing, or occurs twice and so is ambiguous."""
    if header is None:
        raise NotTheDirectory("it is not CSV: its first line cannot be read")
    needed = portal.NEEDED if portal.NEEDED[0] in header else NEEDED
    if missing := [name for name in needed if name not in header]:
        raise NotTheDirectory(
            f"the first line has no column {', '.join(missing)}; this reads the USDA's farmers market directory"
        )
    if twice := [name for name, count in Counter(header).items() if count > 1 and name.strip()]:
        raise NotTheDirectory(f"the first line has more than one column {', '.join(twice)}; leave one of each")


def _row(lines: list[str], at: int) -> tuple[int, list[str] | None]:
    """The row that begins at a line (counted from 0), and the line of the next one; None if it is not CSV."""
    rows = csv.reader(lines[at : at + MAX_LINES], strict=True)
    try:
        return at + 1 if (cells := next(rows, None)) is None else at + rows.line_num, cells or []
    except csv.Error:
        return at + 1, None


def _why_not_csv(lines: list[str]) -> str:
    """Why the row that begins with the first of these lines is not CSV."""
    try:
        next(csv.reader(lines, strict=True))
    except csv.Error as error:
        if "field limit" in str(error):
            return f"it has a field of more than {csv.field_size_limit():,} characters"
    line = lines[0]
    if line.count('"') % 2:
        return "not CSV: a quote is opened in it and not closed, or the other way round"
    return "not CSV: its quotes are not where they can be"


def _market(header: list[str], row: list[str], line: int, seen: dict[str, int]) -> Market | BadRow:
    if len(row) != len(header):
        return BadRow(line, f"it has {'more' if len(row) > len(header) else 'fewer'} fields than the header")
    cells = {name: one_line(value) for name, value in zip(header, row, strict=True)}
    if portal.NEEDED[0] in cells:
        return of_row(portal.as_row(cells), line, seen, LISTINGS)
    return of_row(cells, line, seen, FORMER)


def _sheet(content: bytes) -> Iterator[Market | BadRow]:
    """Those of a workbook."""
    try:
        rows = spreadsheet.rows(content)
        _, header = next(rows, (1, []))
        _check_header(header)
        seen: dict[str, int] = {}
        for number, row in rows:
            cells = [*row, *[""] * (len(header) - len(row))]
            yield _market(header, cells, number, seen)
    except spreadsheet.NoWorkbook as error:
        raise NotTheDirectory(str(error)) from None


def _listings(content: bytes) -> Iterator[Market | BadRow]:
    """Those of a file of JSON."""
    try:
        found = portal.records(content)
    except portal.NotListings as error:
        raise NotTheDirectory(str(error)) from None
    seen: dict[str, int] = {}
    for line, record in enumerate(found, 1):
        cells = {name: one_line(value) for name, value in record.items()}
        yield of_row(portal.as_row(cells), line, seen, JSON)
