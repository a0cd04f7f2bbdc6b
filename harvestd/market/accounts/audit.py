"""The audit log: who did what, for whom, what it was before, from where, and in which request.

An entry is part of the transaction of what it tells. It takes a lock that all entries take, so it comes last in a unit of work.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
import msgspec

from harvestd.kernel.events import Event
from harvestd.market.accounts.audit_actions import ACTED
from harvestd.runtime.tracing import current_trace
from harvestd.store import counting
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import ActedFor, Caller, RequestContext

#: Fields of bodies that are kept nowhere.
SECRET = frozenset({"password", "code", "passkey", "token", "challenge", "refresh_token"})
#: Fields of which it is kept that they were sent, and not what: the log outlives the person.
PERSONAL = frozenset({
    "name", "username", "email", "phone", "avatar", "recipient", "label", "address", "note", "fulfilment", "fulfilments",
    "location", "pickup_points", "filename", "away", "delivery",
})  # fmt: skip

#: What the collections in paths have, by the words of the log. Whatever else a path has (a mailed secret) is kept nowhere.
THINGS = {
    "farms": "farm", "products": "product", "categories": "category", "orders": "order", "users": "user", "addresses": "address",
    "api-keys": "api_key", "sessions": "sign_in", "second-factors": "second_factor", "identities": "identity", "items": "product", "groups": "group", "documents": "document", "operations": "operation",
    "rules": "search_rule", "market-days": "market_day", "pickup-points": "pickup_point", "market-schedules": "market_schedule",
    "fees": "fee", "tax-rates": "tax_rate", "coupons": "coupon",
}  # fmt: skip
#: Actions whose subject is mailed, since somebody else may have done it in their name; True for those that one does oneself, too.
TOLD = {
    "api_key.created": True, "second_factor.added": True, "second_factor.removed": True, "second_factor.codes_renewed": True,
    "passkey.copied": True, "identity.linked": True, "identity.removed": True,
    "account.password_removed": True, "account.changed": False, "account.deactivated": True, "account.reactivated": True, "account.export_begun": True,
    "account.impersonated": False,
}  # fmt: skip


class Entry(msgspec.Struct, frozen=True):
    """One entry, with the names of those in it."""

    seq: int
    id: str
    at: datetime
    actor_id: str | None
    actor_name: str | None
    subject_id: str | None
    subject_name: str | None
    action: str
    object: str
    before: dict[str, Any]
    after: dict[str, Any]
    address: str
    request_id: str


@attrs.frozen
class Which:
    """Entries of an actor, a subject, an action, an object, and from ``since`` to before ``until``; None stands for any."""

    actor: str | None = None
    subject: str | None = None
    action: str | None = None
    object: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_INSERT = Statement(
    "audit.insert",
    """insert into audit (id, at, actor_id, subject_id, action, object, before, after, address, request_id)
       values (:id, :now, :actor_id, :subject_id, :action, :object, :before, :after, :address, :request_id)""",
    nothing,
)
_BY_SLUG = {
    thing: Statement(f"audit.{thing}", f"select {id}::text from {table} where slug = :slug", scalar)
    for thing, table, id in (("farm", "farm_slugs", "farm_id"), ("product", "products", "id"))
}
_WHICH = """(:actor::uuid is null or a.actor_id = :actor) and (:subject::uuid is null or a.subject_id = :subject)
          and (:action::text is null or a.action = :action) and (:object::text is null or a.object = :object)
          and (:since::timestamptz is null or a.at >= :since) and (:until::timestamptz is null or a.at < :until)"""
_COUNT = counting.counting("audit.count", f"audit a where {_WHICH}")
_LIST = Statement(
    "audit.list",
    f"""select a.seq, a.id, a.at, a.actor_id, u.name, a.subject_id, s.name, a.action, a.object, a.before, a.after, a.address, a.request_id
         from audit a left join users u on u.id = a.actor_id left join users s on s.id = a.subject_id
        where a.seq < coalesce(:after::bigint, 9223372036854775807)
          and {_WHICH}
        order by a.seq desc limit :limit""",
    Entry,
)


def acting(caller: Caller) -> str:
    """The id of who does what this caller does: whoever acts for somebody else does it themselves."""
    return caller.actor or caller.user_id


async def note(
    request: RequestContext, unit: UnitOfWork, action: str, subject_id: str | None, object: str = "",
    before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Note what the caller does, to or for ``subject_id``. Somebody who acts for another is the actor, and the other the subject."""
    caller = request.caller
    actor = acting(caller) if caller is not None else subject_id
    subject = (
        subject_id if subject_id is not None else (caller.user_id if caller is not None and caller.actor else None)
    )
    if subject is not None and action in TOLD and (TOLD[action] or actor != subject):
        for to in _become(after or {}) if action == "account.changed" else ("",):
            unit.record(Event("account.noted", f"user:{subject}", 1, {"user_id": subject, "action": action, "to": to}))
    await unit.tx.run(
        _INSERT, id=unit.new_id(), now=unit.machine_now, actor_id=actor, subject_id=subject, action=action, object=object,
        before=dict(before or {}), after=dict(after or {}), address=request.address, request_id=current_trace().request_id,
    )  # fmt: skip


def _become(after: Mapping[str, Any]) -> list[str]:
    """What an account has become: each is told by itself. One at rest that the staff take from its owner was closed, though it was not open."""
    closed = not after.get("active", False)
    state = ["closed" if closed else "opened"] if after.keys() & {"active", "deactivated"} else []
    return [*state, *([after["role"]] if "role" in after else [])]


async def acted(unit: UnitOfWork, happening: ActedFor) -> None:
    """Note that somebody changed something for somebody else, whatever it was."""
    request = happening.request
    own, sent = request.user.user_id, {} if request.body is None else msgspec.to_builtins(request.body)
    about = await _object(unit, request) or f"user:{own}"
    await note(request, unit, f"{ACTED}{request.route.operation_id}", own, about, None, _impersonal(sent))


async def _object(unit: UnitOfWork, request: RequestContext) -> str | None:
    """What a request is about: the first thing that its path names, by its id."""
    words = request.route.path.split("/")
    for collection, word in itertools.pairwise(words):
        if word.startswith("{") and collection in THINGS:
            thing, given = THINGS[collection], request.path[word[1:-1]]
            found = None if thing not in _BY_SLUG else await unit.tx.row(_BY_SLUG[thing], slug=given)
            return f"{thing}:{found or given}"
    return None


def _impersonal(value: Any) -> Any:
    """What was sent, without secrets, and without what is a person's own, however deep."""
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if name not in SECRET and one not in (None, "")}
        return {name: "…" if name in PERSONAL else _impersonal(one) for name, one in kept.items()}
    return [_impersonal(one) for one in value] if isinstance(value, list) else value


async def listed(reader: Reader, after: int | None, limit: int, which: Which) -> list[Entry]:
    """Entries, newest first."""
    return await reader.rows(_LIST, after=after, limit=limit, **attrs.asdict(which))


async def count(reader: Reader, which: Which) -> int:
    """How many such entries there are, up to the counting limit."""
    return await counting.count(reader, _COUNT, **attrs.asdict(which))
