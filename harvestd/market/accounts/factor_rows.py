"""Rows of second factors and recovery codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Factor(msgspec.Struct, frozen=True):
    """A second factor; ``secret`` is encrypted (None for passkeys), and ``confirmed_at`` None as long as it does not count."""

    id: str
    kind: str
    name: str
    secret: bytes | None
    created_at: datetime
    confirmed_at: datetime | None
    last_step: int
    last_used_at: datetime | None


def _factor(
    id: str, kind: str, name: str, secret: memoryview | None, created_at: datetime, confirmed_at: datetime | None, last_step: int,
    last_used_at: datetime | None,
) -> Factor:  # fmt: skip
    return Factor(
        id, kind, name, None if secret is None else bytes(secret), created_at, confirmed_at, last_step, last_used_at
    )


_ALL = Statement(
    "second_factors.all",
    """select id, kind, name, secret, created_at, confirmed_at, last_step, last_used_at from second_factors
        where user_id = :user_id order by id""",
    _factor,
)
_KINDS = Statement(
    "second_factors.kinds",
    """select kind from second_factors where user_id = :user_id and confirmed_at is not null
       union select 'recovery_code' where exists (select from recovery_codes where user_id = :user_id and used_at is null)""",
    scalar,
)
#: The kinds that an account can answer with, in the order in which they are told.
KINDS = ("totp", "passkey", "recovery_code")
_INSERT = Statement(
    "second_factors.insert",
    """insert into second_factors (id, user_id, kind, name, secret, created_at)
       values (:id, :user_id, :kind, :name, :secret, :now)""",
    nothing,
)
_CONFIRM = Statement(
    "second_factors.confirm",
    "update second_factors set confirmed_at = :now, last_step = :step, last_used_at = :now where id = :id",
    nothing,
)
_USED = Statement(
    "second_factors.used", "update second_factors set last_step = :step, last_used_at = :now where id = :id", nothing
)
_DELETE = Statement(
    "second_factors.delete", "delete from second_factors where user_id = :user_id and id = :id", nothing
)
_DELETE_UNFINISHED = Statement(
    "second_factors.delete_unfinished",
    "delete from second_factors where user_id = :user_id and confirmed_at is null",
    nothing,
)
_DELETE_ALL = Statement("second_factors.delete_all", "delete from second_factors where user_id = :user_id", nothing)
_KEEP = Statement(
    "second_factors.keep",
    """update users u set second_factor = exists (select from second_factors where user_id = u.id and confirmed_at is not null),
              version = version + 1, updated_at = :now where id = :user_id""",
    nothing,
)
_CODES = Statement(
    "recovery_codes.insert",
    "insert into recovery_codes (user_id, code_hash) select :user_id, h from unnest(:hashes::bytea[]) as c(h) on conflict do nothing",
    nothing,
)
_CODES_LEFT = Statement(
    "recovery_codes.left", "select count(*) from recovery_codes where user_id = :user_id and used_at is null", scalar
)
_USE_CODE = Statement(
    "recovery_codes.use",
    "update recovery_codes set used_at = :now where user_id = :user_id and code_hash = :code_hash and used_at is null",
    nothing,
)
_DELETE_CODES = Statement("recovery_codes.delete", "delete from recovery_codes where user_id = :user_id", nothing)


async def all_of(reader: Reader, user_id: str) -> list[Factor]:
    """A user's second factors, oldest first; those that do not count yet, too."""
    return await reader.rows(_ALL, user_id=user_id)


async def kinds(reader: Reader, user_id: str) -> list[str]:
    """The kinds of what a user can answer with: factors that count, and recovery codes that were not used."""
    return sorted(await reader.rows(_KINDS, user_id=user_id), key=KINDS.index)


async def insert(tx: Transaction, user_id: str, factor: Factor) -> None:
    """Store a factor that does not count yet."""
    await tx.run(
        _INSERT, id=factor.id, user_id=user_id, kind=factor.kind, name=factor.name, secret=factor.secret, now=factor.created_at
    )  # fmt: skip


async def confirm(tx: Transaction, user_id: str, id: str, step: int, now: datetime) -> None:
    """Have a factor count. The account is locked."""
    await tx.run(_CONFIRM, id=id, step=step, now=now)
    await tx.run(_KEEP, user_id=user_id, now=now)


async def used(tx: Transaction, id: str, step: int, now: datetime) -> None:
    """Note the newest code that was taken. The account is locked."""
    await tx.run(_USED, id=id, step=step, now=now)


async def delete(tx: Transaction, user_id: str, id: str, now: datetime) -> bool:
    """Delete a factor; False if the user has none of this id. The account is locked."""
    had = bool(await tx.run(_DELETE, user_id=user_id, id=id))
    await tx.run(_KEEP, user_id=user_id, now=now)
    return had


async def delete_unfinished(tx: Transaction, user_id: str) -> None:
    """Delete those that do not count. The account is locked."""
    await tx.run(_DELETE_UNFINISHED, user_id=user_id)


async def delete_all(tx: Transaction, user_id: str, now: datetime) -> None:
    """Delete all factors and codes of a user. The account is locked."""
    await tx.run(_DELETE_ALL, user_id=user_id)
    await tx.run(_KEEP, user_id=user_id, now=now)
    await tx.run(_DELETE_CODES, user_id=user_id)


async def codes(tx: Transaction, user_id: str, hashes: Sequence[bytes]) -> None:
    """Store new recovery codes in place of all others."""
    await tx.run(_DELETE_CODES, user_id=user_id)
    await tx.run(_CODES, user_id=user_id, hashes=list(hashes))


async def codes_left(reader: Reader, user_id: str) -> int:
    """How many recovery codes were not used."""
    return await reader.row(_CODES_LEFT, user_id=user_id) or 0


async def use_code(tx: Transaction, user_id: str, code_hash: bytes, now: datetime) -> bool:
    """Use a recovery code up; False if it is none, or was used."""
    return bool(await tx.run(_USE_CODE, user_id=user_id, code_hash=code_hash, now=now))


async def delete_codes(tx: Transaction, user_id: str) -> None:
    """Delete all recovery codes of a user."""
    await tx.run(_DELETE_CODES, user_id=user_id)
