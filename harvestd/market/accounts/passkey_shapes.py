"""Passkeys: what a browser is asked with, and what it answers.

The options are those of W3C Web Authentication (``PublicKeyCredential.parseCreationOptionsFromJSON`` and ``parseRequestOptionsFromJSON`` take
them as they are), so their names are the standard's.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from harvestd.market.accounts.passkey_rules import MAX_TEXT
from harvestd.web.shapes import In, Out

#: Formats of ids that are no UUIDs.
Bytes = Annotated[str, Meta(extra_json_schema={"format": "base64url"})]
Domain = Annotated[str, Meta(extra_json_schema={"format": "hostname"})]
PasskeyIn = Annotated[str, Meta(max_length=MAX_TEXT)]


class PasskeySignIn(In, kw_only=True, frozen=True):
    """The answer of a passkey that signs in alone."""

    passkey: PasskeyIn
    reactivate: bool = False


class AskForPasskey(In, kw_only=True, frozen=True):
    """Whose passkeys are asked for: who gave the password."""

    challenge: Annotated[str, Meta(max_length=200)]


class PasskeyName(Out, kw_only=True, frozen=True):
    """A passkey, as browsers find it."""

    type: str
    id: Bytes
    transports: list[str]


class PasskeyParty(Out, kw_only=True, frozen=True):
    """The market."""

    id: Domain
    name: str


class PasskeyUser(Out, kw_only=True, frozen=True, rename="camel"):
    """Whose passkey it is to be, as authenticators show it."""

    id: Bytes
    name: str
    display_name: str


class PasskeyAlgorithm(Out, kw_only=True, frozen=True):
    """A kind of key, by its number in COSE."""

    type: str
    alg: int


class PasskeySelection(Out, kw_only=True, frozen=True, rename="camel"):
    """Which authenticators will do."""

    resident_key: str
    require_resident_key: bool
    user_verification: str


class PasskeyCreation(Out, kw_only=True, frozen=True, rename="camel"):
    """The options of ``navigator.credentials.create``."""

    rp: PasskeyParty
    user: PasskeyUser
    challenge: Bytes
    pub_key_cred_params: list[PasskeyAlgorithm]
    timeout: int
    exclude_credentials: list[PasskeyName]
    authenticator_selection: PasskeySelection
    attestation: str


class PasskeyRequest(Out, kw_only=True, frozen=True, rename="camel"):
    """The options of ``navigator.credentials.get``."""

    challenge: Bytes
    rp_id: Domain
    allow_credentials: list[PasskeyName]
    user_verification: str
    timeout: int


_CHALLENGE = "Random bytes in base64url: good once, for five minutes."
WORDS: dict[str, str] = {
    "passkey": "What `navigator.credentials` gave, as text: `JSON.stringify(credential)`.",
    "AskForPasskey.challenge": "What the problem `/problems/second-factor` has: it proves the password for five minutes.",
    "PasskeyCreation.challenge": _CHALLENGE,
    "PasskeyRequest.challenge": _CHALLENGE,
    "rpId": "The domain that the passkeys are for.",
    "PasskeyParty.id": "The domain that the passkey is for.",
    "PasskeyParty.name": "The market's name.",
    "PasskeyUser.id": "What authenticators know the account by: random, in base64url.",
    "PasskeyUser.name": "The address of the account.",
    "displayName": "The name of the account's owner.",
    "PasskeyName.id": "The id of the credential, in base64url.",
    "PasskeyName.type": "Always `public-key`.",
    "PasskeyAlgorithm.type": "Always `public-key`.",
    "transports": "How a browser reaches it, such as `usb` or `internal`.",
    "PasskeyAlgorithm.alg": "-7 (ES256), -8 (EdDSA) or -257 (RS256).",
    "rp": "Who asks.",
    "PasskeyCreation.user": "Whose passkey it is to be.",
    "pubKeyCredParams": "The kinds of keys that are taken, the best first.",
    "timeout": "Milliseconds for which the challenge is good.",
    "excludeCredentials": "The passkeys that the account has: their authenticators do not make another.",
    "allowCredentials": "The passkeys of the account; empty where the authenticator is to say who it is.",
    "authenticatorSelection": "Which authenticators will do.",
    "residentKey": "Always `required`: a passkey is found without the account's address.",
    "requireResidentKey": "Always true, for browsers that do not know `residentKey`.",
    "userVerification": "Whether the authenticator has to verify its user: `required` where it signs in alone.",
    "attestation": "Always `none`: the maker of the authenticator is not asked for.",
}
