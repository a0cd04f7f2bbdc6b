"""The product listing: its query, sorts, filters and cursors."""

import base64
import json
from uuid import UUID

from django.db.models import F, Q
from django.db.models.expressions import RawSQL

from market.models import Product
from market.shapes import COLUMNS

ORDER = {"newest": ("-id",), "price": ("price", "id")}
TREE = """with recursive below as (
    select id from categories where slug = %s
    union select c.id from categories c join below b on c.parent_id = b.id
) select id from below"""


class BadQuery(ValueError):
    """A parameter of the listing is not what it may be."""


def page(parameters):
    """The rows of a page by the parameters of its request, and the cursor of the page after it or None."""
    sort = parameters.get("sort", "newest")
    if sort not in ORDER:
        raise BadQuery(f"sort is one of {', '.join(ORDER)}")
    limit = _limit(parameters.get("limit", "20"))
    products = Product.objects.filter(status="published")
    if category := parameters.get("category"):
        products = products.filter(category_id__in=RawSQL(TREE, [category]))
    if parameters.get("in_stock") == "true":
        products = products.filter(stock__gt=F("reserved"))
    if after := parameters.get("after"):
        products = _continued(products, sort, after)
    rows = list(products.order_by(*ORDER[sort]).values(*COLUMNS)[: limit + 1])
    return rows[:limit], _cursor(sort, rows[limit - 1]) if len(rows) > limit else None


def _limit(text):
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise BadQuery("limit is a number from 1 to 100")
    return int(text)


def _continued(products, sort, cursor):
    try:
        found, *key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if found != sort:
            raise BadQuery("after is not a cursor of this sort")
        if sort == "newest":
            return products.filter(id__lt=UUID(key[0]))
        # The first condition is what the index of the sort can use.
        price, last = int(key[0]), UUID(key[1])
        return products.filter(price__gte=price).filter(Q(price__gt=price) | Q(id__gt=last))
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise BadQuery("after is not a cursor of this listing") from error


def _cursor(sort, row):
    key = [str(row["id"])] if sort == "newest" else [row["price"], str(row["id"])]
    return base64.urlsafe_b64encode(json.dumps([sort, *key]).encode()).decode().rstrip("=")
