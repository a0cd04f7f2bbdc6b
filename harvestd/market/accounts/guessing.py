"""How often somebody may try to sign in, so that passwords cannot be guessed and nobody is kept out by who tries.

Three limits, each counted before the password is looked at: by address (``rate_login_address``, at the gate), by account and
address together (``rate_login``), and by account over all addresses (``rate_login_account``). The last one is what a guesser with
many addresses meets, and the owner would with him; so it does not hold where the account has signed in from before.
An address is the /64 of an IPv6 one. What is kept of it is a digest that nobody can turn back without the market's secret.
"""

from __future__ import annotations

import hashlib

from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts import sign_ins as sessions
from harvestd.web.context import RequestContext
from harvestd.web.http.client_address import bucket_of
from harvestd.web.rate_limits import Limits


def place_of(request: RequestContext) -> bytes:
    """Where the caller is, as it is stored."""
    key = hashlib.blake2b(request.parts.secret.encode(), digest_size=32, person=b"harvest.places").digest()
    return hashlib.blake2b(
        bucket_of(request.address).encode("utf-8", "surrogatepass"), digest_size=16, key=key
    ).digest()


async def admit_new(request: RequestContext) -> None:
    """Count one registration that could be made: a typing error is none. Raises ``TooMany``."""
    limits = Limits(request.parts.settings, request.parts.limiter)
    _, refusal = await limits.count("rate_register", f"address:{bucket_of(request.address)}", "registration")
    if refusal is not None:
        raise refusal


async def admit(request: RequestContext, key: str, user: accounts.User | None) -> None:
    """Count one try to sign in to the account of a normal address ``key``, which ``user`` has, if anybody. Raises
    ``TooMany``."""
    limits = Limits(request.parts.settings, request.parts.limiter)
    who = f"account:{key}"
    _, refusal = await limits.count("rate_login", f"{who}:{bucket_of(request.address)}", "sign-in")
    if refusal is not None:
        raise refusal
    _, refusal = await limits.count("rate_login_account", who, "sign-in")
    if refusal is not None and (user is None or not await sessions.known(request.reader, user.id, place_of(request))):
        raise refusal
