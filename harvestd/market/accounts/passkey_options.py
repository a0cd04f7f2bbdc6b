"""The options with which a browser asks authenticators: for a new passkey, and for the answer of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from harvestd.kernel.readers import base64url_of
from harvestd.market.accounts import passkey_challenges as challenges
from harvestd.market.accounts import passkey_keys
from harvestd.market.accounts import passkey_rules as rules
from harvestd.market.accounts.passkey_challenges import Purpose
from harvestd.market.accounts.passkey_rows import Known
from harvestd.market.accounts.passkey_shapes import (
    PasskeyAlgorithm,
    PasskeyCreation,
    PasskeyName,
    PasskeyParty,
    PasskeyRequest,
    PasskeySelection,
    PasskeyUser,
)
from harvestd.market.accounts.rows import User
from harvestd.parts import Parts

_KIND = "public-key"
_TIMEOUT = int(challenges.LIFE.total_seconds() * 1000)


def creation(
    parts: Parts, user: User, handle: bytes, factor_id: str, known: Sequence[Known], now: datetime
) -> PasskeyCreation:
    """For a new passkey of the user. It has to be found without the account's address (a discoverable credential), so that it can sign in
    alone; where its user is verified is left to the authenticator until it does."""
    party = rules.party(parts.settings)
    return PasskeyCreation(
        rp=PasskeyParty(id=party.id, name=party.name),
        user=PasskeyUser(id=base64url_of(handle), name=user.email, display_name=user.name),
        challenge=base64url_of(challenges.made(parts.secret, Purpose.SET_UP, factor_id, now)),
        pub_key_cred_params=[PasskeyAlgorithm(type=_KIND, alg=name) for name in passkey_keys.ALGORITHMS],
        timeout=_TIMEOUT, exclude_credentials=_names(known), attestation="none",
        authenticator_selection=PasskeySelection(
            resident_key="required", require_resident_key=True, user_verification="preferred"
        ),
    )  # fmt: skip


def request(
    parts: Parts, purpose: Purpose, about: str, known: Sequence[Known], now: datetime, *, alone: bool = False
) -> PasskeyRequest:
    """For the answer of one of these passkeys; to sign in, of whichever the authenticator has. ``alone``, it has to verify its user."""
    return PasskeyRequest(
        challenge=base64url_of(challenges.made(parts.secret, purpose, about, now)), rp_id=rules.party(parts.settings).id,
        allow_credentials=_names(known), timeout=_TIMEOUT,
        user_verification="required" if alone else "preferred",
    )  # fmt: skip


def _names(known: Sequence[Known]) -> list[PasskeyName]:
    return [PasskeyName(type=_KIND, id=base64url_of(one.credential_id), transports=one.transports) for one in known]
