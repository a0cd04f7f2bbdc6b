"""Role-based permissions in one table. Pure.

An account has a role in the market, which bounds its permissions. A permission with roles ``in_farm`` applies per farm: it also
needs one of these roles in that farm, or a market role with the permission everywhere. (Buyers see and withdraw their own orders.)
"""

from __future__ import annotations

import enum
from collections.abc import Collection

import attrs

BUYER, FARMER, ADMIN = "buyer", "farmer", "admin"
#: Every role of an account in the market.
ROLES = (BUYER, FARMER, "manager", ADMIN)
#: Roles in a farm.
FARM_ROLES = OWNER, MANAGER, PACKER, DRIVER = "owner", "manager", "packer", "driver"


class Permission(enum.Enum):
    """Named ``<resource>:<action>``."""

    OWN_ACCOUNT = "account:own"
    SEE_ACCOUNT = "account:read"
    OWN_NOTICES = "notices:own"
    OWN_OPERATIONS = "operations:own"
    PLACE_ORDERS = "orders:place"
    SEE_ORDERS = "orders:read"
    CANCEL_ORDERS = "orders:cancel"
    AMEND_ORDERS = "orders:change"
    FULFIL_ORDERS = "farm:orders:write"
    FOUND_FARMS = "farms:create"
    JUDGE_FARMS = "market:farms:write"
    CHANGE_FARM = "farm:write"
    CHANGE_IMPRINT = "farm:imprint:write"
    SEE_MEMBERS = "farm:members:read"
    CHANGE_MEMBERS = "farm:members:write"
    CHANGE_OWNERS = "farm:owners:write"
    SEE_DOCUMENTS = "farm:documents:read"
    CHANGE_DOCUMENTS = "farm:documents:write"
    CHANGE_PRODUCTS = "farm:products:write"
    CHANGE_STOCK = "farm:stock:write"
    MANAGE_ACCOUNTS = "market:accounts:write"
    SEE_AUDIT = "market:audit:read"
    SEE_GROUPS = "market:groups:read"
    MANAGE_GROUPS = "market:groups:write"
    CHANGE_CATEGORIES = "market:categories:write"
    SEE_PRICING = "farm:pricing:read"
    CHANGE_PRICING = "farm:pricing:write"
    SEE_TAXES = "market:taxes:read"
    CHANGE_TAXES = "market:taxes:write"
    SEE_SEARCHES = "market:search:read"
    CHANGE_SEARCHES = "market:search:write"


@attrs.frozen
class Grant:
    """``roles`` are the market roles with the permission; ``everywhere`` those of them that have it for every farm and everyone's
    resources; ``in_farm`` the farm roles that have it for their farm."""

    roles: frozenset[str]
    everywhere: frozenset[str] = frozenset()
    in_farm: frozenset[str] = frozenset()


#: The market's staff is its managers and admins.
_ALL, _SELLERS, _ADMINS = frozenset(ROLES), frozenset({FARMER, MANAGER, ADMIN}), frozenset({ADMIN})
STAFF = frozenset({MANAGER, ADMIN})
_RUN, _PACK = frozenset({OWNER, MANAGER}), frozenset({OWNER, MANAGER, PACKER})

GRANTS: dict[Permission, Grant] = {
    Permission.OWN_ACCOUNT: Grant(_ALL),
    Permission.SEE_ACCOUNT: Grant(_ALL),
    Permission.OWN_NOTICES: Grant(_ALL),
    Permission.OWN_OPERATIONS: Grant(_ALL, STAFF),
    Permission.PLACE_ORDERS: Grant(_ALL),
    Permission.SEE_ORDERS: Grant(_ALL, STAFF, _PACK | {DRIVER}),
    Permission.CANCEL_ORDERS: Grant(_ALL, STAFF, _RUN),
    Permission.AMEND_ORDERS: Grant(_ALL, STAFF, _RUN),
    Permission.FULFIL_ORDERS: Grant(_SELLERS, STAFF, _PACK | {DRIVER}),
    Permission.SEE_MEMBERS: Grant(_SELLERS, STAFF, _PACK | {DRIVER}),
    Permission.CHANGE_MEMBERS: Grant(_SELLERS, STAFF, frozenset({OWNER})),
    Permission.CHANGE_OWNERS: Grant(_SELLERS, STAFF, frozenset({OWNER})),
    Permission.FOUND_FARMS: Grant(_ALL),
    Permission.JUDGE_FARMS: Grant(STAFF, STAFF),
    Permission.CHANGE_FARM: Grant(_SELLERS, STAFF, _RUN),
    Permission.CHANGE_IMPRINT: Grant(_SELLERS, STAFF, frozenset({OWNER})),
    Permission.SEE_DOCUMENTS: Grant(_SELLERS, STAFF, _RUN),
    Permission.CHANGE_DOCUMENTS: Grant(_SELLERS, STAFF, _RUN),
    Permission.CHANGE_PRODUCTS: Grant(_SELLERS, STAFF, _RUN),
    Permission.CHANGE_STOCK: Grant(_SELLERS, STAFF, _PACK),
    Permission.MANAGE_ACCOUNTS: Grant(_ADMINS, _ADMINS),
    Permission.SEE_AUDIT: Grant(_ADMINS, _ADMINS),
    Permission.SEE_GROUPS: Grant(STAFF, STAFF),
    Permission.MANAGE_GROUPS: Grant(STAFF, STAFF),
    Permission.CHANGE_CATEGORIES: Grant(_ADMINS, _ADMINS),
    Permission.SEE_PRICING: Grant(_SELLERS, STAFF, _RUN),
    Permission.CHANGE_PRICING: Grant(_SELLERS, STAFF, _RUN),
    Permission.SEE_TAXES: Grant(_SELLERS, STAFF),
    Permission.CHANGE_TAXES: Grant(STAFF, STAFF),
    Permission.SEE_SEARCHES: Grant(STAFF, STAFF),
    Permission.CHANGE_SEARCHES: Grant(STAFF, STAFF),
}

#: What an API key may be given, by its name: all but what decides who gets at the account, and who answers for a farm.
SCOPES: dict[str, Permission] = {
    one.value: one
    for one in Permission
    if one
    not in (Permission.OWN_ACCOUNT, Permission.MANAGE_ACCOUNTS, Permission.CHANGE_OWNERS, Permission.CHANGE_IMPRINT)
}


#: Scopes of an API key that bring another one, as far as what they begin goes: whoever may begin long work follows it, and cancels it, with the same scope.
BROUGHT_BY: dict[Permission, frozenset[Permission]] = {
    Permission.OWN_OPERATIONS: frozenset({Permission.CHANGE_PRODUCTS}),
}


def has_scope(scopes: Collection[Permission], permission: Permission) -> bool:
    """Whether an API key with these scopes may do this, at least with what it has begun."""
    return permission in scopes or not BROUGHT_BY.get(permission, frozenset()).isdisjoint(scopes)


def may(role: str, permission: Permission) -> bool:
    """Whether this market role has the permission at all."""
    return role in GRANTS[permission].roles


def may_everywhere(role: str, permission: Permission) -> bool:
    """Whether this market role has the permission for everyone's resources."""
    return role in GRANTS[permission].everywhere


def may_for_farm(role: str, in_farm: str | None, permission: Permission) -> bool:
    """Whether they have the permission for a farm in which their role is ``in_farm`` (None: no role)."""
    return may(role, permission) and (may_everywhere(role, permission) or in_farm in GRANTS[permission].in_farm)
