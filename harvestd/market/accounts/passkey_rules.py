"""Passkeys (W3C Web Authentication, level 3): what a browser sends is read strictly, and verified. Pure, but for py_webauthn.

A browser gives what its authenticator answered as JSON (``JSON.stringify(credential)``), whose members are the standard's and grow with it;
so unknown ones are ignored here, the known ones are bounded, and their bytes go through one reader.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import attrs
import msgspec
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import parse_attestation_object
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    RegistrationCredential,
)

from harvestd.kernel import readers
from harvestd.market.accounts import passkey_keys
from harvestd.market.accounts.passkey_keys import ALGORITHMS
from harvestd.settings.table import Settings

#: Bytes, by what they are of. A credential's id has 1,023 at the most, a user handle 64 (by the standard).
MAX_ID, MAX_HANDLE, MAX_CLIENT, MAX_DATA, MAX_SIGNATURE, MAX_ATTESTATION = 1023, 64, 4096, 1024, 1024, 8192
#: Characters of the JSON that a browser gives: all of the above in base64url, with what is ignored.
MAX_TEXT = 12_000
TRANSPORTS = frozenset({"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"})
#: Where the flags of authenticator data are, and that of a verified user (6.1).
_FLAGS, _USER_VERIFIED = 32, 4
#: Ports that an origin leaves out.
_PORTS = {"http": 80, "https": 443}
#: Attestation is not asked for; what a browser gives then, with or without the key's own signature.
_ATTESTATIONS = frozenset({"none", "packed"})


class Unfit(Exception):
    """What a browser sent is no answer of an authenticator, or does not hold; the text is for the log."""


class Weak(Unfit):
    """An authenticator has made it, with a key that protects nothing."""


@attrs.frozen
class Party:
    """Who asks for passkeys: the domain that they are made for, the market's name, and the origins of the pages that may ask."""

    id: str
    name: str
    origins: tuple[str, ...]


def party(settings: Settings) -> Party:
    """By ``public_url``, or ``passkey_domain`` where the shop's pages have another host of the same domain. The pages of ``cors_origins`` handle
    people's passwords already, so they may ask for passkeys; ``*`` names nobody. Browsers refuse addresses of machines for a domain: this
    machine is ``localhost``."""
    url = urlsplit(settings.public_url or "http://localhost")
    host = url.hostname or "localhost"
    host = "localhost" if host == "::1" or host.startswith("127.") else host
    own = f"{url.scheme}://{host}" + ("" if url.port in (None, _PORTS[url.scheme]) else f":{url.port}")
    others = tuple(origin.lower() for origin in settings.cors_origins if origin != "*")
    return Party(settings.passkey_domain or host, settings.market_name, (own, *others))


class _Response(msgspec.Struct):
    clientDataJSON: str
    authenticatorData: str = ""
    signature: str = ""
    userHandle: str | None = None
    attestationObject: str = ""
    transports: list[str] = []


class _Credential(msgspec.Struct):
    id: str
    rawId: str
    type: str
    response: _Response


class _Client(msgspec.Struct):
    challenge: str
    origin: str = ""
    crossOrigin: bool = False


@attrs.frozen
class Answer:
    """What an authenticator answered: to a request for a new passkey with ``attestation``, else with ``data``, ``signature`` and mostly ``handle``."""

    id: bytes
    challenge: bytes
    client: bytes
    data: bytes | None
    signature: bytes | None
    handle: bytes | None
    attestation: bytes | None
    transports: tuple[str, ...]
    origin: str = ""


def read(text: str) -> Answer:
    """What a browser gave, as JSON. Raises :class:`Unfit`."""
    try:
        given = msgspec.json.decode(text, type=_Credential)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unfit("not the JSON of a credential") from error
    response = given.response
    id, client = readers.base64url(given.rawId, MAX_ID), readers.base64url(response.clientDataJSON, MAX_CLIENT)
    if given.type != "public-key" or given.id != given.rawId or id is None or client is None:
        raise Unfit("its id, type or client data are not of the standard's form")
    try:
        said = msgspec.json.decode(client, type=_Client)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unfit("its client data are not of the standard's form") from error
    challenge = readers.base64url(said.challenge, MAX_ID)
    if said.crossOrigin or challenge is None:
        raise Unfit("it was asked for inside another site's page, or has no challenge")
    return Answer(
        id, challenge, client, readers.base64url(response.authenticatorData, MAX_DATA),
        readers.base64url(response.signature, MAX_SIGNATURE), readers.base64url(response.userHandle or "", MAX_HANDLE),
        readers.base64url(response.attestationObject, MAX_ATTESTATION),
        tuple(sorted(TRANSPORTS.intersection(response.transports))), said.origin,
    )  # fmt: skip


@attrs.frozen
class Made:
    """A new passkey: its id, its public key (COSE), and its counter."""

    id: bytes
    key: bytes
    count: int


def made(party: Party, answer: Answer) -> Made:
    """Verify the answer to a request for a new passkey, whose challenge is known to be good. Raises :class:`Unfit`."""
    if answer.attestation is None:
        raise Unfit("it has no attestation object")
    response = AuthenticatorAttestationResponse(client_data_json=answer.client, attestation_object=answer.attestation)
    text = readers.base64url_of(answer.id)
    try:
        if parse_attestation_object(answer.attestation).fmt not in _ATTESTATIONS:
            raise Unfit("its attestation is not taken")  # before its certificates are read
        found = verify_registration_response(
            credential=RegistrationCredential(id=text, raw_id=answer.id, response=response),
            expected_challenge=answer.challenge, expected_rp_id=party.id, expected_origin=list(party.origins),
            supported_pub_key_algs=[COSEAlgorithmIdentifier(name) for name in ALGORITHMS],
        )  # fmt: skip
        passkey_keys.check(found.credential_public_key)
    except passkey_keys.WeakKey as error:
        raise Weak(str(error)) from error
    except Exception as error:  # whatever strangers' CBOR, keys and certificates make the library raise
        raise Unfit(f"{type(error).__name__}: {error}") from error
    if found.credential_id != answer.id:
        raise Unfit("it names another credential")
    return Made(found.credential_id, found.credential_public_key, found.sign_count)


def answered(party: Party, answer: Answer, key: bytes, *, alone: bool) -> int:
    """Verify the answer of a passkey with this public key, whose challenge is known to be good, and return its counter. ``alone``, the
    authenticator must have verified its user (by a PIN, a finger), since nothing else does. Raises :class:`Unfit`."""
    if answer.data is None or answer.signature is None:
        raise Unfit("it has no signature")
    response = AuthenticatorAssertionResponse(
        client_data_json=answer.client, authenticator_data=answer.data, signature=answer.signature
    )
    try:
        found = verify_authentication_response(
            credential=AuthenticationCredential(id=readers.base64url_of(answer.id), raw_id=answer.id, response=response),
            expected_challenge=answer.challenge, expected_rp_id=party.id, expected_origin=list(party.origins),
            credential_public_key=key, require_user_verification=alone,
            credential_current_sign_count=0,  # compared by went_back: here, it would be before the signature is verified
        )  # fmt: skip
    except Exception as error:  # as above
        raise Unfit(f"{type(error).__name__}: {error}") from error
    return found.new_sign_count


def verified_user(answer: Answer) -> bool:
    """Whether the answer says that its authenticator has verified its user (6.1, the flag UV); it holds once :func:`answered` has verified it."""
    return answer.data is not None and len(answer.data) > _FLAGS and bool(answer.data[_FLAGS] & _USER_VERIFIED)


def went_back(before: int, now: int) -> bool:
    """Whether a counter shows that there may be a copy of the authenticator (7.2, step 22). Those that stay at 0 do not count."""
    return (before > 0 or now > 0) and now <= before
