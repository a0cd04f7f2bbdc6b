"""What clients ask for at a stall, and what each answer says of the products and the window that it is about."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.histories.asking import Asking, Lost, names
from tests.histories.pools import Kind, Said, Told
from tests.histories.stalls import PRODUCTS, Stall, Window, load

if TYPE_CHECKING:
    from tests.histories.clients import Clients


def _wanted(stall: Stall, chance: random.Random) -> tuple[str, Window, dict[str, int], dict[str, Any]]:
    """Somebody, a window, so many pieces of some products in any order, and the body that says so."""
    products = chance.sample(list(stall.products), chance.choice((1, 1, PRODUCTS)))
    pieces = {product: chance.randint(1, 3) for product in products}
    window = chance.choice(stall.windows)
    lines = [{"product_id": product, "quantity": number} for product, number in pieces.items()]
    given = {"lines": lines, "fulfilment": {"method": "delivery", "address": "1 Lane", "window_id": window.id}}
    return chance.choice(stall.buyers), window, pieces, given


def _left(errors: Sequence[Mapping[str, Any]], products: Sequence[str]) -> dict[str, int]:
    """What refusals say is left of products, by those."""
    found = {}
    for one in errors:
        if one.get("available") is not None:
            found[products[int(one["field"][len("lines[") : one["field"].index("]")])]] = int(float(one["available"]))
    return found


def _each(
    kind: Kind, told: Told, pieces: Mapping[str, int], window: str, *, by: str = "", quote: str = "", of: Kind | None = None
) -> dict[str, Said | None]:  # fmt: skip
    """The same of every product, and of the window."""
    found: dict[str, Said | None] = {
        product: Said(kind=kind, told=told, by=by, quote=quote, load=(number,)) for product, number in pieces.items()
    }
    whole = Said(kind=of or kind, told=told, by=by, quote=quote, load=load(sum(pieces.values())))
    return {**found, window: whole}


def _short(kind: Kind, left: Mapping[str, int], pieces: Mapping[str, int], by: str = "") -> dict[str, Said | None]:
    """What a refusal for want of products says of those that it names."""
    return {
        product: Said(kind=kind, told="full", by=by, load=(pieces[product],), left=number)
        for product, number in left.items()
    }


def _full(kind: Kind, window: str, pieces: Mapping[str, int], by: str = "") -> dict[str, Said | None]:
    """What a refusal for want of a place says."""
    return {window: Said(kind=kind, told="full", by=by, load=load(sum(pieces.values())))}


def _lines(answer: Any) -> dict[str, str]:
    """The lines of an order, by product."""
    return {line["product_id"]: line["id"] for line in answer["lines"]}


def _problem(answer: Any) -> str:
    return str(answer["type"]).removeprefix("/problems/")


def _place(clients: Clients, stall: Stall, asking: Asking, chance: random.Random) -> None:
    buyer, window, pieces, given = _wanted(stall, chance)
    try:
        begun, status, answer = asking(buyer, "POST", "/api/orders", given)
    except Lost as lost:
        clients.note(lost.args[0], _each("place", None, pieces, window.id, by=f"lost {next(names)}"))
        return
    if status == 201:
        clients.note(begun, _each("place", "done", pieces, window.id, by=answer["id"]))
        stall.orders[answer["id"]] = buyer, window.id, _lines(answer)
    elif _problem(answer) == "out-of-stock":
        clients.note(begun, _short("place", _left(answer["errors"], list(pieces)), pieces))
    elif _problem(answer) == "window-full":
        clients.note(begun, _full("place", window.id, pieces))
    else:
        clients.unexpected("place", status, answer)


def _quote(clients: Clients, stall: Stall, asking: Asking, chance: random.Random) -> None:
    _, window, pieces, given = _wanted(stall, chance)
    _ask(clients, stall, asking, (stall.asker, window, pieces, given), hold=False)


def _hold(clients: Clients, stall: Stall, asking: Asking, chance: random.Random) -> None:
    _ask(clients, stall, asking, _wanted(stall, chance), hold=True)


def _ask(clients: Clients, stall: Stall, asking: Asking, wanted: Any, *, hold: bool) -> None:
    buyer, window, pieces, given = wanted
    kind: Kind = "hold" if hold else "quote"
    by = f"buyer {stall.buyers.index(buyer)}" if hold else ""

    def all_of(told: Told, quote: str) -> dict[str, Said | None]:
        others = {*stall.products, *(one.id for one in stall.windows)}
        gone = {pool: Said(kind="let go", told=told, by=by) for pool in others} if hold else {}
        return gone | _each(kind, told, pieces, window.id, by=by, quote=quote, of=kind)

    try:
        begun, status, answer = asking(buyer, "POST", "/api/quotes", {**given, "hold": hold})
    except Lost as lost:
        clients.note(lost.args[0], all_of(None, f"lost {next(names)}"))
        return
    refusals = answer["refusals"] if status == 200 else []
    found = {_problem(one) for one in refusals}
    if status != 200 or not found <= {"out-of-stock", "window-full"}:
        clients.unexpected(kind, status, answer)
    elif "out-of-stock" in found:
        clients.note(begun, _short(kind, _left(refusals, list(pieces)), pieces, by))
    elif found:
        clients.note(begun, _full(kind, window.id, pieces, by))
    else:
        quote = answer["id"] or ""
        clients.note(begun, all_of("done", quote))
        if hold:
            stall.quotes[quote] = buyer, window.id, pieces


def _order_held(clients: Clients, stall: Stall, asking: Asking, chance: random.Random) -> None:
    if not stall.quotes:
        return _hold(clients, stall, asking, chance)
    quote = chance.choice(list(stall.quotes)[-4:])
    buyer, window, pieces = stall.quotes[quote]

    def all_of(told: Told, by: str) -> dict[str, Said | None]:
        return _each("order held", told, pieces, window, by=by, quote=quote, of="order held")

    try:
        begun, status, answer = asking(buyer, "POST", "/api/orders", {"quote_id": quote})
    except Lost as lost:
        clients.note(lost.args[0], all_of(None, f"lost {next(names)}"))
        return
    if status == 201:
        clients.note(begun, all_of("done", answer["id"]))
        stall.orders[answer["id"]] = buyer, window, _lines(answer)
    elif status == 422 and answer["errors"][0]["code"] == "expired":
        clients.note(begun, all_of("gone", ""))
    else:
        clients.unexpected("order held", status, answer)


def _cancel(clients: Clients, stall: Stall, asking: Asking, chance: random.Random) -> None:
    if not stall.orders:
        return _place(clients, stall, asking, chance)
    order = chance.choice(list(stall.orders)[-6:])
    buyer, window, lines = stall.orders[order]

    def all_of(told: Told) -> dict[str, Said | None]:
        return {pool: Said(kind="cancel", told=told, by=order) for pool in (*lines, window)}

    try:
        begun, status, answer = asking(buyer, "POST", f"/api/orders/{order}/cancel", {})
    except Lost as lost:
        clients.note(lost.args[0], all_of(None))
        return
    if status == 200:
        clients.note(begun, all_of("done"))
    elif _problem(answer) == "illegal-transition":
        clients.note(begun, all_of("gone"))
    else:
        clients.unexpected("cancel", status, answer)


def _amend(clients: Clients, stall: Stall, asking: Asking, chance: random.Random) -> None:
    if not stall.orders:
        return _place(clients, stall, asking, chance)
    order = chance.choice(list(stall.orders)[-6:])
    buyer, window, lines = stall.orders[order]
    pieces = {product: chance.randint(1, 4) for product in lines}
    given = {"lines": [{"line_id": lines[product], "quantity": number} for product, number in pieces.items()]}

    def all_of(told: Told) -> dict[str, Said | None]:
        return _each("amend", told, pieces, window, by=order)

    headers = {"If-Match": "*"}
    try:
        begun, status, answer = asking(buyer, "PATCH", f"/api/orders/{order}", given, **headers)
    except Lost as lost:
        clients.note(lost.args[0], all_of(None))
        return
    if status == 200:
        clients.note(begun, all_of("done"))
    elif _problem(answer) == "out-of-stock":
        clients.note(begun, _short("amend", _left(answer["errors"], list(pieces)), pieces, order))
    elif _problem(answer) == "window-full":
        clients.note(begun, _full("amend", window, pieces, order))
    elif _problem(answer) == "illegal-transition":
        clients.note(begun, all_of("gone"))
    else:
        clients.unexpected("amend", status, answer)


def _restock(clients: Clients, stall: Stall, asking: Asking, chance: random.Random) -> None:
    product, more = chance.choice(list(stall.products)), chance.randint(1, 2)

    def said(told: Told, left: int | None) -> dict[str, Said | None]:
        return {product: Said(kind="restock", told=told, load=(more,), left=left)}

    path, given = f"/api/products/{product}/stock", {"change": more, "reason": "harvest"}
    try:
        begun, status, answer = asking(stall.farmer, "POST", path, given)
    except Lost as lost:
        clients.note(lost.args[0], said(None, None))
        return
    if status == 200:
        clients.note(begun, said("done", int(float(answer["available"]))))
    else:
        clients.unexpected("restock", status, answer)


ACTIONS: Mapping[Kind, Callable[[Clients, Stall, Asking, random.Random], None]] = {
    "place": _place, "hold": _hold, "order held": _order_held, "cancel": _cancel, "amend": _amend, "restock": _restock, "quote": _quote,
}  # fmt: skip
