"""Rows of passkeys: what a second factor of this kind has beside its own row."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Passkey(msgspec.Struct, frozen=True):
    """A passkey that counts, and its owner; ``handle`` is what authenticators know the owner by; ``alone`` whether it
    signs in without the password."""

    id: str
    user_id: str
    handle: bytes
    public_key: bytes
    sign_count: int
    alone: bool


class Known(msgspec.Struct, frozen=True):
    """By what a browser finds a passkey."""

    credential_id: bytes
    transports: list[str]


_BY_CREDENTIAL = Statement(
    "passkeys.by_credential",
    """select p.id, f.user_id, u.passkey_handle, p.public_key, p.sign_count, p.alone
         from passkeys p join second_factors f on f.id = p.id join users u on u.id = f.user_id
        where p.credential_id = :credential_id and (u.active or u.deactivated_at is not null)""",
    lambda id, user_id, handle, key, count, alone: Passkey(id, user_id, bytes(handle), bytes(key), count, alone),
)
_OF = Statement(
    "passkeys.of",
    """select p.credential_id, p.transports from passkeys p join second_factors f on f.id = p.id
        where f.user_id = :user_id order by p.id""",
    lambda credential_id, transports: Known(bytes(credential_id), transports),
)
_INSERT = Statement(
    "passkeys.insert",
    """insert into passkeys (id, credential_id, public_key, sign_count, transports)
       values (:id, :credential_id, :public_key, :sign_count, :transports) on conflict do nothing""",
    nothing,
)
_COUNTED = Statement(
    "passkeys.counted", "update passkeys set sign_count = :sign_count, alone = true where id = :id", nothing
)
_NOT_ALONE = Statement(
    "passkeys.not_alone",
    "update passkeys p set alone = false from second_factors f where f.id = p.id and f.user_id = :user_id",
    nothing,
)
_HANDLE = Statement(
    "passkeys.handle",
    """update users set passkey_handle = coalesce(passkey_handle, :fresh) where id = :user_id returning passkey_handle""",
    scalar,
)


async def by_credential(reader: Reader, credential_id: bytes) -> Passkey | None:
    """The passkey with this id of an open account."""
    return await reader.row(_BY_CREDENTIAL, credential_id=credential_id)


async def of(reader: Reader, user_id: str) -> list[Known]:
    """A user's passkeys, oldest first."""
    return await reader.rows(_OF, user_id=user_id)


async def insert(
    tx: Transaction, id: str, credential_id: bytes, public_key: bytes, sign_count: int, transports: Sequence[str]
) -> bool:
    """Store what a factor's authenticator made; False if there is one with this id already, whosever it is. The account is locked."""
    return bool(await tx.run(
        _INSERT, id=id, credential_id=credential_id, public_key=public_key, sign_count=sign_count, transports=list(transports)
    ))  # fmt: skip


async def counted(tx: Transaction, id: str, sign_count: int) -> None:
    """Note the newest counter of one that was accepted. The account is locked."""
    await tx.run(_COUNTED, id=id, sign_count=sign_count)


async def not_alone(tx: Transaction, user_id: str) -> None:
    """Have a user's passkeys sign in beside the password first. The account is locked."""
    await tx.run(_NOT_ALONE, user_id=user_id)


async def handle(tx: Transaction, user_id: str, fresh: bytes) -> bytes:
    """What authenticators know the user by: ``fresh`` from now on, if there is nothing yet. The account is locked."""
    found = await tx.row(_HANDLE, user_id=user_id, fresh=fresh)
    assert found is not None
    return bytes(found)
