"""Second factors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from harvestd.market.accounts.passkey_shapes import PasskeyCreation, PasskeyIn
from harvestd.web.shapes import In, Out
from harvestd.web.vocabulary import closed

KINDS = ("totp", "passkey")
_KIND = closed(
    "SecondFactorKind", KINDS, "`totp`: one-time codes of an authenticator. `passkey`: W3C Web Authentication."
)
KindIn = Annotated[Literal["totp", "passkey"], _KIND]
KindOut = Annotated[str, _KIND]
CodeIn = Annotated[str, Meta(max_length=40)]


class SecondStep(In, kw_only=True, frozen=True):
    """The second step of a sign-in: a code, or the answer of a passkey."""

    challenge: Annotated[str, Meta(max_length=200)]
    code: CodeIn | None = None
    passkey: PasskeyIn | None = None
    reactivate: bool = False


class NewFactor(In, kw_only=True, frozen=True):
    """A second factor to be set up."""

    name: Annotated[str, Meta(max_length=100)]
    kind: KindIn = "totp"


class SetUpFactor(Out, kw_only=True, frozen=True):
    """A second factor that does not count yet."""

    id: str
    kind: KindOut
    name: str
    secret: str | None
    uri: str | None
    options: PasskeyCreation | None


class Factor(Out, kw_only=True, frozen=True):
    """A second factor."""

    id: str
    kind: KindOut
    name: str
    created_at: datetime
    last_used_at: datetime | None


class Factors(Out, kw_only=True, frozen=True):
    """The second factors of an account."""

    items: list[Factor]
    recovery_codes_left: int


class ConfirmFactor(In, kw_only=True, frozen=True):
    """A code of the factor; of a passkey what its authenticator made."""

    code: CodeIn | None = None
    passkey: PasskeyIn | None = None


class RecoveryCodes(Out, kw_only=True, frozen=True):
    """Codes that stand in for a lost factor, each once."""

    recovery_codes: list[str]


WORDS: dict[str, str] = {
    "challenge": "What the problem `/problems/second-factor` has: it proves the password for five minutes.",
    **dict.fromkeys(
        ("ConfirmFactor.code", "SecondStep.code", "LinkToken.code", "Confirm.code", "Login.code"),
        "The six digits that the authenticator shows, or a recovery code; each is good once.",
    ),
    "SecondFactor.name": "What its owner calls it.",
    "NewFactor.name": "What to call it, such as the telephone that it is on.",
    "SetUpFactor.name": "What its owner calls it.",
    "Factor.name": "What its owner calls it.",
    "Factor.kind": "What it is.",
    "NewFactor.kind": "What it is.",
    "SetUpFactor.kind": "What it is.",
    "recovery_codes": "Shown this once: keep them where the factor is not. Empty if the account has some already.",
    "recovery_codes_left": "How many recovery codes were not used.",
    "secret": "The secret in base32, for those who cannot read the QR code; shown this once. Null for a passkey.",
    "uri": "What to show as a QR code (`otpauth://…`). Null for a passkey.",
    "SetUpFactor.options": "Of a passkey, what to call `navigator.credentials.create` with, as `publicKey`, after `PublicKeyCredential.parseCreationOptionsFromJSON`.",
    "Factor.last_used_at": "When it was last used.",
    "Factors.items": "The factors that count, oldest first.",
}
