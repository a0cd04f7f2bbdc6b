"""The groups of buyers that products may name, for those who write a farm's products: their names alone. Who is in them is the staff's to know."""

from __future__ import annotations

from uuid import UUID

from harvestd.kernel.permissions import Permission
from harvestd.market.farms.actions import seen
from harvestd.market.groups import rows as groups
from harvestd.web.context import CountedPage, RequestContext
from harvestd.web.paging import Keyset
from harvestd.web.shapes import CountedQuery, Out


class FarmGroupsQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of groups."""


class GroupName(Out, kw_only=True, frozen=True):
    """A group of buyers, by what names it."""

    id: str
    slug: str
    name: str


async def listed(request: RequestContext, query: FarmGroupsQuery) -> CountedPage[GroupName]:
    """The market's groups, newest first, for those who may write the products of the farm. Raises ``NotFound`` and ``Forbidden``."""
    await seen(request.reader, request.user, Permission.CHANGE_PRODUCTS, request.path["id"])
    keyset = Keyset(query, "farm groups", (UUID,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    found, following = keyset.page(await groups.listed(request.reader, after, keyset.ask))
    total = await groups.count(request.reader) if query.count else None
    return CountedPage([GroupName(id=one.id, slug=one.slug, name=one.name) for one in found], following, total)


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "GroupName.id": "Its id, by which `visible_to` and `prices` of a product name it.",
    "GroupName.slug": "Its slug, which names it as well.",
    "GroupName.name": "What it is called.",
}
