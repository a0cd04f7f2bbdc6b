"""The routes: who may call what, what goes in and what comes out. Everything else is read from here."""

from __future__ import annotations

from typing import Any

from harvestd.kernel import errors as no
from harvestd.market.families import AMOUNTS, CATALOGUE, CATEGORIES, CHANGED, FARMS, PRICES, PRODUCTS
from harvestd.web import accounts, carts, categories, farms, notifications, orders, products, profiles, search
from harvestd.web.call import CountedPage, Page, UnreadPage
from harvestd.web.routes import ADMIN, ANYONE, FARMER, LONG_BODY, USER, Cached, Mode, Route
from harvestd.web.shapes import accounts as a
from harvestd.web.shapes import carts as ca
from harvestd.web.shapes import categories as c
from harvestd.web.shapes import farms as f
from harvestd.web.shapes import notifications as n
from harvestd.web.shapes import orders as o
from harvestd.web.shapes import products as p
from harvestd.web.shapes import search as s
from harvestd.web.system import SYSTEM

READ, FRESH, WRITE, OWN = Mode.READ, Mode.FRESH, Mode.WRITE, Mode.OWN
_STEP = (no.NotFound, no.IllegalTransition)


def _listing(path: dict[str, str], query: Any) -> tuple[str, ...]:
    by_price = query.sort in ("price", "-price") or query.min_price is not None or query.max_price is not None
    by_amount = query.sort == "popular" or query.in_stock
    farms = [f"products:farmer:{token}" for token in query.farm if token]
    return (*(farms or [PRODUCTS]), CATALOGUE, *[PRICES] * by_price, *[AMOUNTS] * by_amount)


def _product(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return (f"product:{path['id']}", CATALOGUE)


def _farm(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return (f"farm:{path['id']}",)


def _always(*families: str) -> Any:
    return lambda path, query: families


ROUTES: tuple[Route, ...] = (
    # accounts
    Route(method="POST", path="/api/auth/register", operation="register", handler=accounts.register, who=ANYONE, mode=OWN, tag="accounts",
          summary="Create an account, and be signed in", body=a.Register, rules=accounts.faults, answer=a.SignedIn, status=201,
          credentials=False, errors=(no.Invalid, no.AlreadyTaken)),
    Route(method="POST", path="/api/auth/login", operation="signIn", handler=accounts.login, who=ANYONE, mode=OWN, tag="accounts",
          summary="Sign in", body=a.Login, answer=a.SignedIn, limit="rate_login_address", endpoint_class="login",
          credentials=False, errors=(no.WrongCredentials, no.Unauthenticated)),
    Route(method="POST", path="/api/auth/refresh", operation="refreshTokens", handler=accounts.refresh, who=ANYONE, mode=OWN, tag="accounts",
          summary="Exchange a refresh token for a new pair", body=a.Refresh, answer=a.SignedIn, credentials=False,
          errors=(no.Unauthenticated,)),
    Route(method="POST", path="/api/auth/logout", operation="signOut", handler=accounts.logout, who=USER, mode=OWN, tag="accounts",
          summary="End this sign-in, or all of them", query=a.LogoutQuery, status=204),
    Route(method="GET", path="/api/users/me", operation="getMe", handler=accounts.me, who=USER, mode=FRESH, tag="accounts",
          summary="Who is signed in", answer=a.User),
    Route(method="PATCH", path="/api/users/me", operation="changeMe", handler=profiles.change, who=USER, mode=WRITE, tag="accounts",
          summary="Change one's own name or telephone number", body=a.ChangeProfile, rules=profiles.faults, answer=a.User),
    Route(method="GET", path="/api/users/{id}", operation="getUser", handler=accounts.public, who=ANYONE, mode=READ, tag="accounts",
          summary="A person as others see them", answer=a.PublicUser, limit="rate_read", errors=(no.NotFound,)),
    # farms and categories
    Route(method="GET", path="/api/farms", operation="listFarms", handler=farms.listed, who=ANYONE, mode=READ, tag="farms",
          summary="Farms, the newest first, or the nearest", query=f.FarmsQuery, answer=CountedPage[f.Farm],
          cached=Cached(_always(FARMS)), limit="rate_read"),
    Route(method="GET", path="/api/farms/{id}", operation="getFarm", handler=farms.page, who=ANYONE, mode=READ, tag="farms",
          summary="A farm, by id or slug", answer=f.Farm, cached=Cached(_farm), limit="rate_read", errors=(no.NotFound,)),
    Route(method="PATCH", path="/api/farms/{id}", operation="updateFarm", handler=farms.change, who=FARMER, mode=WRITE, tag="farms",
          summary="Change a farm", body=f.ChangeFarm, rules=farms.faults, answer=f.Farm, if_match=True, body_limit=LONG_BODY,
          errors=(no.NotFound, no.Forbidden, no.AlreadyTaken)),
    Route(method="GET", path="/api/categories", operation="listCategories", handler=categories.listed, who=ANYONE, mode=READ, tag="categories",
          summary="All categories, a tree by parent_id", answer=Page[c.Category], cached=Cached(_always(CATEGORIES)),
          limit="rate_read"),
    Route(method="POST", path="/api/categories", operation="createCategory", handler=categories.add, who=ADMIN, mode=WRITE, tag="categories",
          summary="Add a category", body=c.NewCategory, rules=categories.faults, answer=c.Category, status=201, key="optional",
          errors=(no.AlreadyTaken,)),
    Route(method="PATCH", path="/api/categories/{id}", operation="updateCategory", handler=categories.change, who=ADMIN, mode=WRITE, tag="categories",
          summary="Change a category", body=c.ChangeCategory, rules=categories.faults, answer=c.Category, if_match=True,
          errors=(no.NotFound, no.AlreadyTaken)),
    Route(method="DELETE", path="/api/categories/{id}", operation="deleteCategory", handler=categories.remove, who=ADMIN, mode=WRITE, tag="categories",
          summary="Delete a category that nothing is in", status=204, if_match=True, errors=(no.NotFound, no.Conflict)),
    # products
    Route(method="GET", path="/api/products", operation="listProducts", handler=products.listed, who=ANYONE, mode=READ, tag="products",
          summary="Products on sale, by filter and sort", query=p.ProductsQuery, answer=CountedPage[p.Product],
          cached=Cached(_listing, instead=(CHANGED,), private=lambda query: query.mine), limit="rate_read"),
    Route(method="POST", path="/api/products", operation="createProduct", handler=products.add, who=FARMER, mode=WRITE, tag="products",
          summary="Offer a product", body=p.NewProduct, rules=products.faults, answer=p.Product, status=201, key="optional",
          body_limit=LONG_BODY, errors=(no.Forbidden,)),
    Route(method="GET", path="/api/products/{id}", operation="getProduct", handler=products.page, who=ANYONE, mode=READ, tag="products",
          summary="A product, by id or slug", answer=p.Product, cached=Cached(_product, signed_in="own"),
          limit="rate_read", errors=(no.NotFound,)),
    Route(method="PATCH", path="/api/products/{id}", operation="updateProduct", handler=products.change, who=FARMER, mode=WRITE, tag="products",
          summary="Change what a product says", body=p.ChangeProduct, rules=products.faults, answer=p.Product, if_match=True,
          body_limit=LONG_BODY, errors=(no.NotFound,)),
    Route(method="DELETE", path="/api/products/{id}", operation="archiveProduct", handler=products.archive, who=FARMER, mode=WRITE, tag="products",
          summary="Archive a product; orders keep it", status=204, if_match=True, errors=(no.NotFound,)),
    Route(method="POST", path="/api/products/{id}/stock", operation="changeStock", handler=products.restock, who=FARMER, mode=WRITE, tag="products",
          summary="Set or change the stock", body=p.ChangeStock, rules=products.stock_faults, answer=p.StockLevel, key="optional",
          errors=(no.NotFound,)),
    # search
    Route(method="GET", path="/api/search", operation="search", handler=search.search, who=ANYONE, mode=READ, tag="search",
          summary="Find products, forgiving typing errors", query=s.SearchQuery, answer=s.SearchPage[s.FoundProduct],
          cached=Cached(_always(CHANGED, CATALOGUE)), limit="rate_read"),
    Route(method="GET", path="/api/search/suggest", operation="suggest", handler=search.suggest, who=ANYONE, mode=READ, tag="search",
          summary="Titles, farms and categories that begin so", query=s.SuggestQuery, answer=s.Suggestions,
          cached=Cached(_always(CHANGED, CATALOGUE)), limit="rate_read"),
    # the cart
    Route(method="GET", path="/api/cart", operation="getCart", cart=True, handler=carts.see, who=ANYONE, mode=FRESH, tag="cart",
          summary="The cart, priced now", answer=ca.Cart, limit="rate_read"),
    Route(method="DELETE", path="/api/cart", operation="emptyCart", cart=True, handler=carts.empty, who=ANYONE, mode=WRITE, tag="cart",
          summary="Empty the cart", status=204),
    Route(method="PUT", path="/api/cart/items", operation="putCartItems", cart=True, handler=carts.put_many, who=ANYONE, mode=WRITE, tag="cart",
          summary="Put products in, or set their quantities", body=ca.PutItems, rules=carts.faults, body_limit=LONG_BODY, answer=ca.Cart),
    Route(method="PUT", path="/api/cart/items/{product_id}", operation="putCartItem", cart=True, handler=carts.put, who=ANYONE, mode=WRITE, tag="cart",
          summary="Put a product in, or set its quantity", body=ca.PutItem, rules=carts.faults, answer=ca.Cart, errors=(no.NotFound,)),
    Route(method="DELETE", path="/api/cart/items/{product_id}", operation="removeCartItem", cart=True, handler=carts.take_out, who=ANYONE, mode=WRITE, tag="cart",
          summary="Take a product out", answer=ca.Cart),
    # orders
    Route(method="POST", path="/api/orders", operation="placeOrder", handler=orders.place, who=USER, mode=WRITE, tag="orders",
          summary="Place an order, of lines or of the cart", body=o.PlaceOrder, rules=orders.faults, answer=o.Order, status=201,
          key="required", body_limit=LONG_BODY, errors=(no.OutOfStock, no.PriceChanged)),
    Route(method="GET", path="/api/orders", operation="listOrders", handler=orders.listed, who=USER, mode=FRESH, tag="orders",
          summary="The orders that concern the caller", query=o.OrdersQuery, answer=CountedPage[o.Order], limit="rate_read"),
    Route(method="GET", path="/api/orders/{id}", operation="getOrder", handler=orders.page, who=USER, mode=FRESH, tag="orders",
          summary="An order, as far as it concerns the caller", answer=o.Order, limit="rate_read", errors=(no.NotFound,)),
    Route(method="POST", path="/api/orders/{id}/cancel", operation="cancelOrder", handler=orders.cancel, who=USER, mode=WRITE, tag="orders",
          summary="Withdraw an order, or a farm's part", body=o.CancelOrder, rules=orders.reason_faults, answer=o.Order, key="optional", errors=_STEP),
    Route(method="POST", path="/api/orders/{id}/parts/{farm_id}/status", operation="moveOrderPart", handler=orders.move, who=FARMER, mode=WRITE,
          tag="orders", summary="Take a farm's part a step further", body=o.MovePart, rules=orders.reason_faults, answer=o.Order, key="optional",
          errors=_STEP),
    # notices
    Route(method="GET", path="/api/notifications", operation="listNotifications", handler=notifications.listed, who=USER, mode=FRESH, tag="notifications",
          summary="The caller's notices", query=n.NotificationsQuery, answer=UnreadPage[n.Notification], limit="rate_read"),
    Route(method="POST", path="/api/notifications/read", operation="markNotificationsRead", handler=notifications.mark_read, who=USER, mode=WRITE,
          tag="notifications", summary="Mark notices read", body=n.ReadNotifications, answer=n.MarkedRead),
    *SYSTEM,
)  # fmt: skip
