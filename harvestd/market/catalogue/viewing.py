"""How the caller of a request sees products.

A list, and a search, shows what everybody who is in the same groups sees, so that it can be kept for them; what one person alone sees (of their
own farm) is on its page, in the list of their own products, and where they buy.
"""

from __future__ import annotations

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
    caller = request.caller
    if caller is None:
        return EVERYBODY
    staff = may_everywhere(caller.role, Permission.CHANGE_PRODUCTS) and caller.has_scope(Permission.CHANGE_PRODUCTS)
    return Buyer(await _groups(request), staff, caller.user_id)


async def of_list(request: RequestContext) -> Buyer:
    """Whom a list that this caller asks for is for: the market's staff, or those in the same groups."""
    found = await buyer(request)
    return Buyer(staff=True) if found.staff else Buyer(found.groups)


async def of_search(request: RequestContext) -> Buyer:
    """Whom a search is for: those in the same groups."""
    return Buyer(await _groups(request))


async def _groups(request: RequestContext) -> tuple[str, ...]:
    return tuple(sorted(await groups_of(request.parts, request.caller)))


async def view(request: RequestContext, *, own: bool = False, brief: bool = False) -> View:
    """What the cards of this request are shown with: to those who may change them (``own``), or in a list of others' (``brief``)."""
    language = "" if own else translated.other(request)
    settings = request.parts.settings
    return View(settings.market_currency, today(request).isoformat(), language, own, brief, await buyer(request))
