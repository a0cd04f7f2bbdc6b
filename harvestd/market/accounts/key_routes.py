"""API keys of an account: made, listed, ended."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.names import accept, clean_name
from harvestd.kernel.permissions import SCOPES, may
from harvestd.market.accounts import audit, confirming
from harvestd.market.accounts import key_rows as rows
from harvestd.market.accounts.key_rows import KeyRow
from harvestd.market.accounts.key_shapes import ApiKey, KeysQuery, NewApiKey, NewKey
from harvestd.market.accounts.keys_near import digest
from harvestd.web.authentication import KEY_PREFIX
from harvestd.web.context import Page, RequestContext, Result
from harvestd.web.paging import Keyset

MAX_NAME, MAX_KEYS = 100, 50
#: Characters of a secret by which its owner knows it again.
HINT = 8


async def create(request: RequestContext, body: NewKey) -> Result:
    """Make a key; its secret is in this answer alone."""
    await confirming.check(request)
    caller, unit = request.user, request.work
    name = accept(clean_name("name", body.name, MAX_NAME), *_faults(body, caller.role, request.now))[0]
    assert isinstance(name, str)
    if await rows.count(unit.tx, caller.user_id, request.now) >= MAX_KEYS:
        message = f"an account has {MAX_KEYS} keys at most; delete one first"
        raise Invalid.of("name", message, "not-accepted", reason="too-many-keys")
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    scopes = sorted(set(body.scopes))
    row = KeyRow(unit.new_id(), name, secret[:HINT], scopes, request.now, body.expires_at, None)
    await rows.insert(unit.tx, row, caller.user_id, digest(secret))
    await audit.note(
        request, unit, "api_key.created", caller.user_id, f"api_key:{row.id}", None, {"name": name, "scopes": scopes}
    )
    shown = NewApiKey(**_fields(row), key=secret)
    return Result(shown, headers=(("Location", f"/api/users/me/api-keys/{row.id}"),))


def _faults(body: NewKey, role: str, now: datetime) -> list[FieldError]:
    found = []
    for n, scope in enumerate(body.scopes):
        if scope not in SCOPES:
            allowed = ", ".join(SCOPES)
            found.append(
                FieldError(f"scopes[{n}]", f"must be one of {allowed}", code="not-one-of", params={"allowed": allowed})
            )
        elif not may(role, SCOPES[scope]):
            message = "is a right that your account has not"
            found.append(FieldError(f"scopes[{n}]", message, code="not-accepted", params={"reason": "not-your-right"}))
    if not body.scopes:
        found.append(FieldError("scopes", "must name one scope at least", code="too-short", params={"minimum": "1"}))
    if body.expires_at is not None and body.expires_at <= now:
        found.append(FieldError("expires_at", "must be in the future", code="not-accepted", params={"reason": "in-the-past"}))
    return found


def _fields(row: KeyRow) -> dict[str, object]:
    return {
        "id": row.id, "name": row.name, "hint": row.hint, "scopes": row.scopes, "created_at": row.created_at,
        "expires_at": row.expires_at, "last_used_at": row.last_used_at,
    }  # fmt: skip


async def listed(request: RequestContext, query: KeysQuery) -> Page[ApiKey]:
    """The caller's keys, newest first, without their secrets."""
    keyset = Keyset(query, "api-keys", (UUID,), lambda row: (row.id,))
    after = keyset.after
    found = await rows.listed(request.reader, request.user.user_id, after[0] if after else None, keyset.ask)
    shown, following = keyset.page(found)
    return Page([ApiKey(**_fields(row)) for row in shown], following)  # type: ignore[arg-type]


async def end(request: RequestContext) -> None:
    """End a key."""
    unit, user_id = request.work, request.user.user_id
    if not await rows.end(unit.tx, request.id("id"), user_id, unit.now):
        raise NotFound("you have no such key")
    await audit.note(request, unit, "api_key.ended", user_id, f"api_key:{request.id('id')}")
    unit.on_commit(lambda: unit.parts.api_keys.ended(user_id))
