"""Products as the contract shows them: JSON that PostgreSQL makes, and that is handed on as it is.

A page of twenty rows with thirty columns each costs this process more to read, convert and encode than the server needs to
find them; one text a product costs a tenth of that, here, and hardly more there. So this is where a product's view is said,
once; ``market/catalogue/product_shapes.py`` says the same as types, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harvestd.kernel.quantities import COMPARED
from harvestd.kernel.slugs import is_id
from harvestd.market.catalogue.on_sale import NOBODY_THERE
from harvestd.store.postgres.database import Reader, Statement


class Card(msgspec.Struct, frozen=True):
    """``text`` is the JSON; the rest is what decides who may see it, and its ETag."""

    id: str
    farm_id: str
    status: str
    version: int
    text: str


def _case(column: str, otherwise: str, values: dict[str, str]) -> str:
    return f"case {column} {' '.join(f'when {given!r} then {value}' for given, value in values.items())} else {otherwise} end"


# Half up and exact, as kernel/quantities.py has it: a rounded quotient could be a half that the true one is not. Most prices are for one.
_OF_ONE = _case("p.unit", "p.price", {u: f"p.price * {f}" for u, (_, f) in COMPARED.items() if f != 1})
_AMOUNT = (
    f"case when p.price_per = 1 then round({_OF_ONE}) else div(2 * ({_OF_ONE}) + p.price_per, 2 * p.price_per) end"
)
_PER = _case("p.unit", "p.unit", {u: f"'{per}'" for u, (per, _) in COMPARED.items() if per != u})
_MOMENT = "to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


def _named(table: str) -> str:
    return f"""'{{"id":"' || {table}.id::text || '","slug":' || to_json({table}.slug)::text || ',"name":' || to_json({table}.name)::text || '}}'"""


_FIELDS = {
    "id": "'\"' || p.id::text || '\"'",
    "slug": "to_json(p.slug)::text",
    "title": "to_json(p.title)::text",
    "description": "to_json(p.description)::text",
    "farm": _named("f"),
    "category": f"case when c.id is null then 'null' else {_named('c')} end",
    "unit": "to_json(p.unit)::text",
    "price": """'{"amount":' || p.price::text || ',"currency":' || to_json($currency::text)::text || '}'""",
    "price_per": """'{"quantity":"' || p.price_per::text || '","unit":' || to_json(p.unit)::text || '}'""",
    "unit_price": f"""'{{"amount":' || ({_AMOUNT})::text || ',"currency":' || to_json($currency::text)::text || ',"per":"' || {_PER} || '"}}'""",
    "stock": "'\"' || p.stock::text || '\"'",
    "available": "'\"' || (p.stock - p.reserved)::text || '\"'",
    "quantity_step": "'\"' || p.quantity_step::text || '\"'",
    "min_quantity": "'\"' || p.min_quantity::text || '\"'",
    "season": """coalesce('{"from":' || to_json(p.season_from)::text || ',"to":' || to_json(p.season_to)::text || '}', 'null')""",
    "harvested_on": "coalesce(to_json(p.harvested_on)::text, 'null')",
    "tags": "array_to_json(p.tags)::text",
    "status": "to_json(p.status)::text",
    "orderable": "f.staffed::text",
    "not_orderable": f"case when f.staffed then 'null' else '\"{NOBODY_THERE}\"' end",
    "images": "'[]'",
    "upvote_count": "p.upvote_count::text",
    "view_count": "p.view_count::text",
    "rating": """'{"average":' || case when p.rating_count = 0 then 'null' else p.rating_average::text end
                 || ',"count":' || p.rating_count::text || '}'""",
    "version": "p.version::text",
    "created_at": f"'\"' || {_MOMENT.format('p.created_at')} || '\"'",
    "updated_at": f"'\"' || {_MOMENT.format('p.updated_at')} || '\"'",
}
FROM = "products p join farms f on f.id = p.farm_id left join categories c on c.id = p.category_id"


def text(currency: str) -> str:
    """The SQL expression of a product's JSON over :data:`FROM`; ``currency`` is the parameter that it is bound to (``:currency``)."""
    members = " || ".join(
        f"'{',' if i else ''}\"{name}\":' || {value}" for i, (name, value) in enumerate(_FIELDS.items())
    )
    return f"'{{' || {members} || '}}'".replace("$currency", currency)


_SELECT = f"select p.id, p.farm_id, p.status, p.version, {text(':currency')} from {FROM} where"
_BY_ID = Statement("cards.by_id", f"{_SELECT} p.id = :token", Card)
_BY_SLUG = Statement("cards.by_slug", f"{_SELECT} p.slug = :token", Card)
_BY_IDS = Statement("cards.by_ids", f"{_SELECT} p.id = any(:ids::uuid[])", Card)


async def find(reader: Reader, token: str, currency: str) -> Card | None:
    """A product by id or slug, whatever its status."""
    return await reader.row(_BY_ID if is_id(token) else _BY_SLUG, token=token, currency=currency)


async def by_ids(reader: Reader, ids: Sequence[str], currency: str) -> dict[str, Card]:
    """Products by id; those that exist."""
    return {card.id: card for card in await reader.rows(_BY_IDS, ids=list(ids), currency=currency)}
