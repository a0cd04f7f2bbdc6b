"""Who may do what: the table, read as people would."""

from __future__ import annotations

import attrs
import pytest

from harvestd.kernel.permissions import (
    ADMIN,
    BUYER,
    DRIVER,
    FARMER,
    GRANTS,
    MANAGER,
    OWNER,
    PACKER,
    ROLES,
    Permission,
    may,
    may_everywhere,
    may_for_farm,
)
from harvestd.settings.table import Settings
from harvestd.tables import ROUTES


def test_every_permission_is_granted_to_somebody() -> None:
    assert set(GRANTS) == set(Permission)
    assert all(grant.roles and grant.everywhere <= grant.roles for grant in GRANTS.values())


def test_the_market_s_staff_may_do_everything() -> None:
    assert all(may(ADMIN, permission) for permission in Permission)


@pytest.mark.parametrize("permission", [p for p in Permission if p.value.startswith("farm:")])
def test_what_is_for_a_farm_wants_a_role_in_it_or_the_staff_s(permission: Permission) -> None:
    assert not may(BUYER, permission) and may(FARMER, permission)
    assert may_for_farm(FARMER, OWNER, permission)
    assert not may_for_farm(FARMER, None, permission), "a farmer of another farm"
    assert may_for_farm(ADMIN, None, permission) and may_everywhere(ADMIN, permission)
    assert not may_for_farm(BUYER, OWNER, permission), "a role in a farm alone is not enough"


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        (Permission.CHANGE_FARM, {OWNER, MANAGER}),
        (Permission.SEE_MEMBERS, {OWNER, MANAGER, PACKER, DRIVER}),
        (Permission.CHANGE_MEMBERS, {OWNER}),
        (Permission.CHANGE_OWNERS, {OWNER}),
        (Permission.CHANGE_IMPRINT, {OWNER}),
        (Permission.SEE_DOCUMENTS, {OWNER, MANAGER}),
        (Permission.CHANGE_DOCUMENTS, {OWNER, MANAGER}),
        (Permission.CHANGE_PRODUCTS, {OWNER, MANAGER}),
        (Permission.CHANGE_STOCK, {OWNER, MANAGER, PACKER}),
        (Permission.FULFIL_ORDERS, {OWNER, MANAGER, PACKER, DRIVER}),
        (Permission.CANCEL_ORDERS, {OWNER, MANAGER}),
    ],
)
def test_what_people_of_a_farm_may_do(permission: Permission, roles: set[str]) -> None:
    assert {role for role in (OWNER, MANAGER, PACKER, DRIVER) if may_for_farm(FARMER, role, permission)} == roles


def test_categories_are_the_market_s_alone() -> None:
    assert [role for role in ROLES if may(role, Permission.CHANGE_CATEGORIES)] == [ADMIN]


def test_no_route_that_changes_something_is_for_anyone_but_signing_in_the_cart_and_what_it_would_cost() -> None:
    open_ = {route.path for route in ROUTES if route.permission is None and route.method != "GET"}
    assert open_ == {
        "/api/auth/register",
        "/api/auth/login",
        "/api/auth/refresh",
        "/api/auth/session",
        "/api/auth/password/forgot",
        "/api/auth/password/reset",
        "/api/auth/email/verify",
        "/api/auth/link",
        "/api/auth/link/session",
        "/api/auth/second-factor",
        "/api/auth/second-factor/options",
        "/api/quotes",
        "/api/auth/passkey",
        "/api/auth/passkey/options",
        "/api/auth/passkey/session",
        "/api/auth/second-factor/session",
        "/api/auth/link/use",
        "/api/cart",
        "/api/cart/items",
        "/api/cart/items/{product_id}",
    }


def test_what_is_for_accounts_lets_in_nobody_else_but_guests() -> None:
    open_ = {route.operation: route.strangers for route in ROUTES if route.strangers is not None}
    assert set(open_) == {"placeOrder", "getOrder", "listOrderChanges", "cancelOrder", "answerOrderLine", "changeOrder"}
    for guests in (True, False):
        settings = attrs.evolve(Settings(), guests=guests)
        assert open_["placeOrder"].let_in(settings, "") is guests
        for operation in ("getOrder", "listOrderChanges", "cancelOrder", "answerOrderLine", "changeOrder"):
            assert open_[operation].let_in(settings, "token=a") and not open_[operation].let_in(settings, "")


def test_no_route_that_changes_something_is_for_who_may_read() -> None:
    """An API key with a scope to read changes nothing."""
    reads = {p for p in Permission if p.value.endswith(":read")}
    assert [route.path for route in ROUTES if route.method != "GET" and route.permission in reads] == []
