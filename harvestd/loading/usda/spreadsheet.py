"""The first sheet of a workbook (Office Open XML, ISO/IEC 29500): its cells as texts, which is all that the directory needs. Pure."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from xml.etree import ElementTree

#: How such a file begins, or one with nothing in it.
BEGINS = (b"PK\x03\x04", b"PK\x05\x06")
#: Bytes of a part of the workbook, once it is unpacked: the whole directory has some 40 MB.
MAX = 256 * 1024 * 1024
_SHEET = re.compile(r"xl/worksheets/sheet(\d+)\.xml")
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]+")
#: A character that XML cannot have, as a cell has it.
_HIDDEN = re.compile(r"_x([0-9A-Fa-f]{4})_")
#: What a broken one comes to; an encrypted one is a RuntimeError.
_BROKEN = (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, LookupError, ValueError, EOFError, RuntimeError)
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class NoWorkbook(Exception):
    """It cannot be read; the text says why."""


def rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows that have anything, each with its number; raises :class:`NoWorkbook`."""
    try:
        book = zipfile.ZipFile(BytesIO(content))
        texts = list(_texts(book))
        for number, row in enumerate(_elements(book, _first(book), "row"), 1):
            cells = _cells(row, texts)
            if any(cells):
                yield int(row.get("r", number)), cells
    except _BROKEN as error:
        raise NoWorkbook(f"it is no workbook that can be read: {error}") from None


def _first(book: zipfile.ZipFile) -> str:
    sheets = {int(found[1]): name for name in book.namelist() if (found := _SHEET.fullmatch(name))}
    if not sheets:
        raise NoWorkbook("it is a packed file without a sheet")
    return sheets[min(sheets)]


def _texts(book: zipfile.ZipFile) -> Iterator[str]:
    """The texts that cells refer to by their number."""
    if "xl/sharedStrings.xml" in book.namelist():
        yield from (_text(one) for one in _elements(book, "xl/sharedStrings.xml", "si"))


def _elements(book: zipfile.ZipFile, name: str, tag: str) -> Iterator[ElementTree.Element]:
    """The elements of a name, one at a time."""
    if book.getinfo(name).file_size > MAX:
        raise NoWorkbook(f"{name} has more than {MAX:,} bytes")
    with book.open(name) as file:
        for _, element in ElementTree.iterparse(file):
            if element.tag == _MAIN + tag:
                yield element
                element.clear()


def _cells(row: ElementTree.Element, texts: list[str]) -> list[str]:
    cells: dict[int, str] = {}
    for cell in row.findall(f"{_MAIN}c"):
        place = _COLUMN.fullmatch(cell.get("r", ""))
        at = len(cells) if place is None else _number(place[1])
        kind, value = cell.get("t"), cell.findtext(f"{_MAIN}v", "")
        cells[at] = texts[int(value)] if kind == "s" else _text(cell) if kind == "inlineStr" else value
    return [cells.get(at, "") for at in range(max(cells, default=-1) + 1)]


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _text(element: ElementTree.Element) -> str:
    whole = "".join(one.text or "" for one in element.iter(f"{_MAIN}t"))
    return _HIDDEN.sub(
        lambda found: found[0] if "D8" <= found[1][:2].upper() <= "DF" else chr(int(found[1], 16)), whole
    )
