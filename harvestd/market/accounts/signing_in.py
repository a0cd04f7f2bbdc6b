"""What a sign-in gives its client: the user, and a pair of tokens."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from twisted.logger import Logger

from harvestd.kernel import email_addresses
from harvestd.kernel.errors import Unauthenticated, WrongCredentials
from harvestd.kernel.names import one_line
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts import actions, audit, guessing, passwords
from harvestd.market.accounts import deactivation_actions as deactivation
from harvestd.market.accounts import factor_actions as factors
from harvestd.market.accounts import passkey_actions as passkeys
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts import sign_ins as sessions
from harvestd.market.accounts.avatar_shapes import avatar_of
from harvestd.market.accounts.passkey_challenges import Purpose
from harvestd.market.accounts.password_rules import LONGEST
from harvestd.market.accounts.shapes import Login, SignedIn, User, UserFarm
from harvestd.store.postgres.statements import Reader
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import tokens
from harvestd.web.context import Caller, RequestContext
from harvestd.web.http.access_log import bounded
from harvestd.web.shapes import Named

log = Logger()
CHANGED = "the account was closed, or has another password or second factor by now; sign in again"
Value = TypeVar("Value")
#: Characters of a device's account of itself.
MAX_DEVICE = 200
#: One message whichever of the two is wrong, so as not to disclose who has an account here.
_WRONG = (
    "no account of this market has this address together with this password; look at both for typing errors and capital letters, and "
    "if the password is forgotten, set a new one"
)


async def admitted(request: RequestContext, body: Login) -> accounts.User:
    """The account with this address and password. The same refusal, after the same time, for an unknown address and a wrong password;
    and, where registering is private, for an address that was not verified. Raises ``Deactivated`` for an account at rest, unless it is to be
    opened, and ``ClosedByStaff``: both to whoever has the password alone."""
    settings, key = request.parts.settings, email_addresses.key(body.email)
    found = await accounts.by_email(request.reader, key)
    await guessing.admit(request, key, found)
    whole = len(body.password) <= LONGEST  # no account has a longer one; refusing it takes equally long
    stored = found.password_hash if found else None
    good = await passwords.verified(body.password[:LONGEST], stored, passwords.place(request))
    unproven = found is not None and settings.private_registration and not found.verified
    if found is None or not (good and whole) or unproven:
        log.info("sign-in failed for {account}", account=bounded(key), address=request.address)
        raise WrongCredentials(_WRONG)
    deactivation.check(found, body.reactivate)
    return await _rehashed(request, body, found) if passwords.outdated(found.password_hash) else found


async def _rehashed(request: RequestContext, body: Login, user: accounts.User) -> accounts.User:
    """The account, once its password is stored as it would be today. Of several sign-ins at once one stores its hash; the others begin again,
    since the password may be another one by now."""
    fresh = await passwords.hashed(body.password, passwords.place(request))
    if await request.write(lambda unit: accounts.rehash(unit.tx, user, fresh)):
        return msgspec.structs.replace(user, password_hash=fresh)
    return await admitted(request, body)


def device(request: RequestContext) -> str:
    """What signs in, by its own account: the ``User-Agent``, as far as it can be shown."""
    return one_line(request.headers.get("user-agent", ""))[:MAX_DEVICE]


async def note_opened(request: RequestContext, unit: UnitOfWork, user: accounts.User) -> None:
    """At the end of a sign-in: note that it has opened the account, if that was at rest."""
    if user.deactivated:
        await audit.note(request, unit, "account.reactivated", user.id)


async def second_step(
    unit: UnitOfWork, user: accounts.User, code: str | None, passkey: str | None,
    purpose: Purpose = Purpose.SECOND_STEP, about: str = "",
) -> None:  # fmt: skip
    """Ask for a code, or the answer of a passkey, of an account that has a second factor. Raises ``SecondFactorNeeded``, ``WrongSecondFactor``
    and ``WrongPasskey``, which all say that the password, or the mailed link, was right: a wrong one is refused before."""
    if not user.second_factor:
        return
    if code is not None:
        await factors.check(unit, user.id, code)
    elif passkey is not None:
        await passkeys.check(unit, user.id, passkey, purpose, about or user.id)
    else:
        raise await factors.needed(unit, user)


async def written(request: RequestContext, work: Callable[[UnitOfWork], Awaitable[Value]]) -> Value:
    """A unit of work that signs somebody in or confirms. If it is refused because a passkey may have been copied, that is noted, and its owner
    is told."""
    try:
        return await request.write(work)
    except passkeys.Copied as refused:
        found = refused.passkey

        async def note(unit: UnitOfWork) -> None:
            await audit.note(request, unit, "passkey.copied", found.user_id, f"second_factor:{found.id}")

        await request.write(note)
        raise


async def begun(
    request: RequestContext, unit: UnitOfWork, user_id: str, checked: accounts.User | None = None
) -> SignedIn:
    """A new sign-in, with its first pair of tokens. Raises ``Unauthenticated`` if the account is closed, or its credentials are not those of
    ``checked`` any more."""
    session = request.new_id()
    expires = expiry(request, request.machine_now)
    place = guessing.place_of(request)
    if not await sessions.begin(
        unit.tx, session, user_id, request.machine_now, expires, place, "tokens", device(request), checked
    ):
        raise Unauthenticated(CHANGED)
    noted(request, unit, user_id)
    return await renewed(request, unit, user_id, session, secrets.token_urlsafe(32))


def noted(request: RequestContext, unit: UnitOfWork, user_id: str) -> None:
    """Have the log say who signed in, and how, once it is so."""
    how, address = request.route.operation, request.address
    unit.on_commit(lambda: log.info("{user_id} signed in by {how}", user_id=user_id, how=how, address=address))


def expiry(request: RequestContext, begun_at: datetime) -> datetime:
    """When the next refresh token, or session, of a sign-in expires: so long after its last use, and after its beginning."""
    settings = request.parts.settings
    return min(
        request.machine_now + timedelta(seconds=settings.refresh_token_ttl),
        begun_at + timedelta(seconds=settings.sign_in_ttl),
    )


async def renewed(
    request: RequestContext, unit: UnitOfWork, user_id: str, session: str, secret: str, stored: bool = False,
    begun_at: datetime | None = None,
) -> SignedIn:  # fmt: skip
    """A pair of tokens for a sign-in that is new, or locked: ``secret`` is the refresh token, which may be ``stored`` already."""
    settings, tx = request.parts.settings, unit.tx
    expires = expiry(request, begun_at or request.machine_now)
    user = await own(tx, user_id)
    if not stored:
        await sessions.add_token(
            tx, request.new_id(), session, user_id, secret_hash(secret), request.machine_now, expires
        )
    await unit.tell(actions.SignedIn(user_id, request))
    caller = Caller(user_id=user_id, role=user.role, session=session)
    return SignedIn(
        user=user, access_token=tokens.issue(request.parts.secret, caller, request.machine_now, settings.access_token_ttl),
        refresh_token=secret, token_type="Bearer", expires_in=int(settings.access_token_ttl),
    )  # fmt: skip


async def own(reader: Reader, user_id: str) -> User:
    """A user's own account. Raises ``Unauthenticated`` if it is closed."""
    found = await accounts.by_id(reader, user_id)
    if found is None or not found.active:
        raise Unauthenticated("the account is closed")
    belongs = await accounts.belongs(reader, user_id)
    return User(
        id=found.id, email=found.email, email_verified=found.verified, username=found.username, name=found.name, role=found.role,
        avatar=avatar_of(found.avatar), phone=found.phone, language=found.language,
        farms=[UserFarm(id=one.id, slug=one.slug, name=one.name, role=one.role) for one in belongs if one.kind == "farm"],
        groups=[Named(id=one.id, slug=one.slug, name=one.name) for one in belongs if one.kind == "group"],
    )  # fmt: skip


async def farms(reader: Reader, user_id: str) -> list[UserFarm]:
    """The farms that a user belongs to."""
    found = await accounts.farms_of(reader, user_id)
    return [UserFarm(id=f.farm_id, slug=f.slug, name=f.name, role=f.role) for f in found]
