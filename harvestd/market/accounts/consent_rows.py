"""Rows of consents. They are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from harvestd.market.accounts import rows as accounts
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


class Consent(msgspec.Struct, frozen=True):
    """What a person said of one kind of thing, and of which version of its text."""

    kind: str
    version: str
    agreed: bool
    at: datetime


_LATEST = Statement(
    "consents.latest",
    "select distinct on (kind) kind, version, agreed, at from consents where user_id = :user_id order by kind, at desc",
    Consent,
)
_ALL = Statement(
    "consents.all", "select kind, version, agreed, at from consents where user_id = :user_id order by at, kind", Consent
)
#: One that says what the latest says is no new one.
_ADD = Statement(
    "consents.add",
    """insert into consents (user_id, kind, version, agreed, at)
       select :user_id, c.kind, c.version, c.agreed, :now
         from unnest(:kinds::text[], :versions::text[], :agreed::boolean[]) as c(kind, version, agreed)
        where not exists (select from (select version, agreed from consents
                                        where user_id = :user_id and kind = c.kind order by at desc limit 1) l
                           where l.version = c.version and l.agreed = c.agreed)
       on conflict do nothing""",
    nothing,
)


async def latest(reader: Reader, user_id: str) -> list[Consent]:
    """The latest of each kind, by kind."""
    return await reader.rows(_LATEST, user_id=user_id)


async def history(reader: Reader, user_id: str) -> list[Consent]:
    """All, oldest first."""
    return await reader.rows(_ALL, user_id=user_id)


async def add(tx: Transaction, user_id: str, given: Sequence[tuple[str, str, bool]], now: datetime) -> None:
    """Add what a person says now, as (kind, version, agreed)."""
    await accounts.lock(tx, user_id)
    kinds, versions, agreed = ([one[n] for one in given] for n in range(3))
    await tx.run(_ADD, user_id=user_id, kinds=kinds, versions=versions, agreed=agreed, now=now)
