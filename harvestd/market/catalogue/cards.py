"""Products as the contract shows them: JSON that PostgreSQL builds and that is passed through unchanged.

Reading, converting and encoding a page of twenty rows with thirty columns each costs this process more than PostgreSQL
needs to find them; one text a product costs a tenth of that here, and hardly more there. So a product's view is defined here,
once: the fields and their order are those of ``product_shapes.Product``, each the column of its name or an expression of
:data:`_MADE`, and a test checks the values against the types.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import attrs
import msgspec

from harvestd.kernel import families
from harvestd.kernel.quantities import COMPARED
from harvestd.kernel.slugs import is_id
from harvestd.kernel.units import UNITS
from harvestd.market.catalogue import product_shapes, sight
from harvestd.market.catalogue.group_rules import EVERYBODY, Buyer
from harvestd.market.catalogue.withheld import FARM_AWAY, NOBODY_THERE, PAST_USE_BY
from harvestd.store.postgres.statements import ENDED, Reader, Statement

#: The status of a product for those who may not know of it.
HIDDEN = "hidden"


class Shown(Protocol):
    """A product as a response shows it."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def ended(self) -> int | None: ...


class Card(msgspec.Struct, frozen=True):
    """``text`` is the JSON; the next fields decide who may see it, and its ETag. ``status`` is :data:`HIDDEN` for whoever may not know of it. ``state`` and
    ``ended`` are as of a cached response that shows it."""

    id: str
    farm_id: str
    status: str
    version: int
    text: str
    state: str
    ended: int | None


@attrs.frozen
class View:
    """What every card is shown with: the market's currency, its day (YYYY-MM-DD), the language of the texts, nothing for the market's own, and who looks.
    ``own``: to those who may change it, who see claims that are over and all translations, and whose texts are the farm's, since they send back what
    they read. ``brief``: in a list of others' products, without ``metadata``, with long texts cut, so that no farm makes everybody's lists long."""

    currency: str
    today: str
    language: str = ""
    own: bool = False
    brief: bool = False
    buyer: Buyer = EVERYBODY

    @property
    def personal(self) -> bool:
        """Whether it is for somebody in particular."""
        return self.buyer != EVERYBODY

    @property
    def bound(self) -> dict[str, Any]:
        """As the :data:`FROM` of such a view takes it."""
        return {
            "currency": self.currency, "today": self.today, "language": self.language, "own": self.own, "brief": self.brief,
            **(self.buyer.bound if self.personal else {}),
        }  # fmt: skip


def season_sql(day: str) -> str:
    """The condition that a product ``p`` is in season on a day, as in kernel/seasons.py."""
    return f"""(p.season_from is null or case when length(p.season_from) = 10
        then {day} between p.season_from and p.season_to
        when p.season_from <= p.season_to then substr({day}, 6) between p.season_from and p.season_to
        else substr({day}, 6) >= p.season_from or substr({day}, 6) <= p.season_to end)"""


def _case(column: str, otherwise: str, values: dict[str, str]) -> str:
    return f"case {column} {' '.join(f'when {given!r} then {value}' for given, value in values.items())} else {otherwise} end"


# Rounded half up and exactly, as in kernel/quantities.py: a rounded quotient could be a half that the true one is not. Most are for one.
# Pieces whose weight is known are compared by that: at the price of their weight, or at their own price for so much of it.
_MEASURED = "coalesce(p.weight_unit, p.unit)"
_FOR = "(case when p.weight_unit is null or p.priced_by is not null then p.price_per else p.price_per * p.estimated_weight end)"
_OF_ONE = _case(_MEASURED, "paid.price", {u: f"paid.price * {f}" for u, (_, f) in COMPARED.items() if f != 1})
_AMOUNT = f"case when {_FOR} = 1 then round({_OF_ONE}) else div(2 * ({_OF_ONE}) + {_FOR}, 2 * {_FOR}) end"
_PER = _case(_MEASURED, _MEASURED, {u: f"'{per}'" for u, (per, _) in COMPARED.items() if per != u})
_SOLD_BY = _case("p.unit", "'piece'", {unit: f"'{kind.kind}'" for unit, kind in UNITS.items() if not kind.pieces})
_MOMENT = "to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_CODES = {unit: f"'{kind.code}'" for unit, kind in UNITS.items()}
_CODE = _case("p.unit", "''", _CODES)
# A claim is shown until its day, but to its farm, which would lose it by sending back what it read. Most products make none.
_CLAIMS = """case when p.certifications = '[]' or :own::boolean then p.certifications else (
    select coalesce(jsonb_agg(c.claim order by c.position), '[]'::jsonb) from jsonb_array_elements(p.certifications) with ordinality as c(claim, position)
     where coalesce(c.claim ->> 'valid_until', '9999') >= :today::text) end"""
# A pack is compared by what it takes of the product. Most products have none.
_TAKES = "(case when p.weight_unit is null then v.takes else v.takes * p.estimated_weight end)"
_OF_PACK = _case(_MEASURED, "v.price", {u: f"v.price * {f}" for u, (_, f) in COMPARED.items() if f != 1})
_VARIANTS = f"""case when p.variants = 0 then '[]'::json else (
    select json_agg(json_build_object('id', v.id, 'title', v.title, 'unit', v.unit, 'unit_code', {_case("v.unit", "''", _CODES)},
        'price', row(v.price, :currency::text)::card_money,
        'unit_price', row(div(2 * ({_OF_PACK}) + {_TAKES}, 2 * {_TAKES})::bigint, :currency::text, {_PER})::card_unit_price,
        'takes', v.takes::text, 'available', (div(p.stock - p.reserved, v.takes))::numeric(16,3)::text, 'sku', v.sku, 'external_id', v.external_id) order by v.position)
      from product_variants v where v.product_id = p.id and v.active) end"""
_DAY = "(:today::text)::date"
_AWAY = f"f.away_days @> {_DAY}"
_PAST = f"(p.durability_kind = 'use_by' and p.durability_date < {_DAY}) is true"
#: Characters of a long text in a list of others' products; longer ones end in "…" there.
BRIEF = 1000
#: A picture ``i`` of a product as the contract shows it; and all that can be shown, which most products have none of.
IMAGE = """json_build_object('id', i.id, 'status', i.status, 'alt', i.alt, 'position', i.position, 'width', i.width, 'height', i.height,
    'dominant_color', i.color, 'sizes', i.sizes)"""


def said(alias: str, name: str, then: str = "") -> str:
    """A text of a product ``p`` or category ``c`` in the language of the view, as far as it is translated."""
    found = f"{alias}.translations #>> array[:language::text, '{name}']"
    return f"coalesce(nullif({found}, ''), {then or f'{alias}.{name}'})"


def _cut(text: str) -> str:
    return f"case when :brief::boolean and length({text}) > {BRIEF} then left({text}, {BRIEF}) || '…' else {text} end"


_IMAGES = f"""case when p.images = 0 then '[]'::json else (
    select json_agg({IMAGE} order by i.position) from product_images i where i.product_id = p.id and i.status = 'ready') end"""
#: The first of them, as text; null if there is none.
FIRST_IMAGE = f"""case when p.images > 0 then (
    select {IMAGE}::text from product_images i where i.product_id = p.id and i.status = 'ready' order by i.position limit 1) end"""
#: Whether who looks pays the reduced price of everybody: nobody is shown a reduction of what they do not pay.
_REDUCED = "p.regular_price is not null and paid.price = p.price"
#: The fields of the contract's product that are not simply the column of that name.
_MADE = {
    "farm": "row(f.id, f.slug, f.name)::card_named",
    "title": said("p", "title"),
    "description": _cut(said("p", "description")),
    "ingredients": _cut("p.ingredients"),
    "metadata": "case when :brief::boolean then '{}'::jsonb else p.metadata end",
    "translations": "case when :own::boolean then p.translations else '{}'::jsonb end",
    "category": f"case when c.id is not null then row(c.id, c.slug, {said('c', 'name')})::card_named end",
    "price": "row(paid.price, :currency::text)::card_money",
    "prior_price": f"case when {_REDUCED} then row(p.prior_price, :currency::text)::card_money end",
    "markdown": f"""case when {_REDUCED} then json_build_object('regular_price', row(p.regular_price, :currency::text)::card_money,
        'until', {_MOMENT.format("p.markdown_until")}, 'reason', p.markdown_reason) end""",
    "visible_to": "case when paid.runs then coalesce(to_json(p.visible_to), '[]'::json) end",
    "prices": """case when paid.runs then (
        select coalesce(json_agg(json_build_object('group', g ->> 'group', 'price', row((g ->> 'price')::bigint, :currency::text)::card_money)), '[]'::json)
          from jsonb_array_elements(p.group_prices) g) end""",
    "price_per": "row(p.price_per, case when p.priced_by is null then p.unit else p.weight_unit end)::card_quantity",
    "sold_by": _SOLD_BY,
    "priced_by": f"coalesce(p.priced_by, {_SOLD_BY})",
    "estimated_weight": "case when p.weight_unit is not null then row(p.estimated_weight, p.weight_unit)::card_quantity end",
    "variants": _VARIANTS,
    "unit_price": f"row(({_AMOUNT})::bigint, :currency::text, {_PER})::card_unit_price",
    "stock": "p.stock::text",
    "available": "(p.stock - p.reserved)::text",
    "quantity_step": "p.quantity_step::text",
    "min_quantity": "p.min_quantity::text",
    "season": "case when p.season_from is not null then row(p.season_from, p.season_to)::card_season end",
    "in_season": season_sql(":today::text"),
    "unit_code": _CODE,
    "durability": "case when p.durability_kind is not null then row(p.durability_kind, p.durability_date)::card_durability end",
    "certifications": _CLAIMS,
    "orderable": f"f.staffed and not {_AWAY} and not {_PAST}",
    "not_orderable": f"case when not f.staffed then '{NOBODY_THERE}' when {_AWAY} then '{FARM_AWAY}' when {_PAST} then '{PAST_USE_BY}' end",
    "away_until": f"case when {_AWAY} then (select upper(days) - 1 from unnest(f.away_days) days where days @> {_DAY}) end",
    "images": _IMAGES,
    "rating": "row(case when p.rating_count > 0 then p.rating_average end, p.rating_count)::card_rating",
    "created_at": _MOMENT.format("p.created_at"),
    # Of what is changed for groups alone those who run the farm are told, by the version that they change and by when it was.
    "version": "case when paid.runs then p.version else p.version - p.quiet end",
    "updated_at": _MOMENT.format(f"case when paid.runs then p.updated_at else {sight.SHOWN_AT} end"),
}
_COLUMNS = ", ".join(f"{_MADE.get(name, f'p.{name}')} as {name}" for name in product_shapes.Product.__struct_fields__)
#: What a cached response knows a product's state by: it is another when what is shown of it is, but for what only counts (views, votes).
STATE = "p.revision || ' ' || (p.stock - p.reserved)"
#: A product's JSON, selected from :data:`FROM`.
TEXT = "row_to_json(card)::text"
_JOINED = "products p join farms f on f.id = p.farm_id left join categories c on c.id = p.category_id"
# Worked out once a row, since many fields are made of it.
_PAID = f"""cross join lateral (select case when r.runs then p.price else {sight.PAID} end as price, r.runs
                       from (select {sight.RUNS} as runs offset 0) r offset 0) paid"""
_EVERYBODYS = _COLUMNS.replace("paid.price", "p.price").replace("paid.runs", "false")
#: Products with the rows they are shown with, by :attr:`View.personal`; such a view is bound. PostgreSQL inlines the subquery, so for everybody it costs nothing.
FROM: dict[bool, str] = {
    False: f"{_JOINED} cross join lateral (select {_EVERYBODYS}) card",
    True: f"{_JOINED} {_PAID} cross join lateral (select {_COLUMNS}) card",
}
_SEEN = {
    False: f"p.visible_to is null and {sight.OF_FOUND_FARM}",
    True: f"({sight.SHARES} and {sight.OF_FOUND_FARM} or paid.runs)",
}


def _statements(name: str, which: str) -> dict[bool, Statement[Card]]:
    return {
        personal: Statement(
            f"cards.{name}{'.personal' if personal else ''}",
            f"""select p.id, p.farm_id, case when {_SEEN[personal]} then p.status else '{HIDDEN}' end, card.version, {TEXT}, {STATE}, {ENDED}
                  from {FROM[personal]} where {which}""",
            Card,
        )
        for personal in (False, True)
    }


_BY_ID, _BY_SLUG = _statements("by_id", "p.id = :token"), _statements("by_slug", "p.slug = :token")
_BY_IDS = _statements("by_ids", "p.id = any(:ids::uuid[])")


def states(shown: Iterable[Shown]) -> dict[str, Any]:
    """The fields of a :class:`~harvestd.web.context.Result` that say which products it shows, and as they were when."""
    every = [*shown]
    names = [families.shown(one.id) for one in every]
    ended = min((one.ended for one in every if one.ended is not None), default=None)
    return {"states": tuple(zip(names, (one.state for one in every), strict=True)), "ended": ended}


async def find(reader: Reader, token: str, view: View) -> Card | None:
    """A product by id or slug, of any status."""
    by = _BY_ID if is_id(token) else _BY_SLUG
    return await reader.row(by[view.personal], token=token, **view.bound)


async def by_ids(reader: Reader, ids: Sequence[str], view: View) -> dict[str, Card]:
    """The products with these ids that exist, by id."""
    return {card.id: card for card in await reader.rows(_BY_IDS[view.personal], ids=list(ids), **view.bound)}
