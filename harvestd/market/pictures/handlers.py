"""What a worker does with a picture that was uploaded: make it in each size, outside of any transaction, then show it in one."""

from __future__ import annotations

from typing import IO

from twisted.logger import Logger

from harvestd.interfaces import NoSuchBlob
from harvestd.kernel import blob_keys
from harvestd.kernel.errors import Overloaded
from harvestd.market.pictures import actions, rows, rules
from harvestd.parts import Parts
from harvestd.process.picture_answers import Answer
from harvestd.process.picture_process import NoPicture
from harvestd.queue.envelope import Envelope
from harvestd.queue.retry import Drop, Retry
from harvestd.queue.work import Handle
from harvestd.store.blobs.rows import Blob
from harvestd.unit_of_work import UnitOfWork, change
from harvestd.web import blobs

log = Logger()


async def make(parts: Parts, event: Envelope) -> Handle:
    """Make the picture of an ``image.uploaded``; what is returned shows it, or says why it cannot be shown. Raises ``Retry``, and ``Drop`` if
    the market's watermark cannot be read."""
    image = await rows.one(parts.database, str(event.data["image_id"]))
    if image is None or image.status != "processing":
        return _nothing
    with await _original(parts, image) as file:
        return await _made(parts, image.id, file)


async def _original(parts: Parts, image: rows.Image) -> IO[bytes]:
    key = blob_keys.of(str(image.blob), image.original)
    try:
        return await parts.blobs.open(key)
    except NoSuchBlob as error:
        raise Retry(f"the store has nothing of {key}: is its folder mounted?") from error


async def _made(parts: Parts, image_id: str, file: IO[bytes]) -> Handle:
    """Each try is counted before it begins, so that a picture which ends the worker is given up in the end, too."""
    image = await change(parts, lambda unit: rows.begin(unit.tx, image_id, unit.now))
    if image is None:
        return _nothing
    if image.tries > rules.TRIES:
        return _failing(image_id, "too-heavy")
    try:
        made = await parts.pictures.of_products.made(file.fileno(), parts.settings.picture_watermark)
    except Overloaded as error:
        raise Retry("the program that makes pictures was ended, or took too long") from error
    except NoPicture as refused:
        if refused.fault == "watermark":
            raise Drop(f"the watermark {parts.settings.picture_watermark} cannot be read") from refused
        return _failing(image_id, rules.REASONS[refused.fault])
    if parts.classifier is not None and await parts.classifier.refused(made.files[-1].content):
        return _failing(image_id, "refused")
    farm_id = await rows.farm_of(parts.database, image.product_id)
    return _showing(image_id, made, await blobs.kept(parts, made.files, rows.KIND, farm_id=farm_id))


async def _nothing(unit: UnitOfWork, event: Envelope) -> None:
    """It was deleted, or made already."""


def _failing(image_id: str, reason: rules.Reason) -> Handle:
    async def fail(unit: UnitOfWork, event: Envelope) -> None:
        log.info("the picture {id} cannot be shown: {reason}", id=image_id, reason=reason)
        await actions.fail(unit, image_id, reason)

    return fail


def _showing(image_id: str, made: Answer, kept: list[Blob]) -> Handle:
    async def show(unit: UnitOfWork, event: Envelope) -> None:
        if not await actions.ready(unit, image_id, made, kept):
            blobs.delete_then(unit, kept)

    return show
