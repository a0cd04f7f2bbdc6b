"""Accounts: registration, sign-in, and token rotation."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from harvestd.kernel.errors import FieldError, NotFound, Unauthenticated
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts import actions, guessing, passwords
from harvestd.market.accounts import deactivation_actions as deactivation
from harvestd.market.accounts import rows as store
from harvestd.market.accounts import rules as market
from harvestd.market.accounts import sign_ins as sessions
from harvestd.market.accounts.avatar_shapes import avatar_of
from harvestd.market.accounts.shapes import Login, LogoutQuery, PublicUser, Refresh, Register, SignedIn, User
from harvestd.market.accounts.signing_in import (
    admitted,
    begun,
    expiry,
    farms,
    note_opened,
    own,
    renewed,
    second_step,
    written,
)
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext, Result

#: How long after its use a refresh token still gives what it gave.
GRACE = timedelta(seconds=10)


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a registration, independent of the others."""
    settings = request.parts.settings
    return market.faults(given, settings.password_least, passwords.common(), settings.market_name)


async def register(request: RequestContext, body: Register) -> Result:
    """Create an account, with the farm for a farmer, and sign it in; or, where nobody may learn who has an account, answer the
    same whether or not the address has one, and let a mail tell the rest."""
    new = market.register(
        email=body.email, username=body.username, password=body.password, name=body.name, role=body.role,
        farm_name=body.farm_name, least=request.parts.settings.password_least, common=passwords.common(), market=request.parts.settings.market_name,
        language=request.language_asked,
    )  # fmt: skip
    await guessing.admit_new(request)
    where = passwords.place(request)
    password_hash = await passwords.hashed(body.password, where)  # before the transaction: it takes a tenth of a second
    user_id = request.new_id()

    async def work(unit: UnitOfWork) -> Result:
        if request.parts.settings.private_registration:
            await actions.register_privately(unit, new, user_id, password_hash)
            return Result(None, status=202)
        await actions.register(unit, new, user_id, password_hash)
        signed_in = await begun(request, unit, user_id)
        return Result(signed_in, headers=(("Location", f"/api/users/{user_id}"),))

    return await request.write(work)


async def login(request: RequestContext, body: Login) -> SignedIn:
    """Sign in. The same answer, after the same time, for an unknown address and a wrong password."""
    user = await admitted(request, body)

    async def work(unit: UnitOfWork) -> SignedIn:
        before = await deactivation.reopen(unit, user, body.reactivate)
        await second_step(unit, user, body.code, body.passkey)
        signed_in = await begun(request, unit, user.id, user)
        await note_opened(request, unit, before)
        return signed_in

    return await written(request, work)


async def refresh(request: RequestContext, body: Refresh) -> SignedIn:
    """Exchange a refresh token for the next pair. Reuse ends the whole sign-in, since two parties hold the token; but who asks
    again at once, as two tabs of a browser do, gets the same next token as the first, as long as nobody has used that."""
    following = _successor(request.parts.secret, body.refresh_token)

    async def work(unit: UnitOfWork) -> SignedIn | None:
        """The next pair, or None: no error is raised here, so that the end of a sign-in is committed."""
        token = await sessions.lock(unit.tx, secret_hash(body.refresh_token))
        if token is None or token.ended_at is not None or token.expires_at <= unit.machine_now:
            return None
        if expiry(request, token.begun_at) <= unit.machine_now:
            return None
        first = await sessions.use_token(unit.tx, token.id, unit.machine_now)
        if not first and not await sessions.renewed_lately(
            unit.tx, token.id, secret_hash(following), unit.machine_now - GRACE
        ):
            await actions.end(unit, token.user_id, token.session)
            return None
        return await renewed(
            request, unit, token.user_id, token.session, following, stored=not first, begun_at=token.begun_at
        )

    found = await request.write(work)
    if found is None:
        raise Unauthenticated("this sign-in has ended; sign in again")
    return found


def _successor(secret: str, token: str) -> str:
    """The refresh token that follows one: made of it and of the market's secret, so that whoever asks twice gets the same."""
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"harvest.refresh").digest()
    following = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=32, key=key).digest()
    return base64.urlsafe_b64encode(following).rstrip(b"=").decode()


async def logout(request: RequestContext, query: LogoutQuery) -> None:
    """End this sign-in, or all of the account's. Issued access tokens are invalid from now on. Whoever acts for somebody ends that
    alone: the others are not theirs."""
    user = request.user

    async def work(unit: UnitOfWork) -> None:
        if query.everywhere and not user.actor:
            await actions.end_all(unit, user.user_id)
        else:
            await actions.end(unit, user.user_id, user.session)

    await request.write(work)


async def me(request: RequestContext) -> User:
    """The caller."""
    return await own(request.reader, request.user.user_id)


async def public(request: RequestContext) -> PublicUser:
    """A person as others see them."""
    found = await store.by_id(request.reader, request.id("id"))
    if found is None or not found.active:
        raise NotFound("there is no such user")
    return PublicUser(
        id=found.id, username=found.username, name=found.name, role=found.role, avatar=avatar_of(found.avatar),
        farms=await farms(request.reader, found.id),
    )  # fmt: skip
