"""Quotes: what an order would be, and holding it."""

from __future__ import annotations

from typing import Any

import attrs

from harvestd.kernel.names import accept
from harvestd.kernel.secret_hashes import secret_hash
from harvestd.market.carts import token as cart_token
from harvestd.market.carts.selling import quantity_faults, terms
from harvestd.market.catalogue.viewing import somebody
from harvestd.market.orders import quoting
from harvestd.market.orders.ordering import asked_for
from harvestd.market.orders.quote_shapes import AskQuote
from harvestd.market.orders.quote_views import quote_view
from harvestd.web.context import RequestContext, Result
from harvestd.web.market_day import today


def guarded(body: Any) -> tuple[str, ...]:
    """The limit of bodies that hold something, and that of those with a coupon, so that nobody guesses codes."""
    return (*(("rate_hold",) if body.hold else ()), *(("rate_coupon",) if body.coupon else ()))


async def ask(request: RequestContext, body: AskQuote) -> Result:
    """What an order of the lines given or, without them, of the cart would be; held, if that is asked for. A guest who has no cart gets the token of one."""
    token = cart_token.token_of(request)
    fresh = cart_token.fresh() if body.hold and request.caller is None and token is None else None
    wanted = asked_for(request, body)
    amounts = quantity_faults({i: {"quantity": line.quantity} for i, line in enumerate(body.lines or ())})
    # what is wrong with the body by itself; all else that speaks against it is told in the answer
    accept(*wanted.wrong, *amounts.values())
    holder = wanted.holder if fresh is None else attrs.evolve(wanted.holder, token_hash=secret_hash(fresh))
    rules = terms(request.parts.settings)
    quoted = await quoting.quote(
        request.work, wanted, rules, today(request), somebody(request), holder, hold=body.hold
    )  # fmt: skip
    headers = cart_token.headers(request, fresh) if fresh is not None and quoted.held is not None else ()
    return Result(quote_view(quoted, rules.currency, request.language), headers=headers)
