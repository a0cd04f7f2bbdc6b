"""Who may call an operation, in words, and the credentials that it takes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harvestd.kernel.errors import NotConfirmed
from harvestd.kernel.permissions import BROUGHT_BY, FARM_ROLES, GRANTS, ROLES, SCOPES
from harvestd.web.routes import Route

#: The security schemes of the document.
SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `access_token` of `POST /api/auth/login`, `/register` or `/refresh`; or an API key (`hk_…`), whose scopes are permissions of its owner.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "harvest_session",
        "description": "A browser's session, set by `POST /api/auth/session`; `__Host-harvest_session` where the market is served with TLS.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "The `csrf_token` of a browser's session, with each request that changes something.",
    },
    "cart": {
        "type": "apiKey",
        "in": "cookie",
        "name": "harvest_cart",
        "description": "A guest's cart, for browsers: set by the first answer with a cart.",
    },
    "cartToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Cart-Token",
        "description": "A guest's cart, for other clients: send back the header of the first answer with a cart. "
        "Sent with a sign-in or a registration, it makes the guest's cart the account's.",
    },
    "operator": {
        "type": "http",
        "scheme": "bearer",
        "description": "The setting `metrics_token`, if it is set; otherwise only this machine has access.",
    },
}


def callers(route: Route) -> str:
    """Who may call it, with which API keys, and whether after signing in again."""
    return " ".join(part for part in (_who(route), _strangers(route), _api_keys(route), _step_up(route)) if part)


def _who(route: Route) -> str:
    if route.permission is None:
        return "For anyone."
    grant = GRANTS[route.permission]
    everyone = grant.roles >= frozenset(ROLES)
    if not grant.in_farm:
        return "For anyone who is signed in." if everyone else f"For the market's {_those(ROLES, grant.roles)}."
    buyer = "the buyer, " if everyone else ""  # what they see of farms' matters is what they ordered
    staff = f", and the market's {_those(ROLES, grant.everywhere)}" if grant.everywhere else ""
    return f"For {buyer}the {_those(FARM_ROLES, grant.in_farm)} of the farm{staff}."


def _strangers(route: Route) -> str:
    return "" if route.strangers is None else f"Without an account: for {route.strangers.who}."


def _those(order: Sequence[str], roles: Collection[str]) -> str:
    """The roles in the plural: ``owners, managers and packers``."""
    *first, last = [f"{role}s" for role in order if role in roles]
    return f"{', '.join(first)} and {last}" if first else last


def _api_keys(route: Route) -> str:
    """Which API keys may call it, where that is a question."""
    if route.scope is not None:
        return f"An API key is its owner here with the scope `{route.scope.value}`, nobody without."
    if route.permission is None:
        return ""
    if route.permission.value not in SCOPES:
        return "Not for API keys."
    also = sorted(one.value for one in BROUGHT_BY.get(route.permission, ()))
    more = f"; for what they may begin, {' or '.join(f'`{one}`' for one in also)}" if also else ""
    return f"API keys: scope `{route.permission.value}`{more}."


def _step_up(route: Route) -> str:
    always = route.permission is not None and NotConfirmed in route.errors
    return "Needs a sign-in of the last five minutes, or `POST /api/auth/confirm`." if always else ""


def requirements(route: Route) -> list[dict[str, list[str]]]:
    """The combinations of credentials of which one is needed; an empty one is none."""
    if route.operator:
        return [{"operator": []}]
    browser: dict[str, list[str]] = {"session": []} if route.method == "GET" else {"session": [], "csrf": []}
    carts: list[dict[str, list[str]]] = (
        [{"cart": []}, {"cartToken": []}]
        if route.cart or (route.strangers is not None and route.strangers.cart)
        else []
    )
    if route.permission is not None:
        signed_in: list[dict[str, list[str]]] = [{"bearer": []}, browser]
        return signed_in if route.strangers is None else [{}, *signed_in, *carts]
    shared = route.cached is not None and route.cached.signed_in == "shared"
    known: list[dict[str, list[str]]] = [{}, {"bearer": []}, browser] if route.credentials and not shared else []
    return [*known, *carts]
