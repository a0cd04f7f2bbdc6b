"""Who buys, as a request says it: whoever is signed in, somebody for whom the market's staff orders, or a guest."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harvestd.kernel import email_addresses
from harvestd.kernel.errors import FieldError, Forbidden, Invalid
from harvestd.kernel.languages import spoken
from harvestd.kernel.permissions import Permission, may_everywhere
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.accounts.audit import acting
from harvestd.market.carts.token import token_of
from harvestd.market.orders import buyers
from harvestd.market.orders.buyers import Buyer
from harvestd.market.orders.placing_shapes import PlaceOrder
from harvestd.market.orders.quote_use import Holder
from harvestd.settings.table import Settings
from harvestd.store.postgres.statements import Statement
from harvestd.web.context import RequestContext
from harvestd.web.translated import other

# Held until the commit, so that no order is placed for an account that is being closed.
_ACCOUNT = Statement(
    "orders.for_account",
    "select id::text, language from users where id = :user_id and active for share",
    lambda id, language: (id, language),
)


def let_guests_in(settings: Settings, query: str) -> bool:
    """Whether somebody without an account may order."""
    return settings.guests


def key_holder(request: RequestContext, body: PlaceOrder) -> str:
    """What the Idempotency-Key of a guest belongs to: the cart whose token they have, and the address that they give. So nobody gets the answer to
    another's order of a cart by its key."""
    address = email_addresses.key(body.guest.email) if body.guest is not None else ""
    return f"guest {token_of(request) or ''} {address}"


def holder_of(request: RequestContext) -> Holder:
    """Whose cart an order without lines is of, and whose quotes: the caller's, or those of the guest with the request's token, which who has signed in may
    still have."""
    caller, token = request.caller, token_of(request)
    return Holder(caller.user_id if caller is not None else None, secret_hash(token) if token else None)


async def of(
    request: RequestContext, body: PlaceOrder, wrong: Sequence[FieldError]
) -> tuple[Buyer, str, Sequence[FieldError]]:
    """Who buys; the language in which they see titles, as :func:`translated.other` has it; and what is ``wrong`` with the body, with what else is wrong
    with that. Where anything is, whom it is for does not matter, since it is refused with all of its faults. Raises ``Unauthenticated`` for somebody who
    is not signed in and says not who they are, and :class:`Forbidden` for those who may not order for others."""
    if request.caller is None and body.guest is not None:
        more = [
            *wrong,
            *([] if body.buyer_id is None else [_not_with("buyer_id", "goes not with guest", "with-guest")]),
        ]
        given = msgspec.structs.asdict(body.guest)
        return Buyer(user_id=None, guest=None if more else buyers.guest(given, request.language)), other(request), more
    own = Buyer(user_id=request.user.user_id)
    if body.guest is not None:
        message = "is for those who have no account, and you are signed in; leave it out"
        return own, other(request), [*wrong, _not_with("guest", message, "signed-in")]
    if wrong or body.buyer_id is None or body.buyer_id == own.user_id:
        return own, other(request), wrong
    return await _another(request, body.buyer_id, body)


def _not_with(field: str, message: str, reason: str) -> FieldError:
    return FieldError(field, message, code="not-accepted", params={"reason": reason})


async def _another(request: RequestContext, buyer_id: str, body: PlaceOrder) -> tuple[Buyer, str, Sequence[FieldError]]:
    caller = request.user
    if not may_everywhere(caller.role, Permission.ORDER_FOR_OTHERS):
        raise Forbidden("only the market's staff orders for others; leave buyer_id out")
    caller.require_scope(Permission.ORDER_FOR_OTHERS)
    if body.lines is None:
        message = "must say what is ordered: another's cart is theirs to order"
        raise Invalid.of("lines", message, "required", reason="for-another")
    found = await request.tx.row(_ACCOUNT, user_id=buyer_id)
    if found is None:
        raise Invalid.of("buyer_id", "is no account that is open", "not-found", reason="no-account")
    _, *others = spoken(request.parts.settings.market_languages)
    return Buyer(user_id=found[0], placed_by=acting(caller)), found[1] if found[1] in others else "", ()
