"""How the caller of a request sees products.

A list, and a search, shows what everybody who is in the same groups sees, so that it can be kept for them; what one person alone sees (of their
own farm) is on its page, in the list of their own products, and where they buy.
"""

from __future__ import annotations

import attrs

from harvestd.kernel.permissions import Permission, may_everywhere
from harvestd.market.catalogue.cards import View
from harvestd.market.catalogue.group_rules import EVERYBODY, Buyer
from harvestd.market.groups.actions import groups_of
from harvestd.web import translated
from harvestd.web.context import RequestContext
from harvestd.web.market_day import today


async def buyer(request: RequestContext) -> Buyer:
    """Who looks: of an answer that is kept for others, too, whoever that is for; else the caller."""
    if request.audience is not None:
        found: Buyer = request.audience
        return found
    return attrs.evolve(somebody(request), groups=await _groups(request))


def somebody(request: RequestContext) -> Buyer:
    """The caller without their groups, for what asks the database for these: inside a transaction nothing else may, since it would wait for another
    connection."""
    caller = request.caller
    if caller is None:
        return EVERYBODY
    staff = may_everywhere(caller.role, Permission.CHANGE_PRODUCTS) and caller.has_scope(Permission.CHANGE_PRODUCTS)
    return Buyer((), staff, caller.user_id)


async def of_list(request: RequestContext) -> Buyer:
    """Whom a list or a search that this caller asks for is for: the market's staff, or those in the same groups."""
    found = await buyer(request)
    return Buyer(staff=True) if found.staff else Buyer(found.groups)


async def _groups(request: RequestContext) -> tuple[str, ...]:
    return tuple(sorted(await groups_of(request.parts, request.caller)))


async def view(request: RequestContext, *, brief: bool = False) -> View:
    """What the cards of this request are shown with; ``brief`` in a list of others'."""
    return View(*_market(request), translated.other(request), brief=brief, buyer=await buyer(request))


def own_view(request: RequestContext) -> View:
    """The same for those who may change them: they run the farm, or are staff."""
    return View(*_market(request), own=True, buyer=somebody(request))


def _market(request: RequestContext) -> tuple[str, str]:
    return request.parts.settings.market_currency, today(request).isoformat()
