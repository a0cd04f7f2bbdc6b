"""The catalogue: categories, products and their stock."""

from __future__ import annotations

from typing import Any

from harvestd.kernel import errors
from harvestd.kernel.families import AMOUNTS, CATALOGUE, CATEGORIES, CHANGED, PRICES, PRODUCTS
from harvestd.kernel.permissions import Permission
from harvestd.market.catalogue import (
    category_routes,
    category_shapes,
    events,
    listing_shapes,
    product_routes,
    product_shapes,
    stock_shapes,
)
from harvestd.market.subject import Subject
from harvestd.web.context import CountedPage, Page
from harvestd.web.routes import LONG_BODY, Cached, Mode, Route, Section, always

_CATEGORIES = Section("categories", "The tree of product categories.", category_shapes.WORDS)
_PRODUCTS = Section(
    "products",
    "Products on sale, and how farmers manage them.",
    {**product_shapes.WORDS, **listing_shapes.WORDS, **stock_shapes.WORDS},
)


def _listing(path: dict[str, str], query: Any) -> tuple[str, ...]:
    by_price = query.sort in ("price", "-price") or query.min_price is not None or query.max_price is not None
    by_amount = query.sort == "popular" or query.in_stock
    farms = [f"products:farmer:{token}" for token in query.farm if token]
    return (*(farms or [PRODUCTS]), CATALOGUE, *[PRICES] * by_price, *[AMOUNTS] * by_amount)


def _product(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return (f"product:{path['id']}", CATALOGUE)


SUBJECT = Subject(
    name="catalogue",
    events={
        "product.created": events.ProductChanged, "product.updated": events.ProductChanged, "product.deleted": events.ProductChanged,
        "category.updated": events.CategoryUpdated,
    },
    routes=(
        Route(method="GET", path="/api/categories", operation="listCategories", handler=category_routes.listed, permission=None, mode=Mode.READ, section=_CATEGORIES,
              summary="All categories; parent_id makes them a tree", answer=Page[category_shapes.Category], cached=Cached(always(CATEGORIES)),
              limit="rate_read"),
        Route(method="POST", path="/api/categories", operation="createCategory", handler=category_routes.add, permission=Permission.CHANGE_CATEGORIES, mode=Mode.WRITE, section=_CATEGORIES,
              summary="Add a category", body=category_shapes.NewCategory, rules=category_routes.faults, answer=category_shapes.Category, status=201, key="optional",
              errors=(errors.AlreadyTaken,)),
        Route(method="PATCH", path="/api/categories/{id}", operation="updateCategory", handler=category_routes.change, permission=Permission.CHANGE_CATEGORIES, mode=Mode.WRITE, section=_CATEGORIES,
              summary="Change a category", body=category_shapes.ChangeCategory, rules=category_routes.faults, answer=category_shapes.Category, if_match=True,
              errors=(errors.NotFound, errors.AlreadyTaken)),
        Route(method="DELETE", path="/api/categories/{id}", operation="deleteCategory", handler=category_routes.remove, permission=Permission.CHANGE_CATEGORIES, mode=Mode.WRITE, section=_CATEGORIES,
              summary="Delete an empty category", status=204, if_match=True, errors=(errors.NotFound, errors.Conflict)),
        Route(method="GET", path="/api/products", operation="listProducts", handler=product_routes.listed, permission=None, scope=Permission.CHANGE_PRODUCTS, mode=Mode.READ, section=_PRODUCTS,
              summary="Products on sale, filtered and sorted", query=listing_shapes.ProductsQuery, answer=CountedPage[product_shapes.Product],
              cached=Cached(_listing, instead=(CHANGED,), private=lambda query: query.mine), limit="rate_read"),
        Route(method="POST", path="/api/products", operation="createProduct", handler=product_routes.add, permission=Permission.CHANGE_PRODUCTS, mode=Mode.WRITE, section=_PRODUCTS,
              summary="Create a product", body=product_shapes.NewProduct, rules=product_routes.faults, answer=product_shapes.Product, status=201, key="optional",
              body_limit=LONG_BODY, errors=(errors.Forbidden, errors.AlreadyTaken)),
        Route(method="GET", path="/api/products/{id}", operation="getProduct", handler=product_routes.page, permission=None, scope=Permission.CHANGE_PRODUCTS, mode=Mode.READ, section=_PRODUCTS,
              summary="A product, by id or slug", answer=product_shapes.Product, cached=Cached(_product, signed_in="own"),
              limit="rate_read", errors=(errors.NotFound,)),
        Route(method="PATCH", path="/api/products/{id}", operation="updateProduct", handler=product_routes.change, permission=Permission.CHANGE_PRODUCTS, mode=Mode.WRITE, section=_PRODUCTS,
              summary="Change a product", body=product_shapes.ChangeProduct, rules=product_routes.faults, answer=product_shapes.Product, if_match=True,
              body_limit=LONG_BODY, errors=(errors.NotFound, errors.AlreadyTaken)),
        Route(method="DELETE", path="/api/products/{id}", operation="archiveProduct", handler=product_routes.archive, permission=Permission.CHANGE_PRODUCTS, mode=Mode.WRITE, section=_PRODUCTS,
              summary="Archive a product; existing orders keep it", status=204, if_match=True, errors=(errors.NotFound,)),
        Route(method="POST", path="/api/products/{id}/stock", operation="changeStock", handler=product_routes.restock, permission=Permission.CHANGE_STOCK, mode=Mode.WRITE, section=_PRODUCTS,
              summary="Set or adjust the stock", body=stock_shapes.ChangeStock, rules=product_routes.stock_faults, answer=stock_shapes.StockLevel, key="optional",
              errors=(errors.NotFound,)),
    ),
)  # fmt: skip
