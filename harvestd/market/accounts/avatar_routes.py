"""The picture of an account."""

from __future__ import annotations

from harvestd.market.accounts import avatar_rows, signing_in
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.avatar_shapes import SIZES, PutAvatar
from harvestd.market.accounts.shapes import User
from harvestd.store.blobs import rows as blob_rows
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import blobs
from harvestd.web.context import RequestContext, Result
from harvestd.web.uploads import Upload

#: A browser may keep a person's picture for a week, and nobody else: no shared cache shows it after its owner has left.
CACHING = "private, max-age=604800, immutable"


async def put(request: RequestContext, body: PutAvatar, upload: Upload) -> User:
    """Set the caller's picture."""
    parts, user_id = request.parts, request.user.user_id
    made = await blobs.pictures(request, upload, SIZES)
    kept = await blobs.kept(parts, made, avatar_rows.KIND, user_id=user_id)

    async def work(unit: UnitOfWork) -> User:
        await _replace(unit, user_id, kept[0].id)
        blob_rows.insert(unit.tx, kept, unit.machine_now)
        return await signing_in.own(unit.tx, user_id)

    return await request.write(work)


async def delete(request: RequestContext) -> None:
    """Take the caller's picture away."""
    await _replace(request.work, request.user.user_id, None)


async def _replace(unit: UnitOfWork, user_id: str, blob_id: str | None) -> None:
    await accounts.lock(unit.tx, user_id)
    before = await accounts.by_id(unit.tx, user_id)
    assert before is not None
    if before.avatar is not None:
        await blobs.drop(unit, before.avatar)
    if before.avatar != blob_id:
        await avatar_rows.change(unit.tx, user_id, blob_id, unit.machine_now)


async def see(request: RequestContext) -> Result:
    """A picture in one size and format."""
    found = await avatar_rows.shown(request.reader, request.id("id"), request.path["file"])
    return await blobs.shown(request, found, CACHING)
