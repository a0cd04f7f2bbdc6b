"""Forms with a file: what two readers could understand differently is refused, each with its status, and memory is bounded."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from io import BytesIO
from typing import IO, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvestd.kernel.errors import Invalid
from harvestd.web.multipart_form import MAX_FIELD, MAX_HEADER, MAX_HEADERS, MAX_PARTS, PIECE, read
from harvestd.web.problems import BY_SLUG, Refusal
from tests.uploading import BOUNDARY, part, whole

TYPE = f"multipart/form-data; boundary={BOUNDARY}"
FILE = part("file", b"content", filename="me.png")
END = f"--{BOUNDARY}--\r\n".encode()


def status(body: bytes, content_type: str = TYPE, most: int = 1000, opened: Callable[[], IO[bytes]] = BytesIO) -> int:
    """The status that a body comes to; no file is open after a refusal."""
    files: list[IO[bytes]] = []

    def opening() -> IO[bytes]:
        files.append(opened())
        return files[-1]

    try:
        form = read(BytesIO(body), content_type, most, opening)
    except Refusal as refusal:
        assert all(file.closed for file in files)
        return BY_SLUG[refusal.slug].status
    except Invalid:
        assert all(file.closed for file in files)
        return 422
    form.close()
    return 200


def test_a_form_has_its_texts_and_its_file() -> None:
    body, headers = whole(part("title", "Käse".encode()), FILE, part("empty", b""))
    form = read(BytesIO(body), headers["Content-Type"], 1000)
    assert form.fields == {"title": "Käse", "empty": ""}
    assert form.file is not None and form.size == 7
    form.file.seek(0)
    assert form.file.read() == b"content"
    form.close()


LINE = "Content-Disposition: form-data; name="
HEAD = f"--{BOUNDARY}\r\n{LINE}"
REFUSED: dict[str, tuple[int, bytes]] = {
    "nothing": (400, b""),
    "no form": (400, b'{"content": ""}'),
    "no end": (400, FILE),
    "half a boundary at the end": (400, FILE + f"--{BOUNDARY}".encode()),
    "an end with one hyphen": (400, FILE + f"--{BOUNDARY}-\r\n".encode()),
    "a boundary that goes on": (400, FILE + f"--{BOUNDARY}more\r\n".encode() + END),
    "line feeds alone": (400, (FILE + END).replace(b"\r\n", b"\n")),
    "a part without a head": (400, f"--{BOUNDARY}\r\ncontent\r\n".encode() + END),
    "a part without a disposition": (400, f"--{BOUNDARY}\r\nContent-Type: image/png\r\n\r\nx\r\n".encode() + END),
    "a disposition of another kind": (400, FILE.replace(b"form-data", b"attachment") + END),
    "a part without a name": (400, FILE.replace(b' name="file";', b"") + END),
    "a part with an empty name": (400, part("", b"x") + FILE + END),
    "a header without a colon": (400, part("file", b"x", "Content-Type image/png", filename="a") + END),
    "a header name with a blank": (400, part("file", b"x", "Content Type: image/png", filename="a") + END),
    "a header twice": (400, part("file", b"x", f'{LINE}"other"', filename="a") + END),
    "a NUL in the file's name": (400, part("file", b"x", filename="a\0.png") + END),
    "a line feed in the file's name": (400, part("file", b"x", filename="a\n.png") + END),
    "a carriage return in the file's name": (400, part("file", b"x", filename="a\r.png") + END),
    "a file's name that is no UTF-8": (400, FILE.replace(b"me.png", b"\xff\xfe") + END),
    "a text that is no UTF-8": (400, part("title", b"\xff\xfe") + FILE + END),
    "a length that is too large": (400, part("file", b"x", "Content-Length: 5", filename="a") + END),
    "a length that is too small": (400, part("file", b"xxxxxx", "Content-Length: 5", filename="a") + END),
    "two lengths": (400, part("file", b"x", "Content-Length: 1", "Content-Length: 1", filename="a") + END),
    "a negative length": (400, part("file", b"x", "Content-Length: -1", filename="a") + END),
    "too large a file": (413, part("file", b"x" * 1001, filename="a") + END),
    "too large a file by its length": (400, part("file", b"x", "Content-Length: 900", filename="a") + END),
    "too long a text": (413, part("title", b"x" * (MAX_FIELD + 1)) + FILE + END),
    "too many parts": (413, b"".join(part(f"f{n}", b"x") for n in range(MAX_PARTS + 1)) + END),
    "too many headers": (413, part("file", b"x", *(f"X-{n}: 1" for n in range(MAX_HEADERS)), filename="a") + END),
    "too long a header": (413, part("file", b"x", f"X-Long: {'x' * MAX_HEADER}", filename="a") + END),
    "a header that never ends": (413, f"--{BOUNDARY}\r\nX: ".encode() + b"x" * 3 * PIECE),
    "a name of 10 kB": (413, part("file", b"x", filename="a" * 10_000) + END),
    "a text in another charset": (415, part("title", b"x", "Content-Type: text/plain; charset=utf-16") + FILE + END),
    "a file in base64": (415, part("file", b"eA==", "Content-Transfer-Encoding: base64", filename="a") + END),
    "a file in quoted-printable": (415, part("file", b"x", "Content-Transfer-Encoding: Quoted-Printable") + END),
    "parts in a part": (415, part("file", b"x", "Content-Type: multipart/mixed; boundary=b", filename="a") + END),
    "a message in a part": (415, part("file", b"x", "Content-Type: message/rfc822", filename="a") + END),
    "two files": (422, FILE + FILE + END),
    "a text twice": (422, part("title", b"a") + part("title", b"b") + FILE + END),
    "a file of another name": (422, part("picture", b"x", filename="a.png") + FILE + END),
}


@pytest.mark.parametrize("case", REFUSED)
def test_each_trick_has_its_status(case: str) -> None:
    expected, body = REFUSED[case]
    assert status(body) == expected


ACCEPTED: dict[str, bytes] = {
    "without the line end after the end": (FILE + END).removesuffix(b"\r\n"),
    "with something before it": b"This is a form.\r\n" + FILE + END,
    "with something after it": FILE + END + b"whatever" * 20_000,
    "a path for a name": part("file", b"x", filename="../../../etc/passwd") + END,
    "a name of RFC 2231": part("file", b"x").replace(b'"file"', b"\"file\"; filename*=utf-8''K%C3%A4se%00.png") + END,
    "no name": part("file", b"x") + END,
    "a name with quotes": part("file", b"x", filename='a\\"b.png') + END,
    "an unknown header": part("file", b"x", "X-Other: 1", filename="a") + END,
    "an empty file": part("file", b"", filename="a") + END,
    "as many bytes as there may be": part("file", b"x" * 1000, filename="a") + END,
    "a boundary within the content": part("file", f"--{BOUNDARY} is not one".encode()[1:], filename="a") + END,
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_clients_do_is_accepted(case: str) -> None:
    assert status(ACCEPTED[case]) == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary=""', "multipart/form-data; boundary=a; boundary=b",
        f"multipart/form-data; boundary={'a' * 71}", 'multipart/form-data; boundary="a\u00e4"', 'multipart/form-data; boundary="ends with "',
        "multipart/form-data; xboundary=a", 'multipart/form-data; boundary="a\\"b"',
    ],
)  # fmt: skip
def test_a_boundary_is_named_once_and_of_the_characters_that_are_allowed(content_type: str) -> None:
    assert status(FILE + END, content_type) == 400


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=400), size=st.integers(1, 50), repeated=st.integers(1, 3))
def test_a_file_comes_out_as_it_went_in_however_it_arrives(content: bytes, size: int, repeated: int) -> None:
    """Whatever pieces it is read in, with what looks like boundaries in it."""
    content = (content + f"\r\n--{BOUNDARY[:-1]} ".encode()) * repeated
    body, headers = whole(part("file", content, filename="a"))

    class Pieces(BytesIO):
        def read(self, _: int | None = -1, /) -> bytes:
            return super().read(size)

    form = read(Pieces(body), headers["Content-Type"], len(content), BytesIO)
    assert form.file is not None
    form.file.seek(0)
    assert (form.file.read(), form.size) == (content, len(content))


class Endless:
    """A body of so many bytes without end, made as it is read."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head, self.left = head, size

    def read(self, size: int = -1) -> bytes:
        head, self.head = self.head, b""
        self.left -= size
        return head + b"x" * (size - len(head)) if self.left > 0 else b""


class Sink(BytesIO):
    def write(self, data: Any) -> int:
        return len(data)


@pytest.mark.parametrize("head", [f'{HEAD}"file"\r\n\r\n'.encode(), b""], ids=["a file", "before the first boundary"])
def test_a_hundred_megabytes_take_no_memory(head: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Refusal):
            read(Endless(head, 100_000_000), TYPE, 200_000_000, Sink)  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
