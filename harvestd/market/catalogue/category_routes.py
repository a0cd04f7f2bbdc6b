"""Categories: a tree that everyone reads and the market's staff maintains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harvestd.kernel import errors, translations
from harvestd.kernel.errors import FieldError
from harvestd.market.catalogue import category_actions as actions
from harvestd.market.catalogue import category_rows as store
from harvestd.market.catalogue import category_rules as market
from harvestd.market.catalogue.category_shapes import Category, ChangeCategory, NewCategory, Translation
from harvestd.web import translated
from harvestd.web.context import Page, RequestContext, Result
from harvestd.web.shapes import given


def _shown(row: store.Category, language: str = "") -> Category:
    """As it is, or in a language, as far as it is translated; an empty description is the one in the market's own language."""
    texts = translations.shown(row.translations, language, {"name": row.name, "description": row.description})
    return Category(
        id=row.id, parent_id=row.parent_id, slug=row.slug, **texts, icon=row.icon, color=row.color,
        translations=msgspec.convert(row.translations, dict[str, Translation]), version=row.version,
    )  # fmt: skip


def faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a category, independent of the others."""
    _, wrong = _translated(request, sent)
    return errors.faults(lambda: market.checked({n: v for n, v in sent.items() if n != "translations"}, wrong))


def _translated(request: RequestContext, sent: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """What was sent, its translations as they are stored; and their faults."""
    return translated.read(sent, market.TEXTS, translated.languages_of(request.parts.settings))


async def listed(request: RequestContext) -> Result:
    """The whole tree, ordered by name, in one page and in the language that is asked for."""
    language = request.language
    rows = await store.every(request.reader)
    return Result(Page(items=[_shown(row, language) for row in rows], next=None))


async def add(request: RequestContext, body: NewCategory) -> Result:
    """Add a category."""
    made = await actions.add(request.work, *_translated(request, msgspec.structs.asdict(body)))
    return Result(_shown(made), version=1, headers=(("Location", f"/api/categories/{made.id}"),))


async def change(request: RequestContext, body: ChangeCategory) -> Result:
    """Change a category."""
    changes, wrong = _translated(request, given(body))
    after = await actions.change(request.work, request.id("id"), changes, request.check_version, wrong)
    return Result(_shown(after), version=after.version)


async def remove(request: RequestContext) -> None:
    """Delete an empty category."""
    await actions.remove(request.work, request.id("id"), request.check_version)
