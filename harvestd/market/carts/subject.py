"""The cart: products that someone intends to order, at current prices."""

from __future__ import annotations

from harvestd.kernel import errors
from harvestd.kernel.permissions import Permission
from harvestd.market.accounts.actions import SignedIn
from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.carts import actions, merging, routes, shapes, window_routes, window_shapes
from harvestd.market.farms import delivery_shapes
from harvestd.market.subject import Subject
from harvestd.web.routes import MANY_BODY, Mode, Route, Section

_CART = Section(
    "cart",
    "The cart of a signed-in user, or of a guest who keeps the cart token.",
    {**delivery_shapes.WORDS, **window_shapes.WORDS, **shapes.WORDS},
)

SUBJECT = Subject(
    name="carts",
    listeners={SignedIn: merging.adopt, Closed: actions.drop, Exported: actions.export},
    routes=(
        Route(method="GET", path="/api/cart", operation="getCart", spoken=True, cart=True, handler=routes.see, permission=None, scope=Permission.PLACE_ORDERS, mode=Mode.FRESH, section=_CART,
              summary="The cart at current prices", answer=shapes.Cart, limit="rate_read"),
        Route(method="GET", path="/api/cart/windows", operation="listCartWindows", cart=True, handler=window_routes.windows, permission=None, scope=Permission.PLACE_ORDERS, mode=Mode.FRESH,
              section=_CART, summary="The windows of market days that can take the cart", answer=window_shapes.CartWindows, limit="rate_read",
              description="The earliest that takes all of it comes first; then those that take what is from some of its farms. Empty in a market without market days."),
        Route(method="DELETE", path="/api/cart", operation="emptyCart", may_match=True, cart=True, handler=routes.empty, permission=None, scope=Permission.PLACE_ORDERS, mode=Mode.WRITE, section=_CART,
              summary="Empty the cart", status=204),
        Route(method="PUT", path="/api/cart/items", operation="putCartItems", may_match=True, spoken=True, cart=True, handler=routes.put_many, permission=None, scope=Permission.PLACE_ORDERS, mode=Mode.WRITE, section=_CART,
              summary="Add products, or set their quantities", body=shapes.PutItems, rules=routes.faults, body_limit=MANY_BODY, answer=shapes.Cart),
        Route(method="PUT", path="/api/cart/items/{product_id}", operation="putCartItem", may_match=True, spoken=True, cart=True, handler=routes.put, permission=None, scope=Permission.PLACE_ORDERS, mode=Mode.WRITE, section=_CART,
              summary="Add a product, or set its quantity", body=shapes.PutItem, query=shapes.CartItemQuery, rules=routes.faults, answer=shapes.Cart, errors=(errors.NotFound,)),
        Route(method="DELETE", path="/api/cart/items/{product_id}", operation="removeCartItem", may_match=True, spoken=True, cart=True, handler=routes.take_out, permission=None, scope=Permission.PLACE_ORDERS, mode=Mode.WRITE, section=_CART,
              summary="Remove a product", query=shapes.CartItemQuery, answer=shapes.Cart),
    ),
)  # fmt: skip
