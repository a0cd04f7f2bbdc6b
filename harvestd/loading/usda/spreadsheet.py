"""The first sheet of a workbook (Office Open XML, ISO/IEC 29500): its cells as texts, which is all that the directory needs."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

#: How such a file begins, or one with nothing in it.
BEGINS = (b"PK\x03\x04", b"PK\x05\x06")
#: Bytes of a workbook, once it is unpacked: the whole directory has some 40 MB.
MAX = 256 * 1024 * 1024


class NoWorkbook(Exception):
    """It cannot be read; the text says why."""


def rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows that have anything, each with its number; raises :class:`NoWorkbook`."""
    from openpyxl import load_workbook  # it takes a tenth of a second, and most imports have no workbook

    try:
        unpacked = sum(part.file_size for part in zipfile.ZipFile(BytesIO(content)).infolist())
        if unpacked > MAX:
            raise NoWorkbook(f"it has {unpacked:,} bytes once it is unpacked, and {MAX:,} are the most")
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs state others than there are
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            cells = [_text(value) for value in row]
            if any(cells):
                yield number, cells
    except NoWorkbook:
        raise
    except Exception as error:  # a broken one comes to whatever its reader meets
        raise NoWorkbook(f"it is no workbook that can be read: {error}") from None


def _text(value: Any) -> str:
    from openpyxl.utils.escape import unescape

    return "" if value is None else unescape(value) if isinstance(value, str) else str(value)
