"""Rows of notices, and of the recipients of messages about orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import attrs
import msgspec

from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


class Notification(msgspec.Struct, frozen=True):
    """One notice in a person's feed, in the language that it was told in; ``facts`` are what it tells, for another one:
    ``of`` which message and its ``values``, or nothing."""

    id: str
    kind: str
    title: str
    body: str
    data: dict[str, Any]
    created_at: datetime
    read_at: datetime | None
    language: str
    facts: dict[str, Any]


@attrs.frozen(kw_only=True)
class Notice:
    """A notice to be stored once: ``dedupe_key`` is the event, the person, and the farm whose member they are, or "buyer"."""

    user_id: str
    kind: str
    title: str
    body: str
    data: dict[str, Any]
    dedupe_key: str
    language: str = "en"
    facts: dict[str, Any] = attrs.field(factory=dict)


class Person(msgspec.Struct, frozen=True):
    """A recipient: the buyer (``farm_id`` None) or a member of a farm; ``language`` is the one that they chose, if they did, and ``verified``
    whether the address is known to be theirs."""

    user_id: str
    email: str
    name: str
    farm_id: str | None
    farm_name: str | None
    language: str | None = None
    verified: bool = False


_FEED = Statement(
    "notifications.feed",
    f"""select id, kind, title, body, data, created_at, read_at, language, facts from notifications
       where user_id = :user_id and id < coalesce(:after::uuid, {LAST_ID}) and (not :unread or read_at is null)
       order by id desc limit :limit""",
    Notification,
)
_COUNT = counting.counting("notifications.count", "notifications where user_id = :user_id")
_UNREAD = counting.counting("notifications.unread", "notifications where user_id = :user_id and read_at is null")
_READ = Statement(
    "notifications.read",
    """update notifications set read_at = :now
       where user_id = :user_id and read_at is null and (:ids::uuid[] is null or id = any(:ids::uuid[]))""",
    nothing,
)
_TELL = Statement(
    "notifications.tell",
    """insert into notifications (id, user_id, kind, title, body, data, dedupe_key, language, facts, created_at)
       select t.id, t.user_id, t.kind, t.title, t.body, t.data, t.key, t.language, t.facts, :now
         from unnest(:ids::uuid[], :user_ids::uuid[], :kinds::text[], :titles::text[], :bodies::text[], :data::jsonb[], :dedupe_keys::text[],
                     :languages::text[], :facts::jsonb[])
              as t(id, user_id, kind, title, body, data, key, language, facts)
       on conflict (dedupe_key) do nothing""",
    nothing,
)
_OWNERS = Statement(
    "notifications.owners",
    """select u.id, u.email, u.name, f.id::text, f.name, u.language, u.verified_at is not null
         from farm_members m join users u on u.id = m.user_id join farms f on f.id = m.farm_id
        where m.farm_id = :farm_id and m.role = 'owner' and u.active order by u.id""",
    Person,
)
_STAFF = Statement(
    "notifications.staff",
    "select id, email, name, null, null from users where role in ('manager', 'admin') and active order by id limit 100",
    Person,
)
_PEOPLE = Statement(
    "notifications.people",
    """select u.id, u.email, u.name, null, null, u.language, u.verified_at is not null from users u where u.id = any(:buyers::uuid[]) and u.active
       union all
       select u.id, u.email, u.name, f.id::text, f.name, u.language, u.verified_at is not null
         from farm_members m join users u on u.id = m.user_id join farms f on f.id = m.farm_id
        where m.farm_id = any(:farms::uuid[]) and u.active""",
    Person,
)


async def feed(reader: Reader, user_id: str, after: str | None, unread: bool, limit: int) -> list[Notification]:
    """A person's notices, newest first."""
    return await reader.rows(_FEED, user_id=user_id, after=after, unread=unread, limit=limit)


async def count(reader: Reader, user_id: str) -> int:
    """How many notices a person has, up to the counting limit."""
    return await counting.count(reader, _COUNT, user_id=user_id)


async def unread(reader: Reader, user_id: str) -> int:
    """How many of them are unread, up to the counting limit."""
    return await counting.count(reader, _UNREAD, user_id=user_id)


async def mark_read(tx: Transaction, user_id: str, ids: Sequence[str] | None, now: datetime) -> int:
    """Mark notices read, all of them if ``ids`` is None; returns how many were unread."""
    return await tx.run(_READ, user_id=user_id, ids=list(ids) if ids is not None else None, now=now)


async def tell(tx: Transaction, notices: Sequence[Notice], new_id: Callable[[], str], now: datetime) -> None:
    """Add notices to the feeds; one that exists already is left unchanged."""
    if notices:
        await tx.run(
            _TELL, ids=[new_id() for _ in notices], user_ids=[n.user_id for n in notices], kinds=[n.kind for n in notices],
            titles=[n.title for n in notices], bodies=[n.body for n in notices], data=[n.data for n in notices],
            dedupe_keys=[n.dedupe_key for n in notices], languages=[n.language for n in notices], facts=[n.facts for n in notices], now=now,
        )  # fmt: skip


async def owners(reader: Reader, farm_id: str) -> list[Person]:
    """The owners of a farm whose accounts are active."""
    return await reader.rows(_OWNERS, farm_id=farm_id)


async def staff(reader: Reader) -> list[Person]:
    """The market's managers and admins whose accounts are active, 100 at most."""
    return await reader.rows(_STAFF)


async def people(reader: Reader, buyers: Sequence[str], farms: Sequence[str]) -> list[Person]:
    """The buyers and the members of the farms whose accounts are active."""
    return await reader.rows(_PEOPLE, buyers=list(buyers), farms=list(farms))
