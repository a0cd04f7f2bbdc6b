"""The SQL of the product listing and the product page."""

import base64
import json
from typing import Any
from uuid import UUID

from asyncpg import Pool

from models import Product, ProductPage, ProductsQuery, shown

SELECT = """
    select p.id, p.slug, p.title, p.description, f.id as farm_id, f.slug as farm_slug, f.name as farm_name,
           c.id as category_id, c.slug as category_slug, c.name as category_name, p.unit, p.price, p.price_per, p.stock, p.reserved,
           p.quantity_step, p.min_quantity, p.season_from, p.season_to, p.harvested_on, p.tags, p.status,
           p.sku, p.external_id, p.gtin, p.lot, p.allergens, p.ingredients, p.origin, p.storage, p.durability_kind, p.durability_date,
           p.certifications, p.metadata,
           f.staffed as orderable,
           p.upvote_count, p.view_count, p.rating_average, p.rating_count, p.version, p.created_at, p.updated_at
      from products p join farms f on f.id = p.farm_id left join categories c on c.id = p.category_id
"""
IN_CATEGORY = """p.category_id in (
    with recursive below as (
        select id from categories where slug = {}
        union select c.id from categories c join below b on c.parent_id = b.id
    ) select id from below)"""
#: Order, condition of a later page, and columns of its cursor.
SORTS = {
    "newest": ("p.id desc", "p.id < {}", ["id"]),
    "price": ("p.price, p.id", "(p.price, p.id) > ({}, {})", ["price", "id"]),
}


class BadCursor(ValueError):
    """``after`` is not a cursor of this listing."""


def encode_cursor(sort: str, last: Any) -> str:
    key = [str(last[column]) if column == "id" else last[column] for column in SORTS[sort][2]]
    return base64.urlsafe_b64encode(json.dumps([sort, *key]).encode()).decode().rstrip("=")


def decode_cursor(sort: str, cursor: str) -> list[Any]:
    try:
        found, *key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if found != sort or len(key) != len(SORTS[sort][2]) or not all(isinstance(part, int) for part in key[:-1]):
            raise BadCursor
        return [*key[:-1], UUID(key[-1])]
    except (ValueError, TypeError, AttributeError) as error:
        raise BadCursor from error


async def list_products(pool: Pool, query: ProductsQuery) -> ProductPage:
    order, later, _ = SORTS[query.sort]
    conditions, values = ["p.status = 'published'"], []

    def bind(*given: Any) -> list[str]:
        values.extend(given)
        return [f"${number}" for number in range(len(values) - len(given) + 1, len(values) + 1)]

    if query.category is not None:
        conditions.append(IN_CATEGORY.format(*bind(query.category)))
    if query.in_stock:
        conditions.append("p.stock > p.reserved")
    if query.after is not None:
        conditions.append(later.format(*bind(*decode_cursor(query.sort, query.after))))
    (limit,) = bind(query.limit + 1)
    sql = f"{SELECT} where {' and '.join(conditions)} order by {order} limit {limit}"
    rows = await pool.fetch(sql, *values)
    page = rows[: query.limit]
    following = encode_cursor(query.sort, page[-1]) if len(rows) > query.limit else None
    return ProductPage.model_validate({"items": [shown(row) for row in page], "next": following})


async def find_product(pool: Pool, token: str) -> Product | None:
    try:
        column, value = "id", UUID(token)
    except ValueError:
        column, value = "slug", token
    row = await pool.fetchrow(f"{SELECT} where p.{column} = $1 and p.status = 'published'", value)
    return None if row is None else Product.model_validate(shown(row))
