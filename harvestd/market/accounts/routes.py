"""Accounts: registration, sign-in, and token rotation."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from twisted.logger import Logger

from harvestd.kernel import email_addresses, families
from harvestd.kernel.errors import FieldError, NotFound, Unauthenticated, WrongCredentials
from harvestd.market.accounts import actions, guessing, passwords
from harvestd.market.accounts import rows as store
from harvestd.market.accounts import rules as market
from harvestd.market.accounts import sign_ins as sessions
from harvestd.market.accounts.password_rules import LONGEST
from harvestd.market.accounts.shapes import Login, LogoutQuery, PublicUser, Refresh, Register, SignedIn, User, UserFarm
from harvestd.store.postgres.database import Reader
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import tokens
from harvestd.web.context import Caller, RequestContext
from harvestd.web.http.access_log import bounded

log = Logger()
#: One message whichever of the two is wrong, so as not to disclose who has an account here.
_WRONG = (
    "no account of this market has this address together with this password; look at both for typing errors and capital letters, and "
    "if the password is forgotten, ask the market's staff"
)


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a registration, independent of the others."""
    settings = request.parts.settings
    return market.faults(given, settings.password_least, passwords.common(), settings.market_name)


async def register(request: RequestContext, body: Register) -> SignedIn:
    """Create an account, with the farm for a farmer, and sign it in."""
    new = market.register(
        email=body.email, username=body.username, password=body.password, name=body.name, role=body.role,
        farm_name=body.farm_name, least=request.parts.settings.password_least, common=passwords.common(), market=request.parts.settings.market_name,
    )  # fmt: skip
    await guessing.admit_new(request)
    where = passwords.place(request)
    password_hash = await passwords.hashed(body.password, where)  # before the transaction: it takes a tenth of a second
    user_id, session = request.new_id(), request.new_id()

    async def work(unit: UnitOfWork) -> SignedIn:
        await actions.register(unit, new, user_id, password_hash)
        return await _signed_in(request, unit, user_id, session, begins=True)

    return await request.write(work)


async def login(request: RequestContext, body: Login) -> SignedIn:
    """Sign in. The same answer, after the same time, for an unknown address, a wrong password and a closed account."""
    key = email_addresses.key(body.email)
    found = await store.by_email(request.reader, key)
    await guessing.admit(request, key, found)
    whole = len(body.password) <= LONGEST  # no account has a longer one; refusing it takes equally long
    stored = found.password_hash if found else None
    good = await passwords.verified(body.password[:LONGEST], stored, passwords.place(request))
    if found is None or not (good and whole) or not found.active:
        log.info("sign-in failed for {account}", account=bounded(key), address=request.address)
        raise WrongCredentials(_WRONG)
    user_id, session = found.id, request.new_id()
    return await request.write(lambda unit: _signed_in(request, unit, user_id, session, begins=True))


async def refresh(request: RequestContext, body: Refresh) -> SignedIn:
    """Exchange a refresh token for the next pair. Reuse ends the whole sign-in, since two parties hold the token."""

    async def work(unit: UnitOfWork) -> SignedIn | None:
        """The next pair, or None: no error is raised here, so that the end of a sign-in is committed."""
        token = await sessions.lock(unit.tx, _digest(body.refresh_token))
        if token is None or token.ended_at is not None or token.expires_at <= unit.now:
            return None
        if not await sessions.use_token(unit.tx, token.id, unit.now):
            await sessions.end(unit.tx, token.session, token.user_id, unit.now)
            _ended(unit, token.user_id)
            return None
        return await _signed_in(request, unit, token.user_id, token.session)

    renewed = await request.write(work)
    if renewed is None:
        raise Unauthenticated("this sign-in has ended; sign in again")
    return renewed


async def logout(request: RequestContext, query: LogoutQuery) -> None:
    """End this sign-in, or all of the account's. Issued access tokens are invalid from now on."""
    user = request.user

    async def work(unit: UnitOfWork) -> None:
        if query.everywhere:
            await sessions.end_all(unit.tx, user.user_id, unit.now)
        else:
            await sessions.end(unit.tx, user.session, user.user_id, unit.now)
        _ended(unit, user.user_id)

    await request.write(work)


async def me(request: RequestContext) -> User:
    """The caller."""
    return await _user(request.reader, request.user.user_id)


async def public(request: RequestContext) -> PublicUser:
    """A person as others see them."""
    found = await store.by_id(request.reader, request.id("id"))
    if found is None or not found.active:
        raise NotFound("there is no such user")
    farms_ = await store.farms_of(request.reader, found.id)
    return PublicUser(
        id=found.id, username=found.username, name=found.name, role=found.role, avatar=found.avatar,
        farms=[UserFarm(id=f.farm_id, slug=f.slug, name=f.name, role=f.role) for f in farms_],
    )  # fmt: skip


async def _user(reader: Reader, user_id: str) -> User:
    found = await store.by_id(reader, user_id)
    if found is None or not found.active:
        raise Unauthenticated("the account is closed")
    farms_ = await store.farms_of(reader, user_id)
    return User(
        id=found.id, email=found.email, username=found.username, name=found.name, role=found.role, avatar=found.avatar,
        phone=found.phone,
        farms=[UserFarm(id=f.farm_id, slug=f.slug, name=f.name, role=f.role) for f in farms_],
    )  # fmt: skip


def _ended(unit: UnitOfWork, user_id: str) -> None:
    """Notify every process at the commit; if this one crashes before it does, a worker notifies them."""
    unit.record(families.stale(f"user:{user_id}", 1, families.sign_ins(user_id)))
    unit.on_commit(lambda: unit.parts.sign_ins.ended(user_id))


async def _signed_in(
    request: RequestContext, unit: UnitOfWork, user_id: str, session: str, begins: bool = False
) -> SignedIn:
    """A new pair of tokens for the sign-in ``session``, which either ``begins`` or is locked."""
    settings, tx = request.parts.settings, unit.tx
    expires = request.now + timedelta(seconds=settings.refresh_token_ttl)
    if begins and not await sessions.begin(tx, session, user_id, request.now, expires, guessing.place_of(request)):
        raise Unauthenticated("the account is closed")
    user = await _user(tx, user_id)
    secret = secrets.token_urlsafe(32)
    await sessions.add_token(tx, request.new_id(), session, user_id, _digest(secret), request.now, expires)
    await unit.tell(actions.SignedIn(user_id, request))
    caller = Caller(user_id=user_id, role=user.role, session=session)
    return SignedIn(
        user=user, access_token=tokens.issue(request.parts.secret, caller, request.now, settings.access_token_ttl),
        refresh_token=secret, token_type="Bearer", expires_in=int(settings.access_token_ttl),
    )  # fmt: skip


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
