"""Second factors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from harvestd.web.shapes import In, Out
from harvestd.web.vocabulary import closed

KindIn = Annotated[
    Literal["totp"], closed("SecondFactorKind", ("totp",), "`totp`: one-time codes of an authenticator.")
]
KindOut = Annotated[str, closed("SecondFactorKind", ("totp",), "`totp`: one-time codes of an authenticator.")]
CodeIn = Annotated[str, Meta(max_length=40)]


class SecondStep(In, kw_only=True, frozen=True):
    """The second step of a sign-in."""

    challenge: Annotated[str, Meta(max_length=200)]
    code: CodeIn
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
    secret: str
    uri: str


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


class Code(In, kw_only=True, frozen=True):
    """A code of the factor."""

    code: CodeIn


class RecoveryCodes(Out, kw_only=True, frozen=True):
    """Codes that stand in for a lost factor, each once."""

    recovery_codes: list[str]


WORDS: dict[str, str] = {
    "challenge": "What the problem `/problems/second-factor` has: it proves the password for five minutes.",
    "code": "The six digits that the authenticator shows, or a recovery code; each is good once.",
    "SecondFactor.name": "What its owner calls it.",
    "NewFactor.name": "What to call it, such as the telephone that it is on.",
    "SetUpFactor.name": "What its owner calls it.",
    "Factor.name": "What its owner calls it.",
    "Factor.kind": "What it is.",
    "NewFactor.kind": "What it is.",
    "SetUpFactor.kind": "What it is.",
    "recovery_codes": "Shown this once: keep them where the factor is not. Empty if the account has some already.",
    "recovery_codes_left": "How many recovery codes were not used.",
    "secret": "The secret in base32, for those who cannot read the QR code; shown this once.",
    "uri": "What to show as a QR code (`otpauth://…`).",
    "Factor.last_used_at": "When a code of it was last taken.",
    "Factors.items": "The factors that count, oldest first.",
}
