"""Accounts: registering, signing in, and the tokens that come of it."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from harvestd.market import accounts as market
from harvestd.market import families
from harvestd.market.errors import NotFound, Unauthenticated
from harvestd.store import accounts as store
from harvestd.store import carts, outbox, registration
from harvestd.store.database import Reader, Transaction
from harvestd.web import passwords, tokens
from harvestd.web.call import Call, Caller
from harvestd.web.cart_token import hash_of, token_of
from harvestd.web.limits import Limits
from harvestd.web.shapes.accounts import Login, LogoutQuery, PublicUser, Refresh, Register, SignedIn, User, UserFarm


async def register(call: Call, body: Register) -> SignedIn:
    """Create an account, for a farmer with the farm, and sign it in."""
    new = market.register(
        email=body.email, username=body.username, password=body.password, name=body.name, role=body.role,
        farm_name=body.farm_name, least=call.parts.settings.password_least, common=passwords.common(),
    )  # fmt: skip
    password_hash = await passwords.hashed(body.password)  # before the transaction: it takes a tenth of a second
    user_id, session = call.new_id(), call.new_id()

    async def work(tx: Transaction) -> SignedIn:
        await registration.register(tx, new, user_id, password_hash, call.new_id, call.now)
        return await _signed_in(call, tx, user_id, session)

    return await call.write(work)


async def login(call: Call, body: Login) -> SignedIn:
    """Sign in. One answer, and one time, for an unknown address, a wrong password and a closed account."""
    key = market.email_key(body.email[:254])
    _, refusal = await Limits(call.parts.settings, call.parts.limiter).count("rate_login", f"account:{key}", "sign-in")
    if refusal is not None:
        raise refusal
    found = await store.by_email(call.reader, key)
    good = await passwords.verified(body.password[: market.PASSWORD_MOST], found.password_hash if found else None)
    if found is None or not good or not found.active:
        raise Unauthenticated("the address or the password is wrong")
    user_id, session = found.id, call.new_id()
    return await call.write(lambda tx: _signed_in(call, tx, user_id, session))


async def refresh(call: Call, body: Refresh) -> SignedIn:
    """Exchange a refresh token for the next pair. One that was used before ends its whole sign-in: two hold it."""

    async def work(tx: Transaction) -> SignedIn | str | None:
        """The next pair; or whose sign-in was ended: that is committed, so it is no error; or None."""
        token = await store.lock_refresh(tx, _digest(body.refresh_token))
        if token is None or token.revoked_at is not None or token.expires_at <= call.now:
            return None
        if token.used_at is not None:
            await store.revoke_family(tx, token.family_id, call.now)
            await _recorded_end(call, tx, token.user_id)
            return token.user_id
        await store.use_refresh(tx, token.id, call.now)
        return await _signed_in(call, tx, token.user_id, token.family_id)

    renewed = await call.write(work)
    if isinstance(renewed, str):
        await call.parts.sessions.ended(renewed)
    if not isinstance(renewed, SignedIn):
        raise Unauthenticated("the refresh token does not hold; sign in again")
    return renewed


async def logout(call: Call, query: LogoutQuery) -> None:
    """End this sign-in, or all of the account's. Access tokens that are out are good for nothing from now on."""
    user = call.user

    async def work(tx: Transaction) -> None:
        if query.everywhere:
            await store.revoke_all(tx, user.user_id, call.now)
        else:
            await store.revoke_family(tx, user.session, call.now)
        await _recorded_end(call, tx, user.user_id)

    await call.write(work)
    await call.parts.sessions.ended(user.user_id)


async def me(call: Call) -> User:
    """The caller."""
    return await _user(call.reader, call.user.user_id)


async def public(call: Call) -> PublicUser:
    """A person as others see them."""
    found = await store.by_id(call.reader, call.id("id"))
    if found is None or not found.active:
        raise NotFound("there is no such user")
    farms_ = await store.farms_of(call.reader, found.id)
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
        farms=[UserFarm(id=f.farm_id, slug=f.slug, name=f.name, role=f.role) for f in farms_],
    )  # fmt: skip


async def _recorded_end(call: Call, tx: Transaction, user_id: str) -> None:
    """Should this process die between the commit and telling the others, a worker tells them."""
    event = families.stale(f"user:{user_id}", 1, families.sign_ins(user_id))
    outbox.record(tx, [event], call.new_id, call.now)


async def _signed_in(call: Call, tx: Transaction, user_id: str, session: str) -> SignedIn:
    """A new pair of tokens for the sign-in ``session``; a stranger's cart becomes the user's."""
    settings = call.parts.settings
    user = await _user(tx, user_id)
    secret = secrets.token_urlsafe(32)
    expires = call.now + timedelta(seconds=settings.refresh_token_ttl)
    await store.insert_refresh(tx, call.new_id(), session, user_id, _digest(secret), call.now, expires)
    cart = token_of(call)
    if cart is not None:
        await carts.merge(tx, hash_of(cart), user_id, call.new_id(), call.now)
    caller = Caller(user_id=user_id, role=user.role, session=session)
    return SignedIn(
        user=user, access_token=tokens.issue(call.parts.secret, caller, call.now, settings.access_token_ttl),
        refresh_token=secret, token_type="Bearer", expires_in=int(settings.access_token_ttl),
    )  # fmt: skip


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
