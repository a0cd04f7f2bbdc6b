"""multipart/form-data (RFC 7578) read as a stream, with a bound on everything: memory is constant, whatever is sent. Blocks.

What two readers could understand differently is refused: another charset or transfer encoding of a part, parts within parts, a name
that is given twice. The name of a file is the sender's own and used for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO

import attrs
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
)

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.sentences import worded
from harvestd.kernel.told_values import Size
from harvestd.web.problems import Refusal

#: The part that is the file.
FILE = "file"
#: Parts; header lines of a part, and bytes of one; bytes of a part that is no file.
MAX_PARTS, MAX_HEADERS, MAX_HEADER, MAX_FIELD = 16, 8, 2048, 8192
#: Bytes read at a time.
PIECE = 65_536
#: RFC 2046, 5.1.1.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PARAMETER = re.compile(r';\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))\s*(?=;|$)', re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Transfer encodings that change nothing; RFC 7578 has no others.
_AS_IT_IS = frozenset({"", "7bit", "8bit", "binary"})
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})


@attrs.define
class Form:
    """The parts: texts by name, and the file, which the caller closes."""

    fields: dict[str, str] = attrs.field(factory=dict)
    file: IO[bytes] | None = None
    size: int = 0

    def close(self) -> None:
        """Remove the file; idempotent."""
        if self.file is not None:
            self.file.close()


def boundary_of(content_type: str) -> str:
    """The boundary that a ``Content-Type`` names. Raises a 400 if it names none, several, or one that is not allowed."""
    found = _PARAMETER.findall(content_type)
    boundary = (found[0][0] or found[0][1]) if len(found) == 1 else ""
    if not _BOUNDARY.fullmatch(boundary):
        raise Refusal("malformed", "the header Content-Type names no boundary of the parts, or one that is not allowed")
    return boundary


def read(source: IO[bytes], content_type: str, most: int, opened: Callable[[], IO[bytes]] = TemporaryFile) -> Form:
    """The form in ``source``; its file of ``most`` bytes at most is in a temporary file without a name. Raises a 400 for what breaks the
    format, a 413 for more than the bounds, a 415 for a part that is not as it is, ``Invalid`` for names."""
    form, reader = Form(), _Reader(most, opened)
    try:
        with PushMultipartParser(
            boundary_of(content_type), max_header_size=MAX_HEADER, max_header_count=MAX_HEADERS, max_segment_count=MAX_PARTS
        ) as parser:  # fmt: skip
            while piece := source.read(PIECE):
                for event in parser.parse(piece):
                    reader.take(form, event)
    except ParserLimitReached as error:
        form.close()
        raise Refusal(
            "too-large",
            worded(
                "the form has more than {parts} parts, or one with more than {headers} header lines of {size}; leave out what is not asked for",
                parts=MAX_PARTS, headers=MAX_HEADERS, size=Size(MAX_HEADER),
            ),
        ) from error  # fmt: skip
    except MultipartError as error:
        form.close()
        raise Refusal(
            "malformed", worded("the form is not whole multipart/form-data: {why}", why=str(error.args[0])[:200])
        ) from error
    except BaseException:
        form.close()
        raise
    return form


class _Reader:
    """Takes the parser's events: a part's head, its pieces, None at its end."""

    def __init__(self, most: int, opened: Callable[[], IO[bytes]]) -> None:
        self._most, self._opened = most, opened
        self._name = ""
        self._text = bytearray()

    def take(self, form: Form, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(form, event)
        elif event is not None:
            self._more(form, event)
        elif self._name != FILE:
            form.fields[self._name] = _decoded(self._name, bytes(self._text))

    def _begin(self, form: Form, part: MultipartSegment) -> None:
        _check(part)
        self._name, self._text = part.name, bytearray()
        if part.name in form.fields or (part.name == FILE and form.file is not None):
            raise _faulty(part.name, "is given twice", "given-twice")
        if part.name == FILE:
            form.file = self._opened()
        elif part.filename is not None:
            raise _faulty(
                part.name, "cannot be a file; send the file as the part named file", "not-accepted", reason="as-file"
            )

    def _more(self, form: Form, data: bytes | bytearray) -> None:
        if self._name == FILE:
            assert form.file is not None
            form.size += len(data)
            if form.size > self._most:
                raise too_large(self._most)
            form.file.write(data)
            return
        self._text += data
        if len(self._text) > MAX_FIELD:
            raise Refusal(
                "too-large",
                worded(
                    "the part {name} is larger than {most}; shorten it, or send a file as the part named file",
                    name=repr(self._name[:80]),
                    most=Size(MAX_FIELD),
                ),
            )


def too_large(most: int) -> Refusal:
    """The refusal of a file with more than ``most`` bytes."""
    return Refusal("too-large", worded("the file is larger than {most}; choose a smaller one", most=Size(most)))


def _check(part: MultipartSegment) -> None:
    if len({name for name, _ in part.headerlist}) != len(part.headerlist):
        raise Refusal("malformed", "a part of the form has a header twice; send each header once")
    for name, value in part.headerlist:
        if _CONTROL.search(value):
            raise Refusal("malformed", "a header of a part contains a control character; leave it out")
        if name == "Content-Transfer-Encoding" and value.strip().lower() not in _AS_IT_IS:
            raise Refusal("media-type", "send each part as it is, without a Content-Transfer-Encoding")
    if not part.name:
        raise Refusal(
            "malformed", "a part of the form has no name; give each part one in its Content-Disposition, such as file"
        )
    kind = str(part.content_type or "").lower()
    if kind.startswith(("multipart/", "message/")):
        raise Refusal("media-type", "a part of the form is made of parts itself; send each file as a part of its own")
    if part.name != FILE and str(part.charset or "utf-8").lower() not in _CHARSETS:
        raise Refusal("media-type", "the texts of a form are UTF-8; send them without another charset")


def _decoded(name: str, text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(
            "malformed", worded("the part {name} is not UTF-8; send its text as UTF-8", name=repr(name[:80]))
        ) from error


def _faulty(name: str, message: str, code: str, **params: str) -> Invalid:
    return Invalid("some values are not acceptable", (FieldError(name[:80], message, code=code, params=params),))
