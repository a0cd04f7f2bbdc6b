"""Reports of the daemon about itself and its market."""

from __future__ import annotations

from typing import Annotated, Literal

from harvestd.market.catalogue.measure_shapes import MeasureOut
from harvestd.web.shapes import Imprint, Out, UnitOut
from harvestd.web.vocabulary import closed

#: Every market has both; what a farm offers of them is its own matter.
METHODS = ("pickup", "delivery")
ConditionOut = Annotated[
    str, closed("Condition", ("ok", "degraded", "down"), "The state of the process, or of a dependency.")
]


class Alive(Out, kw_only=True, frozen=True):
    """The process is alive."""

    status: Literal["ok"]


class ReadyPart(Out, kw_only=True, frozen=True):
    """A dependency of the process; ``degraded`` means that its work is done in another way, or late."""

    state: ConditionOut
    detail: str


class Ready(Out, kw_only=True, frozen=True):
    """Readiness of the process; ``down`` means that requests should go elsewhere."""

    status: ConditionOut
    parts: dict[str, ReadyPart]
    stopping: bool


class ProblemText(Out, kw_only=True, frozen=True):
    """The meaning of a problem."""

    type: str
    status: int
    title: str
    cause: str
    cure: str


class CodeText(Out, kw_only=True, frozen=True):
    """The meaning of a code in ``errors`` or in a cart's ``warnings``; ``params`` are always present, ``optional_params`` where they
    apply."""

    code: str
    meaning: str
    params: list[str]
    optional_params: list[str]


class Problems(Out, kw_only=True, frozen=True):
    """All problems, and all codes."""

    items: list[ProblemText]
    codes: list[CodeText]


MethodOut = Annotated[str, closed("FulfilmentMethod", METHODS, "How goods reach the buyer.")]


class MarketUnit(Out, kw_only=True, frozen=True):
    """A unit that products are sold in."""

    unit: UnitOut
    unit_code: str
    kind: MeasureOut
    decimals: int


class PasswordRule(Out, kw_only=True, frozen=True):
    """What a new password has to be."""

    min_length: int


MarketRoleOut = Annotated[
    str, closed("StaffRole", ("manager", "admin"), "A role that a market can require a second factor of.")
]


ConfirmationOut = Annotated[
    str,
    closed(
        "OrderConfirmation", ("automatic", "farm"), "When an order is a sale: at once, or when the farm confirms it."
    ),
]


class Market(Out, kw_only=True, frozen=True):
    """What a front end needs to know; money is in ``currency``, days begin at midnight in ``timezone``."""

    name: str
    currency: str
    timezone: str
    languages: list[str]
    units: list[MarketUnit]
    tax_included: bool
    guests: bool
    methods: list[MethodOut]
    sandbox: bool
    password: PasswordRule
    password_min_length: int
    imprint: Imprint | None
    sign_in_issuer: str | None
    link_sign_in: bool
    private_registration: bool
    second_factor_required_for: list[MarketRoleOut]
    upload_max_bytes: int
    by_days: bool | None
    holds_minutes: float
    order_confirmation: ConfirmationOut
    own_products: bool
    order_lines_max: int


class PublicKey(Out, kw_only=True, frozen=True):
    """A JSON Web Key (RFC 7517, RFC 8037)."""

    kty: str
    crv: str
    use: str
    alg: str
    kid: str
    x: str


class KeySet(Out, kw_only=True, frozen=True):
    """The keys that sign access tokens now, signed them lately, or will sign them next."""

    keys: list[PublicKey]


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "PublicKey.alg": "Always `EdDSA`.",
    "crv": "Always `Ed25519`.",
    "decimals": "Decimal places of a quantity in this unit.",
    "by_days": "Whether orders belong to windows of market days, which `GET /api/cart/windows` lists; false: they are taken all the time. Null: that is not known just now.",
    "Market.holds_minutes": "How many minutes a quote that is held keeps its prices, its stock and its places in windows; a market day says so itself.",
    "order_confirmation": "Whether orders are sales at once (`automatic`), or when the farm confirms them (`farm`).",
    "own_products": "Whether those who belong to a farm may order its products.",
    "order_lines_max": "Maximum number of lines in an order.",
    "guests": "Whether orders can be placed without an account.",
    "Market.imprint": "Who runs the market; null: they have not said.",
    "keys": "The public keys; a token names its own as `kid`.",
    "kid": "The id of the key.",
    "kty": "Always `OKP`.",
    "use": "Always `sig`.",
    "x": "The public key, base64url.",
    "cause": "Why it happens.",
    "CodeText.code": "The code.",
    "CodeText.params": "Names of the parameters that are always present.",
    "optional_params": "Names of the parameters that are present where they apply.",
    "codes": "The codes of field errors and cart warnings.",
    "meaning": "What the code means.",
    "cure": "What to do about it.",
    "ReadyPart.detail": "More about the state; may be empty.",
    "Problems.items": "The problems.",
    "languages": "BCP 47 tags of the market's languages.",
    "Ready.parts": "Each dependency of the process, by name.",
    "MarketUnit.kind": "What it measures.",
    "methods": "The ways in which goods reach the buyer.",
    "Market.password": "What a new password has to be.",
    "min_length": "Minimum length.",
    "password_min_length": "The same as `password.min_length`.",
    "sandbox": "Whether this market is for trying things out, where the clock can be moved.",
    "sign_in_issuer": "With whose accounts people can sign in, by sending their browser to `GET /api/auth/google`; null: with nobody's.",
    "link_sign_in": "Whether people can have a link to sign in with mailed to them, by `POST /api/auth/link`.",
    "private_registration": "Whether registering answers 202 and the same for every address; accounts sign in once their address is verified.",
    "second_factor_required_for": "The roles whose accounts can do nothing but set up a second factor until they have one.",
    "upload_max_bytes": "Maximum size of a file that is uploaded, in bytes; a larger one is 413.",
    "ReadyPart.state": "The state of the dependency.",
    "ProblemText.status": "The HTTP status.",
    "Alive.status": "Always `ok`.",
    "stopping": "True once the process has been asked to stop.",
    "tax_included": "Whether prices include tax.",
    "timezone": "IANA name of the time zone in which days begin and end.",
    "ProblemText.title": "What happened, in words for a buyer.",
    "unit_code": "The code of UN/ECE Recommendation 20.",
    "units": "The units that products are sold in.",
}  # fmt: skip
