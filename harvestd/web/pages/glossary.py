"""The glossary of the contract: a name has one meaning everywhere; an exception is prefixed with its schema
(``ReadyPart.state``). This module has the words that several subjects share; a subject's own are in its shapes (``WORDS``). They
describe each property and parameter of the document, unless its type says more (``msgspec.Meta``)."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping

from harvestd.web.routes import Route

GLOSSARY: dict[str, str] = {
    "address": "The postal address, for people.",
    "after": "The `next` of an earlier page; leave it out for the first.",
    "amount": "In minor units of the currency: 1250 is 12.50 EUR, and 1250 JPY.",
    "FieldError.available": "What is left, where stock is the matter.",
    "code": "A fixed word for programs; it never changes with the language.",
    "FieldError.code": "What is wrong, as a fixed word; `/problems` says what each means and which `params` it has. There may be more of them in time.",
    "count": "How many there are.",
    "CountedQuery.count": "Whether to count all of them in `total`, up to 10,000.",
    "CountedPage.total": "How many there are on all pages, where `count` asked for it, else null; it stops at 10,000, where pages go on.",
    "created_at": "When it was made.",
    "currency": "ISO 4217 code. A market has one.",
    "description": "Text for people; line breaks are kept.",
    "detail": "What is wrong with this request, and the cure.",
    "errors": "One entry for each field that is wrong.",
    "farm": "The farm that it comes from.",
    "field": "Path of the field, such as `lines[0].quantity`.",
    "from": "The first day, `MM-DD` for every year or `YYYY-MM-DD` for one.",
    "id": "UUIDv7.",
    "instance": "The path that was asked for.",
    "items": "What is on this page.",
    "kind": "What it is about; there will be more kinds.",
    "limit": "Items on a page.",
    "lines": "Products and quantities.",
    "message": "A sentence that can be shown to a buyer.",
    "name": "The name, for people.",
    "next": "The cursor of the next page (`after`); null on the last.",
    "number": "What people call the order.",
    "params": "What the message is made of, as strings, so that a shop can word it in its own language: decimals, amounts in minor units beside `currency`, days.",
    "parts": "What comes from each farm.",
    "q": "What to look for, as people type it.",
    "quantity": "How much, in the product's unit: three decimals at most.",
    "reason": "Why; the other parties read it.",
    "request_id": "Names this request in the logs; quote it when you ask for help.",
    "slug": "The readable name in addresses.",
    "status": "Where it stands.",
    "Problem.status": "The HTTP status.",
    "subtotal": "The sum of the lines.",
    "title": "The name of the product.",
    "Problem.title": "What happened, in words for a buyer; the same for each problem of this type.",
    "to": "The last day, in the form of the first.",
    "total": "Quantity times price by what the price is for, rounded half up once.",
    "type": "Address of a page with the cause and the cure; `code` of the problem for programs.",
    "updated_at": "When it was last changed.",
    "version": "Grows with each change; the ETag is made of it.",
}

#: Path parameters.
PATH: dict[str, str] = {
    "id": "Id; of farms and products the slug serves, too.",
    "farm_id": "Id of the farm.",
    "product_id": "Id of the product.",
    "slug": "Name of the problem, such as `out-of-stock`.",
    "name": "Name of a page.",
}

#: Queries and pages whose properties come from others, where they are described once.
SHARED = {
    "ProductsQuery": ("ProductFilters", "CountedQuery"), "SearchQuery": ("ProductFilters",),
    **dict.fromkeys(("FarmsQuery", "OrdersQuery", "NotificationsQuery"), ("CountedQuery",)),
    **dict.fromkeys(("ProductPage", "FarmPage", "OrderPage", "NotificationPage"), ("CountedPage",)),
}  # fmt: skip


def described(schema: str, name: str, words: Mapping[str, str] = GLOSSARY) -> str:
    """The description of a schema's property, or of a query parameter; "" if ``words`` has none."""
    owners = (schema, *SHARED.get(schema, ()))
    return next((words[f"{one}.{name}"] for one in owners if f"{one}.{name}" in words), words.get(name, ""))


def of(routes: Iterable[Route]) -> dict[str, str]:
    """The whole glossary: these words, and those of the routes' sections."""
    return dict(collections.ChainMap(GLOSSARY, *(dict(route.section.words) for route in routes)))
