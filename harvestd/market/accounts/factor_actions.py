"""Second factors: set up, asked for at sign-in, taken away; and the recovery codes that stand in for a lost one.

A sign-in of an account that has one needs its code beside the password. Who gave the password alone is told so with a ``challenge``, which proves that
for five minutes, and no longer than the password stays as it is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pyotp
from twisted.logger import Logger

from harvestd.kernel.errors import Conflict, Invalid, NotFound, SecondFactorNeeded, WrongSecondFactor
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts import actions
from harvestd.market.accounts import factor_rows as rows
from harvestd.market.accounts import factor_rules as rules
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.factor_rows import Factor
from harvestd.market.accounts.rows import User
from harvestd.parts import Parts
from harvestd.store.encryption import Encryption
from harvestd.unit_of_work import UnitOfWork

CHALLENGE = timedelta(minutes=5)
log = Logger()
_CHALLENGE = re.compile(r"([0-9a-f-]{36})\.([0-9]{10})\.([0-9a-f]{64})")


def encryption(parts: Parts) -> Encryption:
    """By the keys of the settings, or of the market's secret where there are none."""
    return Encryption(parts.settings.encryption_keys or (parts.secret,))


async def needed(unit: UnitOfWork, user: User) -> SecondFactorNeeded:
    """The refusal of a sign-in that has given the password alone."""
    factors = await rows.kinds(unit.tx, user.id)
    return SecondFactorNeeded(challenge(unit.parts.secret, user, unit.machine_now + CHALLENGE), factors)


def challenge(secret: str, user: User, until: datetime) -> str:
    """The proof that somebody gave the user's password."""
    words = f"{user.id}.{int(until.timestamp()):010d}"
    return f"{words}.{_seal(secret, words, user)}"


def challenged(text: str, now: datetime) -> str | None:
    """The id of the user whom a challenge names, if it has not expired; it is still to be verified by :func:`proven`."""
    found = _CHALLENGE.fullmatch(text)
    return found[1] if found is not None and now < datetime.fromtimestamp(int(found[2]), UTC) else None


def proven(secret: str, text: str, user: User) -> bool:
    """Whether a challenge is this market's, for the password that the user has now."""
    words, _, seal = text.rpartition(".")
    return hmac.compare_digest(seal, _seal(secret, words, user))


def _seal(secret: str, words: str, user: User) -> str:
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"harvest.factors").digest()
    return hashlib.blake2b(f"{words}.{user.password_hash}".encode(), digest_size=32, key=key).hexdigest()


async def check(unit: UnitOfWork, user_id: str, code: str) -> None:
    """Take a code of one of the user's factors, or a recovery code; each is good once. Raises ``WrongSecondFactor``."""
    await accounts.lock(unit.tx, user_id)
    for factor in await rows.all_of(unit.tx, user_id):
        step = (
            rules.step_of(_secret(unit.parts, factor), code, unit.machine_now, factor.last_step)
            if factor.confirmed_at and factor.secret
            else None
        )
        if step is not None:
            await rows.used(unit.tx, factor.id, step, unit.machine_now)
            return
    if not await rows.use_code(unit.tx, user_id, secret_hash(rules.plain(code)), unit.machine_now):
        log.info("second factor of {user_id} refused", user_id=user_id)
        raise WrongSecondFactor(
            "this is no code of your second factor, or it was used already; wait for the next one",
            await rows.kinds(unit.tx, user_id),
        )


def _secret(parts: Parts, factor: Factor) -> str:
    assert factor.secret is not None, "only codes have a secret"
    return encryption(parts).decrypt(factor.secret, f"second_factor:{factor.id}").decode()


async def begin(unit: UnitOfWork, user_id: str, name: str) -> tuple[Factor, str]:
    """Set up an authenticator: it counts once a code of it was given. Returns it and its secret. Raises ``Invalid`` for one too many."""
    await make_room(unit, user_id)
    secret, id = pyotp.random_base32(), unit.new_id()
    stored = encryption(unit.parts).encrypt(secret.encode(), f"second_factor:{id}")
    factor = Factor(id, "totp", name, stored, unit.machine_now, None, 0, None)
    await rows.insert(unit.tx, user_id, factor)
    return factor, secret


async def make_room(unit: UnitOfWork, user_id: str) -> None:
    """Lock the account, for one factor more; those that were never finished make room. Raises ``Invalid`` for one too many."""
    await accounts.lock(unit.tx, user_id)
    known = await rows.all_of(unit.tx, user_id)
    if len(known) < rules.MAX_FACTORS:
        return
    if all(one.confirmed_at for one in known):
        message = f"an account has {rules.MAX_FACTORS} second factors at most; delete one first"
        raise Invalid.of("name", message, "not-accepted", reason="too-many-factors")
    await rows.delete_unfinished(unit.tx, user_id)


async def confirm(
    unit: UnitOfWork, user_id: str, id: str, check: Callable[[Factor], Awaitable[int]]
) -> tuple[list[str], bool]:
    """Have a factor count that ``check`` has proven to be the caller's; it returns the newest step. Returns new recovery codes if it is the
    first that counts, and whether it did not count before. Raises ``NotFound``, and what ``check`` does."""
    await accounts.lock(unit.tx, user_id)
    known = await rows.all_of(unit.tx, user_id)
    factor = _of(known, id)
    step = await check(factor)
    if factor.confirmed_at:
        await rows.used(unit.tx, id, step, unit.machine_now)
        return [], False
    await rows.confirm(unit.tx, user_id, id, step, unit.machine_now)
    if any(one.confirmed_at for one in known):
        return [], True
    actions.ended(unit, user_id)  # what the account may do hangs on it
    return await _fresh_codes(unit, user_id), True


def step_given(unit: UnitOfWork, factor: Factor, code: str) -> int:
    """The step of an authenticator's code. Raises ``Invalid``."""
    step = rules.step_of(_secret(unit.parts, factor), code, unit.machine_now, factor.last_step)
    if step is None:
        raise Invalid.of("code", "is wrong, or was used already; wait for the next one", "not-accepted", reason="code")
    return step


async def renew_codes(unit: UnitOfWork, user_id: str) -> list[str]:
    """New recovery codes in place of the others. Raises ``Conflict`` if there is no factor that they could stand in for."""
    await accounts.lock(unit.tx, user_id)
    if not any(one.confirmed_at for one in await rows.all_of(unit.tx, user_id)):
        raise Conflict("your account has no second factor; set one up first")
    return await _fresh_codes(unit, user_id)


async def _fresh_codes(unit: UnitOfWork, user_id: str) -> list[str]:
    fresh = ["".join(secrets.choice(rules.ALPHABET) for _ in range(10)) for _ in range(rules.RECOVERY_CODES)]
    await rows.codes(unit.tx, user_id, [secret_hash(code) for code in fresh])
    return [rules.grouped(code) for code in fresh]


async def remove(unit: UnitOfWork, user_id: str, id: str) -> bool:
    """Take a factor away; with the last one go the recovery codes. Returns whether it counted. Raises ``NotFound``, and ``Conflict`` for the last one of a role that
    needs one."""
    await accounts.lock(unit.tx, user_id)
    known = await rows.all_of(unit.tx, user_id)
    factor = _of(known, id)
    last = [one.id for one in known if one.confirmed_at] == [factor.id]
    if last:
        await check_not_required(unit, user_id)
    await rows.delete(unit.tx, user_id, id, unit.machine_now)
    if last:
        await rows.delete_codes(unit.tx, user_id)
        actions.ended(unit, user_id)
    return factor.confirmed_at is not None


def _of(known: Sequence[Factor], id: str) -> Factor:
    found = next((one for one in known if one.id == id), None)
    if found is None:
        raise NotFound("you have no such second factor")
    return found


async def check_not_required(unit: UnitOfWork, user_id: str) -> None:
    """Raise ``Conflict`` if the user's role needs a second factor. The account is locked, so its role stays."""
    user = await accounts.by_id(unit.tx, user_id)
    if user is not None and user.role in unit.parts.settings.second_factor_required_for:
        raise Conflict("your role needs a second factor, and this is the only one; set up another one first")
