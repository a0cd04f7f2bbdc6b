"""Rate limits on sign-ins, against brute force and credential stuffing, that do not lock out the account's owner.

Three limits, each counted before the password is checked: by address (``rate_login_address``, at the gate), by account and
address together (``rate_login``), and by account over all addresses (``rate_login_account``). The last one stops an attacker with
many addresses, and would lock out the owner with them; so it does not apply to an address from which the account has signed in before,
or from which its owner has set a new password by a mail: that is the way in at a new place while somebody guesses from everywhere.
An IPv6 address counts by its /64. Only a digest of it is stored, which cannot be reversed without the market's secret.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts import sign_ins as sessions
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext
from harvestd.web.http.client_address import bucket_of
from harvestd.web.rate_limits import Limits


def place_of(request: RequestContext) -> bytes:
    """The caller's address, as it is stored."""
    key = hashlib.blake2b(request.parts.secret.encode(), digest_size=32, person=b"harvest.places").digest()
    return hashlib.blake2b(
        bucket_of(request.address).encode("utf-8", "surrogatepass"), digest_size=16, key=key
    ).digest()


async def remember(request: RequestContext, unit: UnitOfWork, user_id: str) -> None:
    """Take the caller's address for one where the account has signed in: whoever asks has read its mail. It is kept as a sign-in
    that never was (of the kind ``place``, and ended), for as long as one that goes on."""
    session, settings = request.new_id(), request.parts.settings
    expires = request.machine_now + timedelta(seconds=settings.refresh_token_ttl)
    await sessions.begin(unit.tx, session, user_id, request.machine_now, expires, place_of(request), "place")
    await sessions.end(unit.tx, session, user_id, request.machine_now)


async def admit_new(request: RequestContext) -> None:
    """Count one valid registration; one with a typing error does not count. Raises ``TooMany``."""
    await _count(request, "rate_register", f"address:{bucket_of(request.address)}", "registration")


async def admit_mail(request: RequestContext) -> None:
    """Count one request for a mail, whatever the address. Raises ``TooMany``. (How many mails an account gets is bounded where they are
    made, without a word to whoever asks: a limit by account would let strangers keep its owner from asking.)"""
    await _count(request, "rate_recovery", f"address:{bucket_of(request.address)}", "recovery")


async def admit_known(request: RequestContext, key: str) -> None:
    """The same of whoever has a sign-in, or a passkey, which nobody guesses: strangers' tries from elsewhere do not count. Raises ``TooMany``."""
    await _count(request, "rate_login", f"account:{key}:{bucket_of(request.address)}", "sign-in")


async def admit_confirmation(request: RequestContext, key: str) -> None:
    """The same of whoever confirms who they are: nobody without a sign-in of the account can use these tries up. Raises ``TooMany``."""
    await _count(request, "rate_login", f"confirm:{key}:{bucket_of(request.address)}", "confirmation")


async def admit_link(request: RequestContext, token_hash: bytes) -> None:
    """The same of whoever names the address that a link went to, from whichever place: nobody without its token can use these tries up. Raises
    ``TooMany``."""
    await _count(request, "rate_login", f"link:{token_hash.hex()}", "sign-in")


async def admit(request: RequestContext, key: str, user: accounts.User | None) -> None:
    """Count one sign-in attempt for the normalised e-mail address ``key``, whose account is ``user``, if there is one. Raises
    ``TooMany``. What is left of ``rate_login_account`` is told to nobody: it would show when others sign in."""
    await admit_known(request, key)
    limits = Limits(request.parts.settings, request.parts.limiter)
    _, refusal = await limits.count("rate_login_account", f"account:{key}", "sign-in")
    if refusal is not None and (user is None or not await sessions.known(request.reader, user.id, place_of(request))):
        raise refusal


async def _count(request: RequestContext, name: str, who: str, endpoint: str) -> None:
    """Count, and tell what is left."""
    headers, refusal = await Limits(request.parts.settings, request.parts.limiter).count(name, who, endpoint)
    if refusal is not None:
        raise refusal
    request.limited(headers)
