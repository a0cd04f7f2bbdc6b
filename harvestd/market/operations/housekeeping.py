"""Housekeeping: deletion of data whose retention has ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from harvestd.market.accounts import identity_rows as identities
from harvestd.market.accounts import passkey_challenges as challenges
from harvestd.market.accounts import recovery_rows as recovery
from harvestd.market.accounts import sign_ins as sessions
from harvestd.market.carts import rows as carts
from harvestd.market.long_work import rows as operations
from harvestd.market.notifications import mail_rows as mails
from harvestd.market.search import miss_rows as misses
from harvestd.market.search.elasticsearch import builds as search_builds
from harvestd.market.search.postgres import pending as search_pending
from harvestd.parts import Parts
from harvestd.store import idempotency, inbox, outbox, trials
from harvestd.store.leases import GoingOn, always
from harvestd.store.postgres.transactions import Transaction
from harvestd.unit_of_work import change

Result = TypeVar("Result")

#: How long a guest's cart is kept without a change.
CART_KEPT = timedelta(days=30)
#: Events that some queue has not handled (dead letters, say) are kept this many times ``outbox_keep``, so that they can be replayed.
UNHANDLED = 10
#: Rows of a kind deleted in one transaction, to keep each short; and the number of such transactions in one run.
BATCH, ROUNDS = 1000, 50
#: Operations deleted in one transaction: each may have a file of many pieces.
OPERATIONS = 20


#: Deletes a batch of one kind of rows; returns how many there were.
Kind = Callable[[Transaction, Parts, datetime], Awaitable[int]]
KINDS: tuple[Kind, ...] = (
    lambda tx, parts, now: idempotency.forget(tx, now, parts.settings.idempotency_ttl, BATCH),
    lambda tx, parts, now: outbox.purge(
        tx, now - _kept(parts), now - UNHANDLED * _kept(parts), parts.topology.bindings, BATCH
    ),
    # an event's marks are deleted after the event itself, so that `check` never misses one
    lambda tx, parts, now: inbox.purge(tx, now - _kept(parts) - timedelta(days=1), BATCH),
    lambda tx, parts, now: mails.purge(tx, now - _kept(parts), BATCH),
    # people mean a month by the market's clock; all else here goes by the machine's
    lambda tx, parts, now: carts.delete_old(tx, parts.now() - CART_KEPT),
    lambda tx, parts, now: sessions.delete_expired(tx, now, BATCH),
    lambda tx, parts, now: recovery.delete_expired(tx, now - timedelta(days=1), BATCH),
    # an hour late: no process, whatever its clock, may still take what is no longer known to be answered
    lambda tx, parts, now: challenges.delete_expired(tx, now - timedelta(hours=1), BATCH),
    lambda tx, parts, now: identities.delete_spent(tx, now, BATCH),
    lambda tx, parts, now: misses.purge(tx, (now - timedelta(seconds=parts.settings.search_misses_keep)).date(), BATCH),
    lambda tx, parts, now: operations.sweep(tx, now - timedelta(seconds=parts.settings.operations_keep), OPERATIONS),
)


async def tidy(parts: Parts, going_on: GoingOn = always) -> None:
    """Delete old idempotency keys, marks, sent events, sent mail, carts, tokens and sign-ins, and operations, a batch at a time."""
    now = parts.machine_now()
    if not parts.settings.elasticsearch_url:
        await _deleted(parts, search_pending.forget)
        await _deleted(parts, search_builds.forget)
    await _deleted(parts, trials.forget)
    for kind in KINDS:
        for _ in range(ROUNDS):
            if not await going_on():
                return
            if not await _batch(parts, kind, now):
                break


async def _batch(parts: Parts, kind: Kind, now: datetime) -> int:
    return await _deleted(parts, lambda tx: kind(tx, parts, now))


def _kept(parts: Parts) -> timedelta:
    return timedelta(seconds=parts.settings.outbox_keep)


async def _deleted(parts: Parts, delete: Callable[[Transaction], Awaitable[Result]]) -> Result:
    """In a unit of work of its own; the statements look for many rows, so they are planned for what they find."""
    return await change(parts, lambda unit: delete(unit.tx), by_keys=False)
