"""Rows of accounts' pictures."""

from __future__ import annotations

from datetime import datetime

from harvestd.store.blobs.rows import Blob
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction

#: The kind of these blobs.
KIND = "avatar"
_SET = Statement(
    "avatars.set",
    "update users set avatar = :blob_id, version = version + 1, updated_at = :now where id = :user_id",
    nothing,
)
#: Of accounts that are open, the picture that they have now.
_SHOWN = Statement(
    "avatars.shown",
    """select b.id::text, b.name, b.kind, b.user_id::text, b.farm_id::text, b.media_type, b.size, b.sha256
         from blobs b join users u on u.id = b.user_id and u.active and u.avatar = b.id::text
        where b.id = :blob_id and b.name = :name and b.kind = 'avatar' and b.state = 'live'""",
    lambda id, name, kind, user_id, farm_id, media_type, size, sha256: Blob(
        id=id, name=name, kind=kind, user_id=user_id, farm_id=farm_id, media_type=media_type, size=size, sha256=sha256
    ),
)


async def change(tx: Transaction, user_id: str, blob_id: str | None, now: datetime) -> None:
    """Store which picture an account has; None for none."""
    await tx.run(_SET, user_id=user_id, blob_id=blob_id, now=now)


async def shown(reader: Reader, blob_id: str, name: str) -> Blob | None:
    """A blob that is of the picture of an open account."""
    return await reader.row(_SHOWN, blob_id=blob_id, name=name)
