"""What a worker makes of a picture, whatever was sent; and what becomes of one whose worker ends."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import pytest
from PIL import Image, ImageCms
from zope.interface import implementer

from harvestd.interfaces import Delivery, IClassifier, Outcome, Retried
from harvestd.market.operations.blob_sweep import GRACE, sweep
from harvestd.market.pictures.rules import TRIES
from harvestd.process import picture_formats
from harvestd.process import product_pictures as made_by
from harvestd.process.picture_process import ALONE
from harvestd.queue.consumer import Consumer
from harvestd.queue.recorded_messages import message_of
from harvestd.queue.seals import EventSeals
from harvestd.store import outbox
from harvestd.tables import HANDLERS
from servers import wait_until
from tests.market.accounts.test_avatars import put
from tests.market.pictures.pictures import ALL, added, files, images, opened, send, shown
from tests.people import Market, Person
from tests.uploading import bomb, picture

QUEUE = "harvest.images"
PROGRAM, DEADLINE = (f"harvestd.process.product_pictures.{name}" for name in ("_PROGRAM", "DEADLINE"))


async def sold(market: Market) -> tuple[Person, str]:
    farmer = await market.farmer()
    return farmer, (await market.product(farmer))["id"]


async def tried(market: Market) -> Outcome:
    """What becomes of the one picture that is uploaded, tried once."""
    (row,) = [row for row in await outbox.unsent(market.parts.database, 100) if row.type == "image.uploaded"]
    consumer = Consumer(market.parts, QUEUE, HANDLERS[QUEUE])
    (outcome,) = await consumer.receive([Delivery(message_of(row, EventSeals(market.parts.secret)), QUEUE, 0)])
    return outcome


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


async def made(market: Market, content: bytes) -> dict[str, Any]:
    """A picture as it is shown once it is made."""
    farmer, product = await sold(market)
    await added(farmer, product, content)
    await market.work()
    (found,) = await shown(market, product)
    return found


RED, BLUE, GREEN = (200, 20, 20), (20, 20, 200), (0, 255, 0)


def frames(kind: str) -> bytes:
    first, *others = [Image.new("RGB", (40, 30), color) for color in (RED, BLUE, GREEN)]
    return saved(first, kind, save_all=True, append_images=others)


@pytest.mark.parametrize(
    ("content", "color"),
    [
        (picture("JPEG"), "#c81414"),
        (picture("PNG"), "#c81414"),
        (picture("WEBP"), "#c81414"),
        (picture("AVIF"), "#c81414"),
        (saved(Image.new("CMYK", (60, 40), (0, 255, 255, 0)), "JPEG"), "#e0"),
        (saved(Image.new("I;16", (60, 40), 0x8080), "PNG"), "#80"),
        (saved(Image.new("L", (60, 40), 9), "JPEG"), "#090909"),
        (saved(Image.new("P", (60, 40)), "PNG"), "#000000"),
        (saved(Image.new("RGBA", (60, 40), (255, 0, 0, 0)), "PNG"), "#ffffff"),
        (frames("PNG"), "#c81414"),
        (frames("WEBP"), "#c8"),
        (picture(size=(3000, 1)), "#c81414"),
        (picture(size=(1, 1)), "#c81414"),
    ],
    ids=["jpeg", "png", "webp", "avif", "cmyk", "16 bit", "grey", "palette", "clear", "animated png", "animated webp", "flat", "dot"],
)  # fmt: skip
async def test_whatever_colours_it_has_it_becomes_plain_srgb(market: Market, content: bytes, color: str) -> None:
    found = await made(market, content)
    told, wanted = found["dominant_color"], color.ljust(7, "0")
    apart = [abs(int(told[at : at + 2], 16) - int(wanted[at : at + 2], 16)) for at in (1, 3, 5) if color[at : at + 2]]
    assert max(apart) <= 16, told
    for one in found["sizes"].values():
        assert max(one["width"], one["height"]) <= max(found["width"], found["height"]), "never enlarged"
        for name in ("webp", "jpeg"):
            image = await opened(market, one[name])
            assert image.mode in (("RGB", "RGBA") if name == "webp" else ("RGB",))
            assert getattr(image, "n_frames", 1) == 1


async def test_it_is_upright_and_without_where_it_was_taken(market: Market) -> None:
    """EXIF's orientation 6: the camera lay on its side, so its left upper quarter belongs to the right."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 21.0, 7.0)}
    exif[0x010E] = "a secret garden"
    profile = _profile()
    sent = picture("JPEG", (400, 200), exif=exif, comment=b"a secret comment", quality=95, icc_profile=profile)
    assert b"secret garden" in sent and profile in sent
    found = await made(market, sent)
    assert (found["width"], found["height"]) == (200, 400)
    for one in found["sizes"].values():
        for name in ("webp", "jpeg"):
            answer = await market.stranger.get(one[name])
            image = Image.open(BytesIO(answer.body))
            assert b"secret" not in answer.body and not image.getexif()
            assert not {"exif", "comment", "icc_profile", "xmp"} & image.info.keys()
            width, height = image.size
            corners = [image.convert("RGB").getpixel((x, height // 4)) for x in (width // 4, 3 * width // 4)]
            assert [pixel[2] > 100 for pixel in corners] == [False, True]  # type: ignore[index]
    assert "original.jpg" not in files(market)


def _profile() -> bytes:
    found: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return found


# --- what is refused at once ---

ZIP_END = b"PK\x05\x06" + bytes(18)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    "content",
    [
        SVG, b"<!doctype html><script>alert(1)</script>", b"GIF89a" + bytes(50), b"%PDF-1.7", b"MZ" + bytes(99), b"text",
        picture() + SVG, picture("JPEG", comment=b"<script>alert(1)</script>"), picture() + ZIP_END, b"", b"\x00",
        b"\xff\xd8\xff" + b"%PDF-1.7" + picture("JPEG"),
    ],
    ids=["svg", "html", "gif", "pdf", "program", "text", "png and svg", "jpeg and script", "png and zip", "zero bytes", "nul", "jpeg and pdf"],
)  # fmt: skip
async def test_what_is_no_picture_or_something_else_too_is_415(market: Market, content: bytes) -> None:
    farmer, product = await sold(market)
    assert (await send(farmer, product, content)).status == 415
    assert (files(market), await images(farmer, product)) == ([], [])


def of_pieces(kind: str, number: int) -> bytes:
    """A small picture with so many pieces that say nothing."""
    content = saved(Image.new("RGB", (8, 8), "red"), kind)
    if kind == "PNG":
        chunk = b"tEXtk\0v"
        piece = struct.pack(">I", 3) + chunk + struct.pack(">I", zlib.crc32(chunk))
        return content[:33] + piece * number + content[33:]
    if kind == "JPEG":
        return content[:2] + b"\xff\xe5\x00\x04ab" * number + content[2:]
    if kind == "GIF":
        return content[:-1].replace(b",\0\0\0\0", b"!\xfe" + b"\x01a" * number + b"\0,\0\0\0\0", 1) + content[-1:]
    piece = b"JUNK\x02\0\0\0ab" if kind == "WEBP" else b"\0\0\0\x0afreeab"
    whole = content + piece * number
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:] if kind == "WEBP" else whole


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
async def test_a_picture_of_very_many_pieces_is_refused_before_a_decoder_sees_it(market: Market, kind: str) -> None:
    """A PNG of 700,000 chunks took its process 17 seconds."""
    person, product = await sold(market)
    before = os.times()
    answer = await send(person, product, of_pieces(kind, 600_000))
    assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "damaged"), answer.text
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 3
    fewer = await send(person, product, of_pieces(kind, 900))
    assert fewer.status == 202, fewer.text


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_so_is_a_picture_of_a_person(market: Market, kind: str) -> None:
    person = await market.person()
    answer = await put(person, of_pieces(kind, 400_000))
    assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "damaged"), answer.text
    assert (await put(person, of_pieces(kind, 900))).status == 200


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "GIF"])
def test_pieces_are_told_apart_however_the_file_ends(kind: str) -> None:
    """And a file that lies about their lengths is looked through once."""
    content = of_pieces(kind, 20)
    assert 20 < len(list(picture_formats.pieces(kind, content))) < 60
    for end in range(0, len(content), 7):
        list(picture_formats.pieces(kind, content[:end]))
    head = content[:24]
    for rest in (b"\0" * 100_000, b"\xff" * 100_000, os.urandom(100_000)):
        assert len(list(picture_formats.pieces(kind, head + rest))) <= 100_000


def wide(kind: str) -> bytes:
    """The head of a picture of 16,000 by 16,000 pixels, in few bytes."""
    return saved(Image.new("L", (16_000, 16_000)), kind)


@pytest.mark.parametrize("content", [bomb, partial(wide, "JPEG"), partial(wide, "PNG")], ids=["20,000 x 20,000 PNG", "jpeg", "png"])  # fmt: skip
async def test_a_picture_of_too_many_pixels_is_422_and_never_decoded(
    market: Market, content: Callable[[], bytes]
) -> None:
    farmer, product = await sold(market)
    answer = await send(farmer, product, content())
    assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "too-many-pixels")
    assert files(market) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\x00.png", "", "é" * 200, ".htaccess", "x.php"])
async def test_the_name_of_a_file_is_used_for_nothing(market: Market, name: str) -> None:
    farmer, product = await sold(market)
    answer = await send(farmer, product, picture(), name)
    assert answer.status in (202, 400), answer.text
    assert set(files(market)) <= {"original.png"}


# --- what fails later ---


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_truncated_picture_fails_and_its_farm_reads_why(market: Market, kind: str) -> None:
    farmer, product = await sold(market)
    content = saved(Image.effect_noise((400, 300), 90).convert("RGB"), kind)
    answer = await send(farmer, product, content[: len(content) // 2])
    if answer.status == 422:  # told by its head already
        assert answer.json()["errors"][0]["code"] == "damaged"
        return
    await market.work()
    (found,) = await images(farmer, product)
    assert (found["status"], found["reason"], found["sizes"]) == ("failed", "damaged", None)
    assert await shown(market, product) == []
    assert (files(market), market.broken(at_rest=True)) == ([], [])
    assert (await farmer.request("DELETE", f"/api/products/{product}/images/{found['id']}")).status == 204


@pytest.mark.parametrize("program", ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "import time; time.sleep(600)"])  # fmt: skip
async def test_a_child_that_is_killed_loses_no_picture_and_is_tried_in_bounds(
    market: Market, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    farmer, product = await sold(market)
    await added(farmer, product)
    (tmp_path / "ends.py").write_text(program)
    with monkeypatch.context() as patched:
        patched.setattr(PROGRAM, str(tmp_path / "ends.py"))
        patched.setattr(DEADLINE, 0.3)
        for _ in range(TRIES - 1):
            assert isinstance(await tried(market), Retried)
            assert [one["status"] for one in await images(farmer, product)] == ["processing"]
    await market.work()
    assert ([one["status"] for one in await images(farmer, product)], files(market)) == (["ready"], ALL)


async def test_one_that_ends_every_child_fails_in_the_end(
    market: Market, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    farmer, product = await sold(market)
    await added(farmer, product)
    (tmp_path / "ends.py").write_text(f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})")
    monkeypatch.setattr(PROGRAM, str(tmp_path / "ends.py"))
    for _ in range(TRIES):
        assert isinstance(await tried(market), Retried)
    await market.work()
    (found,) = await images(farmer, product)
    assert (found["status"], found["reason"], files(market)) == ("failed", "too-heavy", [])


async def test_a_child_that_takes_too_much_memory_is_an_answer_not_a_loss_of_the_worker(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    farmer, product = await sold(market)
    await added(farmer, product, picture("PNG", (3000, 3000)))
    monkeypatch.setattr("harvestd.process.product_pictures.MEMORY", 64 * 1024 * 1024)
    for _ in range(TRIES + 1):
        await tried(market)
    assert [(one["status"], one["reason"] in ("damaged", "too-heavy")) for one in await images(farmer, product)] == [
        ("failed", True)
    ]


async def test_a_folder_that_is_not_mounted_is_no_fault_of_a_picture(market: Market) -> None:
    """However often it is tried meanwhile."""
    farmer, product = await sold(market)
    await added(farmer, product)
    folder = Path(market.parts.settings.data_dir) / "blobs"
    folder.rename(folder.with_name("elsewhere"))
    for _ in range(TRIES + 2):
        assert isinstance(await tried(market), Retried)
    folder.with_name("elsewhere").rename(folder)
    await market.work()
    assert [one["status"] for one in await images(farmer, product)] == ["ready"]


async def test_an_event_that_comes_again_makes_nothing_again(market: Market) -> None:
    farmer, product = await sold(market)
    await added(farmer, product)
    await market.work(twice=True)
    before = await shown(market, product)
    assert len(before) == 1 and files(market) == ALL
    assert market.broken(at_rest=True) == []


async def test_what_a_worker_made_and_did_not_commit_is_swept(market: Market) -> None:
    farmer, product = await sold(market)
    image = await added(farmer, product)
    handle = await HANDLERS[QUEUE].apart["image.uploaded"](market.parts, _event(image["id"]))
    assert handle is not None and files(market) == sorted([*ALL, "original.png"])
    now = market.parts.now
    await sweep(attrs.evolve(market.parts, now=lambda: now() + 2 * GRACE))
    assert files(market) == ["original.png"]
    await market.work()
    assert files(market) == ALL


def _event(image_id: str) -> Any:
    @attrs.frozen
    class Event:
        data: dict[str, str]

    return Event({"image_id": image_id})


# --- what a market may want ---


async def test_a_watermark_is_on_all_but_the_small_one(market: Market, tmp_path: Path) -> None:
    mark = tmp_path / "mark.png"
    mark.write_bytes(saved(Image.new("RGBA", (200, 100), (0, 255, 0, 255)), "PNG"))
    settings = attrs.evolve(market.parts.settings, picture_watermark=str(mark))
    marked = attrs.evolve(market, parts=attrs.evolve(market.parts, settings=settings))
    found = await made(marked, picture(size=(1000, 1000)))

    async def green(size: str) -> bool:
        image = (await opened(market, found["sizes"][size]["jpeg"])).convert("RGB")
        at = image.width - image.width // 20
        red, green, _ = image.getpixel((at, at))  # type: ignore[misc]
        return green > 200 > 100 > red

    assert [await green(size) for size in ("small", "medium", "large")] == [False, True, True]


async def test_a_picture_that_a_classifier_refuses_is_never_shown(market: Market) -> None:
    @implementer(IClassifier)
    class Strict:
        async def refused(self, content: bytes) -> bool:
            return Image.open(BytesIO(content)).width > 100

    parts = attrs.evolve(market.parts, classifier=Strict())
    strict = attrs.evolve(market, parts=parts)
    farmer, product = await sold(market)
    await added(farmer, product, picture(size=(101, 9)))
    await added(farmer, product, picture(size=(100, 9)))
    await strict.work()
    assert [(one["status"], one["reason"]) for one in await images(farmer, product)] == [("failed", "refused"), ("ready", None)]  # fmt: skip
    assert files(market) == ALL


#: Runs a program and prints, after its answer, the most memory that it ever had (KiB): of a process with little memory of its own.
MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
print(done.stdout.partition(b"\\n")[0].decode())
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.parametrize("name", ["jpeg", "png", "bomb"])
def test_the_largest_pictures_are_made_in_bounded_memory(tmp_path: Path, name: str) -> None:
    noise = Image.effect_noise((700, 570), 90).convert("RGB")
    content = {
        "jpeg": lambda: saved(noise.resize((8900, 8900)), "JPEG", quality=60),
        "png": lambda: saved(noise.resize((7000, 5700)), "PNG", compress_level=1),
        "bomb": bomb,
    }[name]()
    (tmp_path / name).write_bytes(content)
    words = [sys.executable, "-c", MEASURED, *_words()]
    with (tmp_path / name).open("rb") as file:
        answer, most = subprocess.check_output(words, stdin=file, env=ALONE, text=True).splitlines()
    assert ("pixels" in answer) == (name == "bomb"), answer
    assert int(most) / 1024 < (50 if name == "bomb" else 150) + len(content) / 2**20


def _words() -> list[str]:
    """The command line of the program that makes a picture."""
    task = {
        "do": "make", "pixels": made_by.PIXELS, "memory": made_by.MEMORY, "seconds": 60, "watermark": "",
        "sizes": [{"name": one, "side": side} for one, side in made_by.SIZES.items()],
    }  # fmt: skip
    program = Path(made_by.__file__).with_name("product_picture_child.py")
    return [sys.executable, "-I", str(program), json.dumps(task)]


#: Starts a program, says its process id, and waits for it.
PARENT = "import subprocess, sys; one = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL); print(one.pid, flush=True); one.wait()"


def test_a_program_ends_with_the_worker_that_began_it(tmp_path: Path) -> None:
    """Even one that hangs: it is frozen once it has begun to decode."""
    path = tmp_path / "large.png"
    path.write_bytes(saved(Image.effect_noise((6000, 5000), 60), "PNG", compress_level=1))
    with path.open("rb") as file:
        parent = subprocess.Popen([sys.executable, "-c", PARENT, *_words()], stdin=file, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        wait_until("it decodes", lambda: "libvips" in Path(f"/proc/{child}/maps").read_text(), 20)
        os.kill(child, signal.SIGSTOP)
        parent.kill()
        parent.wait()
        wait_until("it is gone", lambda: not _there(child), 10)
    finally:
        parent.stdout.close()
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _there(pid: int) -> bool:
    """A process that is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
