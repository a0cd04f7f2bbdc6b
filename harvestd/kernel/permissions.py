"""Permissions: what may be done, and by whom, in one table. Pure.

An account has a role in the market, which says what it may do at all. What has roles ``in_farm`` is done for one farm at a time: it wants
one of these in that farm, too, or a role in the market that may do it everywhere. (Buyers see and withdraw their own orders.)
"""

from __future__ import annotations

import enum

import attrs

BUYER, FARMER, ADMIN = "buyer", "farmer", "admin"
#: What somebody may be in a farm.
OWNER, MANAGER, PACKER, DRIVER = "owner", "manager", "packer", "driver"


class Permission(enum.Enum):
    """Named ``<of what>:<what>``."""

    OWN_ACCOUNT = "account:own"
    OWN_NOTICES = "notices:own"
    PLACE_ORDERS = "orders:place"
    SEE_ORDERS = "orders:read"
    CANCEL_ORDERS = "orders:cancel"
    FULFIL_ORDERS = "farm:orders:write"
    CHANGE_FARM = "farm:write"
    CHANGE_PRODUCTS = "farm:products:write"
    CHANGE_STOCK = "farm:stock:write"
    CHANGE_CATEGORIES = "market:categories:write"


@attrs.frozen
class Grant:
    """``roles`` in the market may do it; ``everywhere`` those of them who may do it with whatever is anybody's, for every farm;
    ``in_farm`` the roles in a farm of those who may do it for that farm."""

    roles: frozenset[str]
    everywhere: frozenset[str] = frozenset()
    in_farm: frozenset[str] = frozenset()


_ALL, _SELLERS, _STAFF = frozenset({BUYER, FARMER, ADMIN}), frozenset({FARMER, ADMIN}), frozenset({ADMIN})
_RUN, _PACK = frozenset({OWNER, MANAGER}), frozenset({OWNER, MANAGER, PACKER})

GRANTS: dict[Permission, Grant] = {
    Permission.OWN_ACCOUNT: Grant(_ALL),
    Permission.OWN_NOTICES: Grant(_ALL),
    Permission.PLACE_ORDERS: Grant(_ALL),
    Permission.SEE_ORDERS: Grant(_ALL, _STAFF, _PACK | {DRIVER}),
    Permission.CANCEL_ORDERS: Grant(_ALL, _STAFF, _RUN),
    Permission.FULFIL_ORDERS: Grant(_SELLERS, _STAFF, _PACK | {DRIVER}),
    Permission.CHANGE_FARM: Grant(_SELLERS, _STAFF, _RUN),
    Permission.CHANGE_PRODUCTS: Grant(_SELLERS, _STAFF, _RUN),
    Permission.CHANGE_STOCK: Grant(_SELLERS, _STAFF, _PACK),
    Permission.CHANGE_CATEGORIES: Grant(_STAFF, _STAFF),
}


def may(role: str, permission: Permission) -> bool:
    """Whether somebody of this role in the market may do it at all."""
    return role in GRANTS[permission].roles


def may_everywhere(role: str, permission: Permission) -> bool:
    """Whether they may do it with whatever is anybody's."""
    return role in GRANTS[permission].everywhere


def may_for_farm(role: str, in_farm: str | None, permission: Permission) -> bool:
    """Whether they may do it for a farm in which they are this (None: nobody)."""
    return may(role, permission) and (may_everywhere(role, permission) or in_farm in GRANTS[permission].in_farm)
