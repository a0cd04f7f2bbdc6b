"""API keys of an account: made, listed, ended."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.names import accept, clean_name, named
from harvestd.kernel.permissions import SCOPES, may
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts import actions, audit, confirming
from harvestd.market.accounts import key_rows as rows
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.key_rows import KeyRow
from harvestd.market.accounts.key_shapes import ApiKey, KeysQuery, NewApiKey, NewKey
from harvestd.web.authentication import KEY_PREFIX
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset

MAX_NAME, MAX_KEYS = 100, 50
#: Characters of a secret by which its owner knows it again.
HINT = 8


async def create(request: RequestContext, body: NewKey) -> Result:
    """Make a key; its secret is in this answer alone."""
    await confirming.check(request)
    caller, unit = request.user, request.work
    given = {"name": body.name, "scopes": body.scopes, "expires_at": body.expires_at}
    accept(*faults(request, given), message="the key cannot be made")
    name = named("name", body.name, MAX_NAME)
    await accounts.lock(unit.tx, caller.user_id)
    if await rows.count(unit.tx, caller.user_id) >= MAX_KEYS:
        message = f"an account has {MAX_KEYS} keys at most; delete one first"
        raise Invalid.of("name", message, "not-accepted", reason="too-many-keys")
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    scopes = sorted(set(body.scopes))
    row = KeyRow(unit.new_id(), name, secret[:HINT], scopes, request.machine_now, body.expires_at, None)
    await rows.insert(unit.tx, row, caller.user_id, secret_hash(secret))
    await audit.note(request, unit, "api_key.created", caller.user_id, f"api_key:{row.id}", None, {"scopes": scopes})
    shown = NewApiKey(**_fields(row), key=secret)
    return Result(shown, headers=(("Location", f"/api/users/me/api-keys/{row.id}"),))


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields, independent of the others."""
    name, scopes, expires_at = (given.get(field) for field in ("name", "scopes", "expires_at"))
    found = [clean_name("name", name, MAX_NAME)] if isinstance(name, str) else []
    wrong = [one for one in found if isinstance(one, FieldError)]
    if isinstance(scopes, list):
        wrong += _scope_faults(scopes, request.user.role)
    if isinstance(expires_at, datetime) and expires_at <= request.machine_now:
        message = "must be in the future"
        wrong.append(FieldError("expires_at", message, code="not-accepted", params={"reason": "in-the-past"}))
    return wrong


def _scope_faults(scopes: Sequence[Any], role: str) -> Iterator[FieldError]:
    if not scopes:
        yield FieldError(
            "scopes", "must name one scope at least", code="too-short", params={"minimum": "1", "reason": "elements"}
        )
    for n, scope in enumerate(scopes):
        if isinstance(scope, str) and not may(role, SCOPES[scope]):
            message = "is a right that your account does not have"
            yield FieldError(f"scopes[{n}]", message, code="not-accepted", params={"reason": "not-your-right"})


def _fields(row: KeyRow) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "hint": row.hint, "scopes": row.scopes, "created_at": row.created_at,
        "expires_at": row.expires_at, "last_used_at": row.last_used_at,
    }  # fmt: skip


async def listed(request: RequestContext, query: KeysQuery) -> CountedPage[ApiKey]:
    """The caller's keys, newest first, without their secrets."""
    keyset = Keyset(query, "api-keys", (UUID,), lambda row: (row.id,))
    after = keyset.after
    found = await rows.listed(request.reader, request.user.user_id, after[0] if after else None, keyset.ask)
    shown, following = keyset.page(found)
    total = await rows.count(request.reader, request.user.user_id) if query.count else None
    return CountedPage([ApiKey(**_fields(row)) for row in shown], following, total)


async def end(request: RequestContext) -> None:
    """End a key."""
    confirming.check_oneself(request)
    unit, user_id = request.work, request.user.user_id
    if not await rows.end(unit.tx, request.id("id"), user_id, unit.machine_now):
        raise NotFound("you have no such key")
    actions.ended(unit, user_id)
    await audit.note(request, unit, "api_key.ended", user_id, f"api_key:{request.id('id')}")
