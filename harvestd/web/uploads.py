"""A file that somebody uploads: multipart/form-data with the file as its part ``file``, or JSON with the file as base64 in ``content``.

The body is in a temporary file by the time that it is read here, in a thread; what comes out is another temporary file and the other
fields. Neither has a name, so nothing is left of them, however the request ends.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Annotated, Any

import attrs
import msgspec
from msgspec import UNSET, Meta, UnsetType

from harvestd.kernel.errors import FieldError, Invalid, Overloaded
from harvestd.kernel.sentences import worded
from harvestd.runtime.shortages import Shortages
from harvestd.runtime.threads import Threads
from harvestd.web import bodies, multipart_form
from harvestd.web.headers import is_coded
from harvestd.web.problems import Refusal
from harvestd.web.shapes import In

#: Bodies that are read at once (one of JSON is in memory meanwhile), and how many more may wait.
AT_ONCE, WAITING = 2, 64
#: Bytes of a body beside its file.
BESIDE = 65_536
FORM, JSON = "multipart/form-data", "application/json"
Content = Annotated[str, Meta(extra={"message": "must be the file in base64 (RFC 4648, section 4), with its padding"})]
FileName = Annotated[str, Meta(max_length=255)]


class Uploaded(In, kw_only=True, frozen=True):
    """A file as JSON has it. The handler finds ``content`` empty, since it has the :class:`Upload`."""

    content: Content
    filename: FileName | UnsetType = UNSET


#: The words of these fields, for the sections whose bodies have them.
WORDS = {
    "content": "The file in base64 (RFC 4648, section 4). In `multipart/form-data`, send the file itself as the part `file`.",
    "filename": "The file's name; it is used for nothing.",
}


@attrs.frozen(eq=False)
class Upload:
    """The file, in a temporary file of its own, and its size in bytes; ``faults`` is why there is none, to be told with those of the
    other fields. Nothing that the sender says of its type is here: whoever uses it
    looks at the content."""

    file: IO[bytes]
    size: int
    faults: tuple[FieldError, ...] = ()
    #: Where the file is in the body, for errors that are about it.
    field: str = multipart_form.FILE

    def close(self) -> None:
        """Remove it; idempotent."""
        self.file.close()


def body_most(most: int) -> int:
    """The largest body with a file of ``most`` bytes: base64 takes four for three."""
    return 4 * (-(-most // 3)) + BESIDE


class Uploads:
    """Reads the bodies of one process, with files of ``most`` bytes at most."""

    def __init__(self, reactor: Any, most: int, shortages: Shortages) -> None:
        self._threads = Threads(reactor, AT_ONCE, WAITING, partial(shortages.tell, "files"))
        self._most = most
        self._shortages = shortages

    async def taken(
        self, spool: IO[bytes], headers: Mapping[str, str], wanted: type[msgspec.Struct], files: Sequence[str] = ()
    ) -> tuple[Upload, Any]:
        """The file in a body, which the caller closes, and the other fields as JSON would have them; a body of one of the types ``files`` is the file.
        Raises a 400, 413 or 415, or ``Invalid``."""
        given = headers.get("content-type", "")
        kind = given.partition(";")[0].strip().lower()
        if kind not in (FORM, JSON, *files):
            if files:
                raise Refusal(
                    "media-type",
                    worded(
                        "send {types}, or multipart/form-data with the file as the part named file",
                        types=" or ".join(files),
                    ),
                )
            raise Refusal(
                "media-type",
                "send multipart/form-data with the file as the part named file, or application/json with the file in base64 as content",
            )
        if is_coded(headers):
            raise Refusal("media-type", "send the body uncompressed, without Content-Encoding")
        work = {FORM: _of_form, JSON: _of_json}.get(kind, _of_file)
        try:
            return await self._threads.run(work, spool, given, self._most)
        except OSError as error:
            self._shortages.tell("spool")
            raise Overloaded("there is no room for the body at present; try again later") from error

    async def digest(self, upload: Upload) -> bytes:
        """The SHA-256 of a file."""
        return await self._threads.run(_digest, upload.file)


def _digest(file: IO[bytes]) -> bytes:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]


def _of_file(spool: IO[bytes], content_type: str, most: int) -> tuple[Upload, Any]:
    spool.seek(0)
    file, size = TemporaryFile(), 0
    try:
        while piece := spool.read(multipart_form.PIECE):
            size += len(piece)
            if size > most:
                raise multipart_form.too_large(most)
            file.write(piece)
        file.flush()
    except BaseException:
        file.close()
        raise
    return Upload(file, size), {"content": ""}


def _of_form(spool: IO[bytes], content_type: str, most: int) -> tuple[Upload, Any]:
    spool.seek(0)
    form = multipart_form.read(spool, content_type, most)
    if "content" in form.fields:
        form.close()
        raise Invalid.of(
            "content", "is for JSON; in a form, send the file as the part named file", "not-accepted", reason="as-file"
        )
    try:
        bodies.inspect(form.fields)
        if form.file is not None:
            form.file.flush()
    except BaseException:
        form.close()
        raise
    fields = {**form.fields, "content": ""}
    if form.file is None:
        message = "is missing; send the file as the part named file"
        missing = FieldError(multipart_form.FILE, message, code="required", params={"expected": "file"})
        return Upload(BytesIO(), 0, (missing,)), fields
    return Upload(form.file, form.size), fields


def _of_json(spool: IO[bytes], content_type: str, most: int) -> tuple[Upload, Any]:
    """Whatever else is wrong with the fields is told by their conversion: ``content`` stays as it is unless it is text."""
    spool.seek(0)
    given = bodies.decode(spool.read())
    text = given.get("content") if isinstance(given, dict) else None
    if not isinstance(text, str):
        return Upload(BytesIO(), 0), given
    given["content"] = ""
    try:
        content = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        message = "must be the file in base64 (RFC 4648, section 4), with its padding"
        wrong = FieldError("content", message, code="wrong-form", params={"reason": "base64"})
        return Upload(BytesIO(), 0, (wrong,)), given
    file = TemporaryFile()
    try:
        if len(content) > most:
            raise multipart_form.too_large(most)
        file.write(content)
        file.flush()
    except BaseException:
        file.close()
        raise
    return Upload(file, len(content), field="content"), given
