"""Rows of operations, and of the files that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from harvestd.market.long_work.kinds import Operation
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

_COLUMNS = """id, kind, user_id, status, done, total, given, state, result, errors, claims, tries, created_at, finished_at,
              (select u.name from users u where u.id = operations.user_id)"""
_GOING = "status in ('queued', 'running')"
_ONE = Statement("operations.one", f"select {_COLUMNS} from operations where id = :id", Operation)
_LOCK = Statement("operations.lock", f"select {_COLUMNS} from operations where id = :id for no key update", Operation)
_WHICH = "(:user_id::uuid is null or user_id = :user_id) and (:status::text is null or status = :status) and (:kind::text is null or kind = :kind) and (:kinds::text[] is null or kind = any(:kinds))"
_LIST = Statement(
    "operations.list",
    f"""select {_COLUMNS} from operations where id < coalesce(:after::uuid, {LAST_ID}) and {_WHICH} order by id desc limit :limit""",
    Operation,
)
_COUNT = counting.counting("operations.count", f"operations where {_WHICH}")
#: Of somebody who has one of the kind at a time, the one that they have.
_BEGIN = Statement(
    "operations.begin",
    f"""insert into operations (id, kind, user_id, given, total, alone, due_at, created_at)
        values (:id, :kind, :user_id, :given, :total, :alone, :now, :now)
        on conflict (user_id, kind) where alone and {_GOING} do nothing returning {_COLUMNS}""",
    Operation,
)
_GOING_ON = Statement(
    "operations.going_on",
    f"select {_COLUMNS} from operations where user_id = :user_id and kind = :kind and {_GOING} order by id desc limit 1",
    Operation,
)
_CLAIM = Statement(
    "operations.claim",
    f"""update operations set status = 'running', claims = claims + 1, tries = tries + 1, due_at = :until
         where id = (select id from operations where {_GOING} and due_at <= :now order by due_at, id limit 1 for update skip locked)
        returning {_COLUMNS}""",
    Operation,
)
_ADVANCE = Statement(
    "operations.advance",
    """update operations set done = :done, total = :total, state = :state, tries = 0, due_at = :now
        where id = :id and claims = :claims and status = 'running'""",
    nothing,
)
_FINISH = Statement(
    "operations.finish",
    """update operations set status = :status, done = :done, total = :total, state = '{}', result = :result, errors = :errors, tries = 0,
              finished_at = :now
        where id = :id and claims = :claims and status = 'running'""",
    nothing,
)
_POSTPONE = Statement(
    "operations.postpone",
    "update operations set due_at = :due_at where id = :id and claims = :claims and status = 'running'",
    nothing,
)
_CANCEL = Statement(
    "operations.cancel",
    f"update operations set status = 'cancelled', finished_at = :now where id = :id and {_GOING}",
    nothing,
)
_APPEND = Statement(
    "operation_files.append",
    """insert into operation_files (operation_id, position, content)
       select :id, coalesce((select max(position) from operation_files where operation_id = :id), 0) + n, content
         from unnest(:pieces::bytea[]) with ordinality as p(content, n)""",
    nothing,
)
_SIZE = Statement(
    "operation_files.size",
    "select coalesce(sum(octet_length(content)), 0)::bigint from operation_files where operation_id = :id",
    scalar,
)
_FILE = Statement(
    "operation_files.all",
    "select content from operation_files where operation_id = :id order by position",
    scalar,
)
_DROP = Statement("operation_files.delete", "delete from operation_files where operation_id = :id", nothing)
_FORGET = Statement("operations.forget", "delete from operations where user_id = :user_id", nothing)
_SWEEP = Statement(
    "operations.sweep",
    """delete from operations where id in (
           select id from operations where finished_at < :before order by finished_at limit :limit for update skip locked)""",
    nothing,
)


async def one(reader: Reader, id: str) -> Operation | None:
    """An operation."""
    return await reader.row(_ONE, id=id)


async def lock(tx: Transaction, id: str) -> Operation | None:
    """An operation, locked."""
    return await tx.row(_LOCK, id=id)


async def listed(
    reader: Reader, user_id: str | None, after: str | None, limit: int, *, status: str | None, kind: str | None, kinds: Sequence[str] | None
) -> list[Operation]:  # fmt: skip
    """Operations, newest first; a user's, or all; of one kind, and of any of some ``kinds``, if these are given."""
    which = {"user_id": user_id, "status": status, "kind": kind, "kinds": None if kinds is None else list(kinds)}
    return await reader.rows(_LIST, **which, after=after, limit=limit)


async def count(
    reader: Reader, user_id: str | None, *, status: str | None, kind: str | None, kinds: Sequence[str] | None
) -> int:
    """How many such operations there are, up to the counting limit."""
    which = {"user_id": user_id, "status": status, "kind": kind, "kinds": None if kinds is None else list(kinds)}
    return await counting.count(reader, _COUNT, **which)


async def begin(
    tx: Transaction, id: str, kind: str, user_id: str, given: Mapping[str, Any], total: int | None, alone: bool, now: datetime
) -> Operation | None:  # fmt: skip
    """Store a new operation; None if the user has one of the kind already, and may have one."""
    return await tx.row(_BEGIN, id=id, kind=kind, user_id=user_id, given=dict(given), total=total, alone=alone, now=now)


async def going_on(reader: Reader, user_id: str, kind: str) -> Operation | None:
    """The newest of the kind that a user has, if it is not over."""
    return await reader.row(_GOING_ON, user_id=user_id, kind=kind)


async def claim(tx: Transaction, now: datetime, until: datetime) -> Operation | None:
    """The operation whose step is due first; nobody else gets it until then, unless the claimer is done with it before."""
    return await tx.row(_CLAIM, now=now, until=until)


async def advance(
    tx: Transaction, claimed: Operation, done: int, total: int | None, state: Mapping[str, Any], now: datetime
) -> bool:
    """Keep the progress of a step; False if the operation is no longer the claimer's."""
    return bool(await tx.run(
        _ADVANCE, id=claimed.id, claims=claimed.claims, done=done, total=total, state=dict(state), now=now
    ))  # fmt: skip


async def finish(
    tx: Transaction, claimed: Operation, status: str, now: datetime, *, done: int, total: int | None,
    result: Mapping[str, Any] | None = None, errors: Sequence[Mapping[str, Any]] = (),
) -> bool:  # fmt: skip
    """End an operation; False if it is no longer the claimer's."""
    return bool(await tx.run(
        _FINISH, id=claimed.id, claims=claimed.claims, status=status, done=done, total=total,
        result=None if result is None else dict(result), errors=msgspec.json.encode(errors).decode(), now=now,
    ))  # fmt: skip


async def postpone(tx: Transaction, claimed: Operation, due_at: datetime) -> None:
    """Have the step tried again then."""
    await tx.run(_POSTPONE, id=claimed.id, claims=claimed.claims, due_at=due_at)


async def cancel(tx: Transaction, id: str, now: datetime) -> bool:
    """Cancel an operation; False if it is over. A step in progress is undone when it would be kept."""
    cancelled = bool(await tx.run(_CANCEL, id=id, now=now))
    if cancelled:
        await drop_file(tx, id)
    return cancelled


async def append(tx: Transaction, id: str, pieces: Sequence[bytes]) -> None:
    """Add pieces to the end of an operation's file."""
    await tx.run(_APPEND, id=id, pieces=list(pieces))


async def size(reader: Reader, id: str) -> int:
    """Bytes of an operation's file."""
    return await reader.row(_SIZE, id=id) or 0


async def file(reader: Reader, id: str) -> bytes:
    """An operation's file."""
    return b"".join(await reader.rows(_FILE, id=id))


async def drop_file(tx: Transaction, id: str) -> None:
    """Delete an operation's file."""
    await tx.run(_DROP, id=id)


async def forget(tx: Transaction, user_id: str) -> None:
    """Delete a user's operations, with their files."""
    await tx.run(_FORGET, user_id=user_id)


async def sweep(tx: Transaction, before: datetime, limit: int) -> int:
    """Delete operations that were over before then, with their files; returns how many."""
    return await tx.run(_SWEEP, before=before, limit=limit)
