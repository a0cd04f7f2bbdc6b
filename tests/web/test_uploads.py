"""Files that are uploaded, through the whole site: their statuses, and what is left of them in memory and on disk, which is nothing."""

from __future__ import annotations

import base64
import json
import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred

from harvestd.process import picture_process, pictures
from harvestd.settings.table import Settings
from harvestd.web.uploads import BESIDE, body_most
from tests.market.accounts.test_avatars import AVATAR, files, put
from tests.people import Market, Person
from tests.uploading import BOUNDARY, bomb, form, part, picture, whole
from tests.waiting import eventually
from tests.web.client import Response, encode
from tests.web.conftest import settled

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def web_settings(settings: Settings) -> Settings:
    return attrs.evolve(settings, rate_limits=False, upload_max_bytes=1_000_000)


@pytest.fixture(autouse=True)
def spools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """The folder of temporary files is the test's own; counts the files there, those without a name as well."""
    folder = tmp_path / "spools"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    def count() -> int:
        named = len(list(folder.iterdir()))
        open_ones = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        return named + sum(target.startswith(str(folder)) for target in open_ones)

    return count


async def send(person: Person, body: bytes, headers: dict[str, str]) -> Response:
    return await person.client.request("PUT", AVATAR, body=body, headers=headers)


def as_json(content: bytes, **more: Any) -> tuple[bytes, dict[str, str]]:
    given = {"content": base64.b64encode(content).decode(), **more}
    return json.dumps(given).encode(), {"Content-Type": "application/json"}


JSON = {"Content-Type": "application/json"}
PNG = picture()
#: Status and body of what is refused, with the field that is named, if it is 422.
REFUSED: dict[str, tuple[int, tuple[bytes, dict[str, str]], str]] = {
    "no type": (415, (form(PNG)[0], {}), ""),
    "a picture itself": (415, (PNG, {"Content-Type": "image/png"}), ""),
    "a form of another kind": (415, (b"file=x", {"Content-Type": "application/x-www-form-urlencoded"}), ""),
    "mixed parts": (415, (form(PNG)[0], {"Content-Type": f"multipart/mixed; boundary={BOUNDARY}"}), ""),
    "a compressed form": (415, (form(PNG)[0], form(PNG)[1] | {"Content-Encoding": "gzip"}), ""),
    "compressed JSON": (415, (as_json(PNG)[0], JSON | {"Content-Encoding": "gzip"}), ""),
    "a form without a file": (422, whole(), "file"),
    "a file of another name": (422, whole(part("picture", PNG, filename="a.png")), "picture"),
    "parts of another boundary": (422, (part("file", PNG, boundary="other") + whole()[0], whole()[1]), "file"),
    "an unknown text": (422, form(PNG, role="admin"), "role"),
    "base64 in a form": (422, form(PNG, content="eA=="), "content"),
    "a NUL in a text": (422, form(PNG, filename="a\0"), "filename"),
    "an empty file": (415, form(b""), ""),
    "nothing": (400, (b"", JSON), ""),
    "JSON that is none": (400, (b"{", JSON), ""),
    "a list": (422, (b"[]", JSON), "body"),
    "no content": (422, (b"{}", JSON), "content"),
    "a number for content": (422, (b'{"content": 1}', JSON), "content"),
    "null for content": (422, (b'{"content": null}', JSON), "content"),
    "no base64": (422, (b'{"content": "\xc3\xa4"}', JSON), "content"),
    "base64 without padding": (422, (b'{"content": "eA"}', JSON), "content"),
    "base64 in lines": (422, (b'{"content": "eHh4\\neHh4"}', JSON), "content"),
    "base64 for addresses": (422, (b'{"content": "_-__"}', JSON), "content"),
    "too long a name": (422, as_json(PNG, filename="x" * 256), "filename"),
    "an unknown field": (422, as_json(PNG, role="admin"), "role"),
    "a file that is too large": (413, form(b"x" * 1_000_001), ""),
    "base64 that is too large": (413, as_json(b"x" * 1_000_001), ""),
    "SVG": (415, form(SVG, "me.png"), ""),
    "HTML": (415, form(b"<!doctype html><script>alert(1)</script>"), ""),
    "a picture that is a page, too": (415, form(PNG + b"<script>alert(1)</script>"), ""),
    "a picture that is an archive, too": (415, form(PNG + b"PK\x05\x06" + bytes(18)), ""),
    "a picture that is a PDF, too": (415, form(b"GIF89a\x01\x00\x01\x00/*%PDF-1.7*/"), ""),
    "a TIFF": (415, form(picture("TIFF"), "me.png"), ""),
    "a bitmap": (415, form(picture("BMP"), "me.png"), ""),
    "half a PNG": (422, form(picture(size=(900, 900))[:600]), "file"),
    "half a JPEG": (422, form(picture("JPEG", (900, 900))[:3000]), "file"),
    "half a WebP": (422, form(picture("WEBP", (900, 900))[:300]), "file"),
    "the head of a PNG": (422, form(PNG[:8]), "file"),
    "the head of a WebP": (422, form(picture("WEBP")[:16]), "file"),
    "a JPEG of nothing": (422, form(b"\xff\xd8\xff" + bytes(100)), "file"),
    "a GIF of no width": (422, form(b"GIF89a" + bytes(20)), "file"),
    "a bomb": (422, form(bomb()), "file"),
    "a WebP that says that it is huge": (422, form(b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0"), "file"),
    "a GIF that says that it is huge": (422, form(b"GIF89a\xff\xff\xff\xff" + bytes(9) + b";"), "file"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_no_whole_picture_has_its_status_and_leaves_nothing(
    market: Market, spools: Callable[[], int], case: str
) -> None:
    status, (body, headers), field = REFUSED[case]
    ann = await market.person()
    answer = await send(ann, body, headers)
    assert answer.status == status, answer.text
    assert [one["field"] for one in answer.json().get("errors", ())] == ([field] if field else [])
    assert (spools(), files(market)) == (0, [])
    assert (await ann.get("/api/users/me")).json()["avatar"] is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
@pytest.mark.parametrize("name", ["../../x.png", "x.svg", "a" * 1500])
async def test_a_picture_is_known_by_its_content_alone(market: Market, kind: str, name: str) -> None:
    ann = await market.person()
    assert (await put(ann, picture(kind), name)).status == 200
    assert {path.name.split(".", 1)[1] for path in files(market)} == {
        "small.webp", "small.jpg", "large.webp", "large.jpg"
    }  # fmt: skip


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
async def test_pictures_of_each_mode_are_taken(market: Market, mode: str) -> None:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new(mode, (30, 20)).save(file, "JPEG" if mode == "CMYK" else "PNG")
    assert (await put(await market.person(), file.getvalue())).status == 200


async def test_who_is_not_signed_in_uploads_nothing(market: Market, spools: Callable[[], int]) -> None:
    body, headers = form(b"x" * 500_000)
    assert (await market.stranger.request("PUT", AVATAR, body=body, headers=headers)).status == 401
    assert spools() == 0


def memory() -> int:
    """The most memory that this process had so far, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def test_a_bomb_takes_no_memory_here(market: Market) -> None:
    ann = await market.person()
    await put(ann, PNG)
    before = memory()
    assert (await put(ann, bomb())).status == 422
    assert memory() - before < 20_000_000


async def test_a_hundred_megabytes_are_refused_at_the_cap(market: Market, spools: Callable[[], int]) -> None:
    """By what Content-Length says, before any of it is read; and without one, once more has come than may."""
    ann = await market.person()
    before, most = memory(), body_most(1_000_000)
    headers = form(b"")[1]
    told = encode("PUT", AVATAR, headers=ann.client.headers | headers | {"Content-Length": "100000000"})
    line = ann.client.connect()
    line.send(told)
    assert (await line.receive()).status == 413
    line = ann.client.connect()
    line.send(encode("PUT", AVATAR, headers=ann.client.headers | headers | {"Transfer-Encoding": "chunked"}))
    sent, piece = 0, b"x" * 50_000
    while sent < 100_000_000 and not line.transport.written:
        line.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        sent += len(piece)
        await eventually("it reads on", lambda: not line.transport.paused or line.transport.written)
    assert (await line.receive()).status == 413
    assert most - BESIDE < sent <= most + len(piece)
    line.hang_up()
    assert (spools(), memory() - before < 20_000_000) == (0, True)


@pytest.mark.parametrize("sent", [10, 70_000, 900_000])
async def test_a_client_that_leaves_meanwhile_leaves_no_file(
    market: Market, spools: Callable[[], int], sent: int
) -> None:
    ann = await market.person()
    body, headers = form(b"x" * 1_000_000)
    whole_request = encode("PUT", AVATAR, body=body, headers=ann.client.headers | headers)
    line = ann.client.connect()
    line.send(whole_request[: len(whole_request) - len(body) + sent])
    assert spools() == (sent > 65_536)
    line.hang_up()
    assert (spools(), line.protocol.site.admission.files, line.protocol.site.admission.spooled) == (0, 0, 0)


async def test_a_client_that_leaves_while_its_picture_is_read_leaves_no_file(
    market: Market, spools: Callable[[], int]
) -> None:
    ann = await market.person()
    body, headers = form(picture("BMP", (500, 400)))
    line = ann.client.connect()
    line.send(encode("PUT", AVATAR, body=body, headers=ann.client.headers | headers))
    line.hang_up()
    await eventually("the file is gone", lambda: spools() == 0)


@pytest.mark.limit(120)
async def test_fifty_uploads_at_once_are_bounded(
    market: Market, spools: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are answered, whichever addresses they have, with two pictures in work at any time, and the others' files on disk."""
    people = [await market.person() for _ in range(50)]
    run, at_once, most = picture_process.Child.run, 0, 0

    def counted(child: Any, *arguments: Any) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        return run(child, *arguments).addBoth(ended)

    def ended(result: Any) -> Any:
        nonlocal at_once
        at_once -= 1
        return result

    monkeypatch.setattr(picture_process.Child, "run", counted)
    content = picture("PNG", (300, 200), compress_level=0)
    answers = await settled(*(put_from(f"10.1.1.{n}", one, content) for n, one in enumerate(people)))
    assert {answer.status for answer in answers} <= {200, 503}
    assert sum(answer.status == 200 for answer in answers) >= pictures.WAITING
    assert most == pictures.AT_ONCE
    assert spools() == 0


async def put_from(host: str, person: Person, content: bytes) -> Response:
    body, headers = form(content)
    line = person.client.connect(host)
    line.send(encode("PUT", AVATAR, body=body, headers=person.client.headers | headers))
    return await line.receive()


async def test_the_pictures_of_one_network_leave_room_for_those_of_others(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many accounts and addresses of its network it uses, and however long each of its pictures takes: an IPv6 /64 is one."""
    run, held = picture_process.Child.run, list[Any]()
    slow = picture("PNG", (300, 200), compress_level=0)

    def counted(child: Any, descriptor: int, task: str) -> Any:
        if os.fstat(descriptor).st_size != len(slow):
            return run(child, descriptor, task)
        held.append(Deferred())
        return held[-1]

    monkeypatch.setattr(picture_process.Child, "run", counted)
    people = [await market.person() for _ in range(8)]
    crowd = [Deferred.fromCoroutine(put_from(f"2001:db8:0:1::{n + 1}", one, slow)) for n, one in enumerate(people)]
    await eventually("one of them is in work", lambda: len(held) == 1)
    await eventually("the others wait", lambda: len(market.parts.pictures.turns) == len(crowd) - 1)
    for honest in ("2001:db8:0:2::1", "10.1.1.1"):
        assert (await put_from(honest, await market.person(), PNG)).status == 200
    assert len(held) == 1
    for n in range(len(crowd)):
        await eventually("the next one is in work", lambda n=n: len(held) > n)
        held[n].errback(picture_process.NoPicture("damaged"))
    assert {answer.status for answer in [await one for one in crowd]} == {422}


async def test_whose_client_left_has_no_turn(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    held = list[Any]()

    def hold(child: Any, *arguments: Any) -> Any:
        held.append(Deferred())
        return held[-1]

    monkeypatch.setattr(picture_process.Child, "run", hold)
    first = Deferred.fromCoroutine(put(await market.person(), PNG))
    await eventually("it is in work", lambda: len(held) == 1)
    ann = await market.person()
    body, headers = form(PNG)
    line = ann.client.connect()
    line.send(encode("PUT", AVATAR, body=body, headers=ann.client.headers | headers))
    await eventually("it waits", lambda: len(market.parts.pictures.turns) == 1)
    line.hang_up()
    held[0].errback(picture_process.NoPicture("damaged"))
    await first
    await eventually("nobody waits", lambda: len(market.parts.pictures.turns) == 0)
    assert len(held) == 1


async def test_bodies_on_disk_are_bounded_for_all_and_for_each_address(market: Market) -> None:
    settings = attrs.evolve(market.parts.settings, upload_spool=2_000_000)
    from tests.web.conftest import make_market

    market = make_market(attrs.evolve(market.parts, settings=settings))
    ann = await market.person()
    body, headers = form(b"x" * 400_000)
    request = encode("PUT", AVATAR, body=body, headers=ann.client.headers | headers)

    def begun(host: str) -> Any:
        line = ann.client.connect(host)
        line.send(request[:-10])
        return line

    first = begun("10.1.1.1")
    second = begun("10.1.1.1")
    assert (await second.receive()).status == 503
    others = [begun(f"10.1.2.{n}") for n in range(5)]
    assert [bool(line.transport.written) for line in others] == [False, False, False, True, True]
    first.send(request[-10:])
    assert (await first.receive()).status == 415, "those that have their room come through"
    assert not begun("10.1.3.1").transport.written
    for line in (first, second, *others):
        line.hang_up()
    await eventually("all room is free", lambda: first.protocol.site.admission.spooled <= 400_500)


async def test_what_a_refused_client_sent_is_gone_at_once(market: Market, spools: Callable[[], int]) -> None:
    """It may take its time to read why."""
    ann = await market.person()
    line = ann.client.connect()
    line.send(encode("PUT", AVATAR, headers=ann.client.headers | form(b"")[1] | {"Transfer-Encoding": "chunked"}))
    piece = b"x" * 50_000
    while not line.transport.written:
        line.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        await eventually("it reads on", lambda: not line.transport.paused or line.transport.written)
        if line.protocol.refused:
            assert spools() == 0
    line.hang_up()


async def test_a_child_that_hangs_is_ended(market: Market, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "hangs.py"
    program.write_text("import time; time.sleep(600)")
    monkeypatch.setattr("harvestd.process.pictures._PROGRAM", str(program))
    monkeypatch.setattr("harvestd.process.pictures.DEADLINE", 0.2)
    assert (await put(await market.person(), PNG)).status == 503


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("import os; os.abort()", 422),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 503),
        ("while True: print('x' * 1000000)", 422),
        ("raise MemoryError", 422),
        ("print('nonsense')", 500),
    ],
)
@pytest.mark.logs_errors
async def test_a_child_that_ends_is_an_answer(
    market: Market, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, status: int
) -> None:
    (tmp_path / "ends.py").write_text(program)
    monkeypatch.setattr("harvestd.process.pictures._PROGRAM", str(tmp_path / "ends.py"))
    assert (await put(await market.person(), PNG)).status == status
