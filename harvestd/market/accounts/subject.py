"""Accounts: identity, sign-in, and profile."""

from __future__ import annotations

from harvestd.kernel import errors
from harvestd.kernel.permissions import Permission
from harvestd.market.accounts import events, profiles, routes, shapes
from harvestd.market.subject import Subject
from harvestd.web.routes import Mode, Route, Section

_ACCOUNTS = Section("accounts", "Registration, sign-in and sign-out, and user profiles.", shapes.WORDS)

SUBJECT = Subject(
    name="accounts",
    events={"account.registered": events.AccountRegistered},
    routes=(
        Route(method="POST", path="/api/auth/register", operation="register", handler=routes.register, permission=None, mode=Mode.OWN, section=_ACCOUNTS,
              summary="Create an account and sign in", body=shapes.Register, rules=routes.faults, answer=shapes.SignedIn, status=201,
              credentials=False, errors=(errors.Invalid, errors.AlreadyTaken)),
        Route(method="POST", path="/api/auth/login", operation="signIn", handler=routes.login, permission=None, mode=Mode.OWN, section=_ACCOUNTS,
              summary="Sign in", body=shapes.Login, answer=shapes.SignedIn, limit="rate_login_address", endpoint_class="login",
              credentials=False, errors=(errors.WrongCredentials, errors.Unauthenticated)),
        Route(method="POST", path="/api/auth/refresh", operation="refreshTokens", handler=routes.refresh, permission=None, mode=Mode.OWN, section=_ACCOUNTS,
              summary="Exchange a refresh token for a new pair", body=shapes.Refresh, answer=shapes.SignedIn, credentials=False,
              errors=(errors.Unauthenticated,)),
        Route(method="POST", path="/api/auth/logout", operation="signOut", handler=routes.logout, permission=Permission.OWN_ACCOUNT, mode=Mode.OWN, section=_ACCOUNTS,
              summary="Sign out here, or everywhere", query=shapes.LogoutQuery, status=204),
        Route(method="GET", path="/api/users/me", operation="getMe", handler=routes.me, permission=Permission.OWN_ACCOUNT, mode=Mode.FRESH, section=_ACCOUNTS,
              summary="The signed-in user", answer=shapes.User),
        Route(method="PATCH", path="/api/users/me", operation="changeMe", handler=profiles.change, permission=Permission.OWN_ACCOUNT, mode=Mode.WRITE, section=_ACCOUNTS,
              summary="Change the caller's name or telephone number", body=shapes.ChangeProfile, rules=profiles.faults, answer=shapes.User),
        Route(method="GET", path="/api/users/{id}", operation="getUser", handler=routes.public, permission=None, mode=Mode.READ, section=_ACCOUNTS,
              summary="A user as others see them", answer=shapes.PublicUser, limit="rate_read", errors=(errors.NotFound,)),
    ),
)  # fmt: skip
