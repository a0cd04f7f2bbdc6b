"""Passkeys: set up as second factors, and asked for wherever somebody signs in or confirms."""

from __future__ import annotations

import os

from twisted.logger import Logger

from harvestd.kernel.errors import Invalid, WrongPasskey
from harvestd.kernel.sentences import Sentence, worded
from harvestd.market.accounts import factor_actions as factors
from harvestd.market.accounts import factor_rows, passkey_options
from harvestd.market.accounts import passkey_challenges as challenges
from harvestd.market.accounts import passkey_rows as rows
from harvestd.market.accounts import passkey_rules as rules
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.factor_rows import Factor
from harvestd.market.accounts.passkey_challenges import Purpose
from harvestd.market.accounts.passkey_rows import Passkey
from harvestd.market.accounts.passkey_shapes import PasskeyCreation
from harvestd.settings.table import Settings
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.http.access_log import bounded

#: Bytes of what authenticators know an account by.
HANDLE = 32
#: One message whatever is wrong, so as not to disclose whose passkeys there are.
_NOT_GOOD = "this passkey was not accepted; try again, or sign in another way"
_MALFORMED = "this is not what a browser gives for a passkey; send JSON.stringify(credential) as passkey"
_STALE = "this has taken too long, or was answered already; ask for new options, and try again"
_PASSWORD_FIRST = (
    "a new password was set by a mail; sign in with it and this passkey once, and the passkey signs in alone again"
)
log = Logger()


class Copied(WrongPasskey):
    """The counter of a passkey went back: somebody may have a copy of it. Whoever opened the unit of work notes that in another one
    (``signing_in.written``), since this one is undone."""

    def __init__(self, passkey: Passkey) -> None:
        super().__init__(_NOT_GOOD)
        self.passkey = passkey


class NotAlone(WrongPasskey):
    """The passkey is the account's, but does not do alone: its user was not verified, or it has to be used beside a new password first."""


async def begin(unit: UnitOfWork, user_id: str, name: str) -> tuple[Factor, PasskeyCreation]:
    """Set up a passkey: it counts once its authenticator has answered. Raises ``Invalid`` for one factor too many."""
    await factors.make_room(unit, user_id)
    factor = Factor(unit.new_id(), "passkey", name, None, unit.machine_now, None, 0, None)
    await factor_rows.insert(unit.tx, user_id, factor)
    handle = await rows.handle(unit.tx, user_id, os.urandom(HANDLE))
    user = await accounts.by_id(unit.tx, user_id)
    assert user is not None
    known = await rows.of(unit.tx, user_id)
    return factor, passkey_options.creation(unit.parts, user, handle, factor.id, known, unit.machine_now)


async def confirm(unit: UnitOfWork, user_id: str, factor: Factor, text: str) -> None:
    """Have a passkey count, by what its authenticator made. The account is locked. Raises ``Invalid``."""
    answer = read(text)
    secret, party = unit.parts.secret, rules.party(unit.parts.settings)
    if answer is None:
        raise Invalid.of("passkey", _MALFORMED, "wrong-form", reason="passkey")
    if answer.origin not in party.origins:
        raise Invalid.of("passkey", str(_elsewhere(party)), "not-accepted", reason="origin", possible=_expected(party))
    if not await challenges.use(unit.tx, secret, answer.challenge, Purpose.SET_UP, factor.id, unit.machine_now):
        raise _stale()
    try:
        made = rules.made(party, answer)
    except rules.Weak as why:
        _log(user_id, why)
        message = "has a key that others could sign for; take another authenticator"
        raise Invalid.of("passkey", message, "not-accepted", reason="weak-key") from why
    except rules.Unfit as why:
        _log(user_id, why)
        message = "is not what an authenticator makes for this market; begin again, or take another authenticator"
        raise Invalid.of("passkey", message, "not-accepted", reason="authenticator") from why
    if not await rows.insert(unit.tx, factor.id, made.id, made.key, made.count, answer.transports):
        raise Invalid.of("passkey", "is set up already", "given-twice", reason="passkey")


async def check(
    unit: UnitOfWork, user_id: str, text: str, purpose: Purpose, about: str, *, alone: bool = False
) -> None:
    """Take the answer of one of the user's passkeys; each challenge is good once. ``alone``, nothing else is given, so its authenticator has to have
    verified its user, and it has to do alone. Raises ``WrongPasskey``, of which :class:`Copied` and :class:`NotAlone`."""
    answer = taken(unit.parts.settings, text)
    await accounts.lock(unit.tx, user_id)
    found = await rows.by_credential(unit.tx, answer.id)
    if found is None or found.user_id != user_id:
        raise WrongPasskey(_NOT_GOOD)
    if not await challenges.use(unit.tx, unit.parts.secret, answer.challenge, purpose, about, unit.machine_now):
        raise WrongPasskey(_STALE)
    if answer.handle != found.handle and (purpose is Purpose.SIGN_IN or answer.handle is not None):
        raise WrongPasskey(_NOT_GOOD)
    if alone and not rules.verified_user(answer):
        raise NotAlone(_NOT_GOOD)
    try:
        count = rules.answered(rules.party(unit.parts.settings), answer, found.public_key, alone=alone)
    except rules.Unfit as why:
        _log(user_id, why)
        raise WrongPasskey(_NOT_GOOD) from why
    if alone and not found.alone:
        raise NotAlone(_PASSWORD_FIRST)
    if rules.went_back(found.sign_count, count):
        raise Copied(found)
    await rows.counted(unit.tx, found.id, count)
    await factor_rows.used(unit.tx, found.id, 0, unit.machine_now)


def read(text: str) -> rules.Answer | None:
    """What a browser gave, if it is of the standard's form."""
    try:
        return rules.read(text)
    except rules.Unfit as why:
        _log("", why)
        return None


def taken(settings: Settings, text: str) -> rules.Answer:
    """What a browser gave to sign in with. Raises ``WrongPasskey`` if it is malformed, or of a page that may not ask: whoever sent it is told,
    since neither hangs on whose passkeys there are."""
    answer, party = read(text), rules.party(settings)
    if answer is None:
        raise WrongPasskey(_MALFORMED)
    if answer.origin not in party.origins:
        raise WrongPasskey(_elsewhere(party))
    return answer


def _elsewhere(party: rules.Party) -> Sentence:
    return worded(
        "the passkey was used on a page of another origin than {possible}; open the shop there, or have its operator name the page's "
        "origin in the setting public_url or cors_origins",
        possible=_expected(party),
    )


def _expected(party: rules.Party) -> str:
    return ", ".join(party.origins)


def not_good() -> WrongPasskey:
    """For a passkey of nobody."""
    return WrongPasskey(_NOT_GOOD)


def _stale() -> Invalid:
    return Invalid.of(
        "passkey", "was asked for too long ago, or is answered already; begin again", "expired", reason="passkey"
    )


def _log(user_id: str, why: Exception) -> None:
    log.info("a passkey was refused: {why}", why=bounded(str(why)), user=user_id)
