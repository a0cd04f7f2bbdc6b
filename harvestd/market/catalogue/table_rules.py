"""Files of products as they are read: CSV as spreadsheets write it (RFC 4180 and what they make of it), and JSON Lines. Pure, and in parts: a
reader goes on at the byte where the last one ended.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from typing import IO

import attrs

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.catalogue import table_names

#: Rows of a file, and bytes of the longest one.
MAX_ROWS, MAX_ROW = 100_000, 262_144
PIECE = 262_144
_BOM = codecs.BOM_UTF8
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATOR = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')


@attrs.frozen(kw_only=True)
class Table:
    """How a file is read: its ``kind`` (``csv``, ``jsonl``), encoding and delimiter, the names of its columns, the byte at which its rows
    ``begin``, and their number: of all, which is that of the last, and of those that are ``filled``."""

    kind: str
    encoding: str = "utf-8"
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    begin: int = 0
    rows: int = 0
    filled: int = 0


@attrs.frozen
class Record:
    """A row of the file: its cells, or its line of JSON; and the byte after it."""

    cells: tuple[str, ...]
    end: int

    @property
    def filled(self) -> bool:
        """Whether anything is in it: empty lines are none."""
        return any(cell.strip() for cell in self.cells)


class _Cut(Exception):
    """The bytes at hand end within a row."""


def examined(file: IO[bytes], languages: Sequence[str] = ()) -> Table:
    """How the file is read; its columns may be texts in the market's ``languages`` but the first. Raises :class:`Invalid` for what is no text, no table,
    or too long. Blocks, and takes constant memory."""
    file.seek(0)
    head = file.read(PIECE)
    if head.startswith(_UTF16) or b"\x00" in head:
        raise Invalid.of("file", "is UTF-16, or no text; save it as CSV UTF-8", "not-accepted", reason="utf-16")
    begin = len(_BOM) if head.startswith(_BOM) else 0
    begin = len(head) - len(head[begin:].lstrip(b"\r\n"))  # lines with nothing in them before the first
    encoding = _encoding(file)
    if head[begin:].lstrip()[:1] == b"{":
        return _counted(file, Table(kind="jsonl", begin=begin))
    if b"\n" not in head and b"\r" in head:
        raise Invalid.of(
            "file", "has line ends of old Macintoshes; save it as CSV UTF-8", "not-accepted", reason="line-ends"
        )
    told = _SEPARATOR.match(head[begin:].decode(encoding, "replace"))
    if told is not None:
        begin += len(told[0])
    line = head[begin:].partition(b"\n")[0].decode(encoding, "replace")
    table = Table(kind="csv", encoding=encoding, delimiter=told[1] if told else _delimiter(line), begin=begin)
    header = next(records(table, head[begin:], len(head) < PIECE), None)
    if header is None:
        raise Invalid.of("file", "has no rows; its first line names the columns", "required", reason="columns")
    names = tuple(cell.strip().lower().replace(" ", "_") for cell in header.cells)
    if wrong := table_names.faults(names, languages):
        raise Invalid("the first line of the file must name the columns of products", tuple(wrong))
    return _counted(file, attrs.evolve(table, columns=names, begin=begin + header.end))


def _encoding(file: IO[bytes]) -> str:
    for encoding in ("utf-8", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        file.seek(0)
        try:
            while piece := file.read(PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
            return encoding
        except UnicodeDecodeError:
            continue
    raise Invalid.of(
        "file", "is neither UTF-8 nor Windows-1252 text; save it as CSV UTF-8", "not-accepted", reason="encoding"
    )


def _delimiter(line: str) -> str:
    bare = _QUOTED.sub("", line)
    return max(",;\t", key=bare.count)


def _counted(file: IO[bytes], table: Table) -> Table:
    """The table with its number of rows."""
    at, rows, filled = table.begin, 0, 0
    while True:
        file.seek(at)
        window = file.read(2 * MAX_ROW)
        last = len(window) < 2 * MAX_ROW
        end = 0
        _check(rows + _at_least(table, window))
        for record in records(table, window, last, rows):
            end, rows, filled = record.end, rows + 1, filled + record.filled
            _check(rows)
        at += end
        if last:
            return attrs.evolve(table, rows=rows, filled=filled)
        if not end:
            raise Invalid.of("file", f"has a row of more than {MAX_ROW} bytes", "too-long", maximum=str(MAX_ROW))


def _at_least(table: Table, window: bytes) -> int:
    """How many rows begin in a window, at least, without reading them: a line is one, unless it may be within quotation marks."""
    return window.count(b"\n") if table.kind == "jsonl" or b'"' not in window else 0


def _check(rows: int) -> None:
    if rows > MAX_ROWS:
        message = f"has more than {MAX_ROWS} rows, empty ones included; split it"
        raise Invalid.of("file", message, "too-long", maximum=str(MAX_ROWS), reason="rows")


def records(table: Table, window: bytes, last: bool, first: int = 0) -> Iterator[Record]:
    """The rows that are whole in ``window``, which ends the file if it is the ``last``; ``first`` is the number of the first. Raises :class:`Invalid`
    for a row that breaks the format."""
    lines = _Lines(window, last, table.encoding)
    source = (
        csv.reader(lines, delimiter=table.delimiter, strict=True) if table.kind == "csv" else ([one] for one in lines)
    )
    number = first
    while True:
        try:
            cells = next(source)
        except (_Cut, StopIteration):
            return
        except csv.Error as error:
            if not last and lines.cut:
                return
            message = "breaks the format of CSV; look for a quotation mark that is not doubled"
            raise Invalid(
                "the file cannot be read",
                (FieldError(f"rows[{number}]", message, code="wrong-form", params={"reason": "csv"}),),
            ) from error
        yield Record(tuple(cell.replace("\r\n", "\n") for cell in cells), lines.at)
        number += 1


class _Lines:
    """The lines of some bytes, decoded; ``at`` is the byte after the last one."""

    def __init__(self, window: bytes, last: bool, encoding: str) -> None:
        self._window, self._last, self._encoding = window, last, encoding
        self.at = 0
        self.cut = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at >= len(self._window):
            self.cut = True
            raise StopIteration if self._last else _Cut
        end = self._window.find(b"\n", self.at) + 1
        if not end:
            if not self._last:
                self.cut = True
                raise _Cut
            end = len(self._window)
        line, self.at = self._window[self.at : end].decode(self._encoding), end
        return line
