"""Categories: a tree that everyone reads and the market's staff maintains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harvestd.kernel import errors
from harvestd.kernel.errors import FieldError
from harvestd.market.catalogue import category_actions as actions
from harvestd.market.catalogue import category_rows as store
from harvestd.market.catalogue import category_rules as market
from harvestd.market.catalogue.category_shapes import Category, ChangeCategory, NewCategory
from harvestd.web.context import Page, RequestContext, Result
from harvestd.web.shapes import given


def _shown(row: store.Category) -> Category:
    return Category(
        id=row.id, parent_id=row.parent_id, slug=row.slug, name=row.name, description=row.description, icon=row.icon,
        color=row.color, version=row.version,
    )  # fmt: skip


def faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a category, independent of the others."""
    return errors.faults(lambda: market.checked(sent))


async def listed(request: RequestContext) -> Page[Category]:
    """The whole tree, ordered by name, in one page."""
    return Page(items=[_shown(row) for row in await store.every(request.reader)], next=None)


async def add(request: RequestContext, body: NewCategory) -> Result:
    """Add a category."""
    made = await actions.add(request.work, msgspec.structs.asdict(body))
    return Result(_shown(made), version=1, headers=(("Location", f"/api/categories/{made.id}"),))


async def change(request: RequestContext, body: ChangeCategory) -> Result:
    """Change a category."""
    after = await actions.change(request.work, request.id("id"), given(body), request.check_version)
    return Result(_shown(after), version=after.version)


async def remove(request: RequestContext) -> None:
    """Delete an empty category."""
    await actions.remove(request.work, request.id("id"), request.check_version)
