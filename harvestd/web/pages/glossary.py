"""The glossary of the contract: a name has one meaning everywhere; an exception is prefixed with its schema
(``ReadyPart.state``). This module has the words that several subjects share; a subject's own are in its shapes (``WORDS``). They
describe each property and parameter of the document, unless its type says more (``msgspec.Meta``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harvestd.web.routes import Route

GLOSSARY: dict[str, str] = {
    "address": "The postal address, as free text.",
    "after": "The `next` of an earlier page; leave it out for the first.",
    "amount": "In minor units of the currency: 1250 is 12.50 EUR, or 1250 JPY.",
    "FieldError.available": "The quantity left, if the error is about stock.",
    "CartWarning.code": "A stable, machine-readable code, the same in every language.",
    "FieldError.code": "What is wrong, as a stable code; `/problems` lists each with its meaning and `params`. More may be added.",
    **dict.fromkeys(("Cart.count", "Rating.count", "FacetValue.count"), "How many there are."),
    "CountedQuery.count": "Whether to count all of them in `total`, up to 10,000.",
    "CountedPage.total": "How many there are on all pages if `count` was set, else null; it stops at 10,000, the pages do not.",
    "created_at": "When it was created.",
    "currency": "ISO 4217 code; a market has exactly one.",
    "description": "Text for people; line breaks are kept.",
    "detail": "What is wrong with this request, and the cure.",
    "errors": "One entry for each field that is wrong.",
    "farm": "The farm that sells it.",
    "field": "Path of the field, such as `lines[0].quantity`.",
    "from": "The first day, `MM-DD` for every year or `YYYY-MM-DD` for one.",
    "id": "UUIDv7.",
    "instance": "The path of the request.",
    "items": "The items on this page.",
    "Notification.kind": "What it is about; more kinds may be added.",
    "limit": "Maximum number of items on a page.",
    "lines": "Products and quantities.",
    "message": "A sentence that can be shown to a buyer.",
    "name": "The display name.",
    "next": "The cursor of the next page (send it as `after`); null on the last.",
    "number": "The human-readable order number.",
    "params": "The values in the message, as strings, so that a shop can phrase it in its own language: decimals, amounts in minor units with their `currency`, days.",
    "parts": "The parts of the order or cart, one for each farm.",
    "q": "The search text, as typed.",
    "quantity": "How much, in the product's unit, with at most three decimals.",
    "reason": "Why; the other parties read it.",
    "Problem.challenge": "With `/problems/second-factor` alone: send it with the code to `POST /api/auth/second-factor`.",
    "Problem.factors": "With `/problems/second-factor` alone: the kinds that the account can answer with, of `totp`, `passkey` and `recovery_code`; more may be added.",
    "request_id": "Identifies this request in the logs; quote it when you ask for help.",
    "slug": "The readable name in URLs.",
    "status": "The current status.",
    "Problem.status": "The HTTP status.",
    "subtotal": "The sum of the lines.",
    "title": "The name of the product.",
    "Problem.title": "What happened, in words for a buyer; the same for every problem of this type.",
    "to": "The last day, in the same format as the first.",
    **dict.fromkeys(
        ("CartLine.total", "OrderLine.total"),
        "Quantity times price, divided by what the price is for, rounded half up once.",
    ),
    "type": "URL of a page with the cause and the cure; programs can use it as the problem's code.",
    "updated_at": "When it was last changed.",
    "version": "Increases with each change; the ETag is derived from it.",
}

#: What ``{id}`` is the id of, by the segment before it; and of which of these the slug works, too.
ONES: dict[str, str] = {
    "addresses": "the address", "api-keys": "the API key", "blobs": "the picture", "categories": "the category", "coupons": "the coupon", "farms": "the farm", "fees": "the fee", "tax-rates": "the tax rate",
    "groups": "the group", "rules": "the rule", "identities": "the link with an account elsewhere", "operations": "the operation", "orders": "the order",
    "products": "the product", "second-factors": "the second factor", "sessions": "the sign-in", "users": "the user",
}  # fmt: skip
BY_SLUG = frozenset({"farms", "products"})
#: Other path parameters.
PATH: dict[str, str] = {
    "external_id": "The farm's own id of the product.",
    "farm_id": "Id of the farm.",
    "line_id": "Id of the line of the order.",
    "product_id": "Id of the product.",
    "user_id": "Id of the user.",
    "invitation_id": "Id of the invitation.",
    "document_id": "Id of the document.",
    "image_id": "Id of the picture.",
    "shard": "The last two characters of the id in the file's name.",
    "file": "Which of its files, as in the addresses of its sizes.",
    "token": "The token of the mail's link, what follows the last `=`.",
    "slug": "Name of the problem, such as `out-of-stock`.",
    "name": "Name of a page.",
}

#: Queries whose properties come from others, where they are described once; all queries and pages are ``_COUNTED``, too.
SHARED = {"ProductsQuery": ("ProductFilters",), "SearchQuery": ("ProductFilters",)}
_COUNTED = {"Query": "CountedQuery", "Page": "CountedPage"}


def described(schema: str, name: str, words: Mapping[str, str] = GLOSSARY) -> str:
    """The description of a schema's property, or of a query parameter; "" if ``words`` has none."""
    owners = (schema, *SHARED.get(schema, ()), *(one for end, one in _COUNTED.items() if schema.endswith(end)))
    return next((words[f"{one}.{name}"] for one in owners if f"{one}.{name}" in words), words.get(name, ""))


def in_path(path: str, name: str) -> str:
    """The description of the parameter ``name`` of a route's path."""
    before = path.partition(f"/{{{name}}}")[0].rpartition("/")[2]
    if name != "id" or before not in ONES:
        return PATH.get(name, "")
    return f"Id of {ONES[before]}{'; its slug works, too' if before in BY_SLUG else ''}."


def of(routes: Iterable[Route]) -> dict[str, str]:
    """The whole glossary: these words, and those of the routes' sections, of which the first that has a word counts."""
    sections = dict.fromkeys(route.section for route in routes)
    found: dict[str, str] = {}
    for words in reversed([GLOSSARY, *(section.words for section in sections)]):
        found.update(words)
    return found
