"""Accounts and sign-in."""

from __future__ import annotations

from typing import Literal

from harvestd.web.shapes.values import In, Named, Out


class Register(In, kw_only=True, frozen=True):
    """A new account; ``farm_name`` for farmers."""

    email: str
    username: str
    password: str
    name: str
    role: Literal["buyer", "farmer"]
    farm_name: str | None = None


class Login(In, kw_only=True, frozen=True):
    """Credentials."""

    email: str
    password: str


class Refresh(In, kw_only=True, frozen=True):
    """A refresh token, good once."""

    refresh_token: str


class LogoutQuery(In, kw_only=True, frozen=True):
    """``everywhere`` ends every sign-in of the account."""

    everywhere: bool = False


class UserFarm(Named, kw_only=True, frozen=True):
    """A farm that the user belongs to, and as what."""

    role: str


class User(Out, kw_only=True, frozen=True):
    """A person as they see themselves."""

    id: str
    email: str
    username: str
    name: str
    role: str
    avatar: str | None
    farms: list[UserFarm]


class PublicUser(Out, kw_only=True, frozen=True):
    """A person as others see them."""

    id: str
    username: str
    name: str
    role: str
    avatar: str | None
    farms: list[UserFarm]


class SignedIn(Out, kw_only=True, frozen=True):
    """A fresh sign-in."""

    user: User
    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
