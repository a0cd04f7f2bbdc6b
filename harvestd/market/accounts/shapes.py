"""Accounts and sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from harvestd.kernel.patterns import USERNAME
from harvestd.kernel.permissions import ROLES
from harvestd.market.accounts.avatar_shapes import Avatar
from harvestd.market.accounts.passkey_shapes import PasskeyIn
from harvestd.market.accounts.password_rules import LONGEST as MAX_PASSWORD
from harvestd.market.accounts.rules import MAX_NAME, MAX_USERNAME, MIN_USERNAME, USERNAME_RULE
from harvestd.web.shapes import In, Named, Out
from harvestd.web.vocabulary import closed

#: RFC 5321 limits an address to 254 octets.
Email = Annotated[str, Meta(max_length=254)]
Password = Annotated[str, Meta(max_length=MAX_PASSWORD)]
#: A password that is chosen here. The minimum length is a setting, so the market's rules check it.
NewPassword = Annotated[
    str,
    Meta(
        max_length=MAX_PASSWORD,
        extra={
            "message": f"must be text of as many characters as password_min_length of GET /api/market says, or more, and {MAX_PASSWORD} at most"
        },
    ),
]
#: Checked by the market's rules, together with all other faults; stated here for those who build a form.
Username = Annotated[
    str,
    Meta(
        max_length=MAX_USERNAME,
        extra_json_schema={"minLength": MIN_USERNAME, "pattern": f"^(?:{USERNAME.pattern})$"},
        extra={"message": USERNAME_RULE},
    ),
]


NewRole = Annotated[
    Literal["buyer", "farmer"], closed("NewRole", ("buyer", "farmer"), "The roles that an account can register with.")
]
RoleOut = Annotated[str, closed("Role", ROLES, "The role of an account in the market. Every role can buy.")]
FARM_ROLES = ("owner", "manager", "packer", "driver")
FarmRoleOut = Annotated[str, closed("FarmRole", FARM_ROLES, "The role of a user in a farm.")]


class Register(In, kw_only=True, frozen=True):
    """A new account. Farmers need ``farm_name``."""

    email: Email
    username: Username
    password: NewPassword
    name: Annotated[str, Meta(max_length=MAX_NAME)]
    role: NewRole
    farm_name: Annotated[str, Meta(max_length=MAX_NAME)] | None = None


class Login(In, kw_only=True, frozen=True):
    """An e-mail address and its password; with a second factor also its code, or the answer of its passkey."""

    email: Email
    password: Password
    code: Annotated[str, Meta(max_length=40)] | None = None
    passkey: PasskeyIn | None = None
    reactivate: bool = False


class Refresh(In, kw_only=True, frozen=True):
    """A refresh token, valid once."""

    refresh_token: Annotated[str, Meta(max_length=100)]


class LogoutQuery(In, kw_only=True, frozen=True):
    """``everywhere`` ends every sign-in of the account."""

    everywhere: bool = False


class UserFarm(Named, kw_only=True, frozen=True):
    """A farm that the user belongs to, and their role in it."""

    role: FarmRoleOut


class User(Out, kw_only=True, frozen=True):
    """The caller's own account."""

    id: str
    email: str
    email_verified: bool
    username: str
    name: str
    role: RoleOut
    avatar: Avatar | None
    phone: str | None
    language: str | None
    farms: list[UserFarm]
    groups: list[Named]


class ChangeProfile(In, kw_only=True, frozen=True):
    """The fields to change; null removes the telephone number, or the language."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("username", "role"), "as-registered"), "email": "email-route", "password": "password-route",
    }  # fmt: skip

    name: Annotated[str, Meta(max_length=MAX_NAME)] | UnsetType = UNSET
    phone: Annotated[str, Meta(max_length=50)] | UnsetType | None = UNSET
    language: Annotated[str, Meta(max_length=35)] | UnsetType | None = UNSET


class PublicUser(Out, kw_only=True, frozen=True):
    """A user as others see them."""

    id: str
    username: str
    name: str
    role: RoleOut
    avatar: Avatar | None
    farms: list[UserFarm]


class SignedIn(Out, kw_only=True, frozen=True):
    """A new sign-in and its tokens."""

    user: User
    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "access_token": "Send it as `Authorization: Bearer …` with each request; short-lived.",
    "email": "The e-mail address; nobody else sees it.",
    "email_verified": "Whether the owner has opened the link of a mail to this address.",
    "everywhere": "End all sign-ins of the account, not only this one.",
    "expires_in": "Seconds for which the access token is valid.",
    "phone": "Telephone number: digits, optionally with a leading +.",
    "language": "The language of mails and notices to the account, one of the `languages` of `GET /api/market`; null: the first of them. A new account has the one that `Accept-Language` chose.",
    "farm_name": "The farm that a farmer registers with.",
    "farms": "The farms that the user belongs to.",
    "groups": "The groups of buyers that the user is in.",
    "password": "Any characters; several words make a good password.",
    "Register.password": "Any characters, at least as many as `password_min_length` of `GET /api/market`; several words make a good password.",
    "reactivate": "Whether to open the account again, if its owner has deactivated it; without it, such a sign-in is refused (`/problems/deactivated`).",
    "refresh_token": "Valid once, for a new pair of tokens; keep it secret.",
    "role": "The role of the account in the market.",
    "UserFarm.role": "The role of the user in the farm.",
    "token_type": "Always `Bearer`.",
    "user": "The signed-in user.",
    "username": "ASCII letters, digits, dots, hyphens and underscores, beginning and ending with a letter or digit; unique regardless of case.",
}  # fmt: skip
