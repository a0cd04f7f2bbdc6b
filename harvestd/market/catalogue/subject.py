"""The catalogue: categories, products and their stock."""

from __future__ import annotations

from typing import Any

from harvestd.kernel import errors
from harvestd.kernel.families import (
    AMOUNTS,
    ANY_CATEGORY,
    CATALOGUE,
    CATEGORIES,
    CHANGED,
    PRICES,
    PRODUCTS,
    of_category,
    of_farm,
)
from harvestd.kernel.permissions import Permission
from harvestd.market.catalogue import (
    category_routes,
    category_shapes,
    events,
    fact_shapes,
    group_names,
    image_shapes,
    import_shapes,
    importing,
    listing_shapes,
    many_routes,
    many_shapes,
    markdown_actions,
    measure_shapes,
    price_routes,
    price_shapes,
    product_body_shapes,
    product_routes,
    product_shapes,
    stock_shapes,
    table_columns,
    table_routes,
    variant_routes,
    variant_shapes,
    viewing,
)
from harvestd.market.long_work.kinds import LongWork
from harvestd.market.long_work.shapes import Operation
from harvestd.market.subject import Subject
from harvestd.queue.work import Due
from harvestd.web.context import CountedPage, Page
from harvestd.web.routes import LONG_BODY, MANY_BODY, Cached, Mode, Route, Section, always

_CATEGORIES = Section("categories", "The tree of product categories.", category_shapes.WORDS)
_PRODUCTS = Section(
    "products",
    "Products on sale, and how farmers manage them.",
    {
        **product_shapes.WORDS,
        **product_body_shapes.WORDS,
        **image_shapes.WORDS,
        **fact_shapes.WORDS,
        **price_shapes.WORDS,
        **measure_shapes.WORDS,
        **listing_shapes.WORDS,
        **stock_shapes.WORDS,
        **many_shapes.WORDS,
        **import_shapes.WORDS,
        **variant_shapes.WORDS,
        **group_names.WORDS,
    },
)


_IMPORT = f"""CSV or JSON Lines, up to 100,000 rows. The first line of CSV names columns, in any order: {", ".join(f"`{name}`" for name in table_columns.COLUMNS)}.
A row is about the product with its `id`, else its `external_id`, else its `sku`; there is a new one if none has that. Columns that the file does not have stay as they are; an
empty cell empties its field, and leaves `title`, `unit`, `price`, `stock`, `status` and the steps alone. `price` is in whole units of the market's currency (3.50), `category` a
slug, several `tags` or `allergens` have `|` between them, and so have the groups of `visible_to` and of `prices` (`members=3.50|wholesale=2.80`). `price_per` and `estimated_weight` may have their unit in the cell (`500 g`). `certifications`, `metadata`
(`{{"shelf": "B4"}}`) and `translations` are JSON, and so are `variants`: all pack sizes, as `PUT /api/products/{{id}}/variants` takes its `items`; an empty cell ends them. Texts in
another language of the market have columns of their own instead of `translations`: `title_fr`, `description_fr`. UTF-8 and Windows-1252, commas, semicolons and tabs, and decimal commas are understood. Lines of JSON
are rows as `POST /api/products/bulk` takes them.

Everything is checked before anything is written. If a row is wrong, the operation fails with the errors of all (`rows[0]` is the line below the first) and nothing is
written; the same file again changes nothing. If it is cancelled while it writes, or a product was changed meanwhile so that its row cannot be written any more, what
was written until then stays, and the same file again does the rest. An API key with the scope of this route may also read and cancel the operation."""


def _listing(path: dict[str, str], query: Any) -> tuple[str, ...]:
    by_price = query.sort in ("price", "-price") or query.min_price is not None or query.max_price is not None
    by_amount = query.sort == "popular" or query.in_stock
    farms = [of_farm(token) for token in query.farm if token]
    categories = [of_category(token) for token in query.category if token]
    own = farms or (categories and [*categories, ANY_CATEGORY]) or [PRODUCTS]
    return (*own, CATALOGUE, *[PRICES] * by_price, *[AMOUNTS] * by_amount)


def _product(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return (f"product:{path['id']}", CATALOGUE)


SUBJECT = Subject(
    name="catalogue",
    long_work=(LongWork(name=importing.KIND, step=importing.step, permission=Permission.CHANGE_PRODUCTS),),
    events={
        "product.created": events.ProductChanged, "product.updated": events.ProductChanged, "product.deleted": events.ProductChanged,
        "category.updated": events.CategoryUpdated,
    },
    routes=(
        Route(method="GET", path="/api/categories", operation="listCategories", spoken=True, handler=category_routes.listed, permission=None, mode=Mode.READ, section=_CATEGORIES,
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
        Route(method="GET", path="/api/products", operation="listProducts", spoken=True, handler=product_routes.listed, permission=None, scope=Permission.CHANGE_PRODUCTS, mode=Mode.READ, section=_PRODUCTS,
              summary="Products on sale, filtered and sorted", query=listing_shapes.ProductsQuery, answer=CountedPage[product_shapes.Product],
              cached=Cached(_listing, instead=(CHANGED,), audience=viewing.of_list, private=lambda query: query.mine), limit="rate_read"),
        Route(method="POST", path="/api/products", operation="createProduct", handler=product_routes.add, permission=Permission.CHANGE_PRODUCTS, mode=Mode.WRITE, section=_PRODUCTS,
              summary="Create a product", body=product_body_shapes.NewProduct, rules=product_routes.faults, answer=product_shapes.Product, status=201, key="optional",
              body_limit=LONG_BODY, errors=(errors.Forbidden, errors.AlreadyTaken)),
        Route(method="GET", path="/api/products/{id}", operation="getProduct", handler=product_routes.page, permission=None, scope=Permission.CHANGE_PRODUCTS, mode=Mode.READ, section=_PRODUCTS,
              summary="A product, by id or slug", answer=product_shapes.Product, cached=Cached(_product, signed_in="own", absent=()), spoken=True, viewed=True,
              limit="rate_read", errors=(errors.NotFound,)),
        Route(method="PATCH", path="/api/products/{id}", operation="updateProduct", handler=product_routes.change, permission=Permission.CHANGE_PRODUCTS, mode=Mode.WRITE, section=_PRODUCTS,
              summary="Change a product", body=product_body_shapes.ChangeProduct, rules=product_routes.faults, answer=product_shapes.Product, if_match=True,
              body_limit=LONG_BODY, errors=(errors.NotFound, errors.AlreadyTaken)),
        Route(method="DELETE", path="/api/products/{id}", operation="archiveProduct", handler=product_routes.archive, permission=Permission.CHANGE_PRODUCTS, mode=Mode.WRITE, section=_PRODUCTS,
              summary="Archive a product; existing orders keep it", status=204, if_match=True, errors=(errors.NotFound,)),
        Route(method="POST", path="/api/products/bulk", operation="writeProducts", spoken=True, handler=many_routes.bulk, permission=Permission.CHANGE_PRODUCTS, mode=Mode.OWN, section=_PRODUCTS,
              summary="Create and change up to 1,000 products of a farm", body=many_shapes.BulkProducts, query=many_shapes.BulkQuery, by_row="rows", answer=many_shapes.BulkResults,
              key="optional", body_limit=MANY_BODY, errors=(errors.Forbidden, errors.AlreadyTaken),
              description="Each row is a change of the product with its `id` or `external_id`: what it leaves out stays. One without either, or with an `external_id` that no product has, "
              "is a new product, and needs `title`, `unit`, `price` and `stock`. `variants` are all of its pack sizes. Rows are written a hundred at a time; one that is refused stops no other, unless `atomic`."),
        Route(method="POST", path="/api/products/import", operation="importProducts", handler=table_routes.take, permission=Permission.CHANGE_PRODUCTS, mode=Mode.OWN, section=_PRODUCTS,
              summary="Create and change a farm's products from a file", body=import_shapes.ImportProducts, query=import_shapes.ImportQuery, answer=Operation, status=202, upload=True,
              files=("text/csv", "application/jsonl"), limit="rate_upload", endpoint_class="uploads", errors=(errors.Forbidden, errors.Invalid), description=_IMPORT),
        Route(method="GET", path="/api/products/export.csv", operation="exportProducts", handler=table_routes.export_csv, permission=Permission.CHANGE_PRODUCTS, mode=Mode.FRESH, section=_PRODUCTS,
              summary="A farm's products as CSV", query=import_shapes.ExportQuery, answer=dict[str, Any], media_type="text/csv; charset=utf-8", download=True, limit="rate_upload", endpoint_class="exports",
              errors=(errors.Forbidden, errors.Invalid),
              description="All of the farm's products, whatever their status, in the columns of the import, which takes them back as they are. A cell that a spreadsheet would run as a formula has an apostrophe before it."),
        Route(method="GET", path="/api/products/export.jsonl", operation="exportProductLines", handler=table_routes.export_jsonl, permission=Permission.CHANGE_PRODUCTS, mode=Mode.FRESH, section=_PRODUCTS,
              summary="A farm's products as JSON Lines", query=import_shapes.ExportQuery, answer=dict[str, Any], media_type="application/jsonl", download=True, limit="rate_upload", endpoint_class="exports",
              errors=(errors.Forbidden, errors.Invalid), description="Each line is a row as `POST /api/products/bulk` and the import take it."),
        Route(method="PUT", path="/api/farms/{id}/products/{external_id}", operation="putProduct", handler=many_routes.put, permission=Permission.CHANGE_PRODUCTS, mode=Mode.WRITE, section=_PRODUCTS,
              summary="Create or change a product by the farm's own id for it", body=many_shapes.PutProduct, rules=product_routes.faults, answer=product_shapes.Product, may_match=True,
              also=(201,), body_limit=LONG_BODY, errors=(errors.NotFound, errors.Forbidden, errors.AlreadyTaken),
              description="The body is the whole product: what it leaves out returns to its default, but its pack sizes stay. `stock` sets the level. A change that changes nothing is no change. "
              "`external_id` is 1 to 64 visible ASCII characters; one with a slash cannot be in an address, so such a product is written by `POST /api/products/bulk`."),
        Route(method="GET", path="/api/farms/{id}/groups", operation="listFarmGroups", handler=group_names.listed, permission=Permission.CHANGE_PRODUCTS, mode=Mode.FRESH,
              section=_PRODUCTS, summary="The groups of buyers that a farm's products may name", query=group_names.FarmGroupsQuery, answer=CountedPage[group_names.GroupName],
              limit="rate_read", errors=(errors.NotFound, errors.Forbidden),
              description="For `visible_to` and `prices` of its products. Who is in a group is told to the market's staff alone."),
        Route(method="GET", path="/api/products/{id}/price-history", operation="listPrices", handler=price_routes.history, permission=Permission.CHANGE_PRODUCTS, mode=Mode.FRESH, section=_PRODUCTS,
              summary="What a product cost when, the present price first", query=price_shapes.PriceHistoryQuery, answer=CountedPage[price_shapes.PastPrice], limit="rate_read",
              errors=(errors.NotFound,), description="A row for each change of what everybody pays, and of whether it was on sale; groups' prices are not among them."),
        Route(method="POST", path="/api/products/{id}/markdown", operation="reducePrice", handler=price_routes.reduce, permission=Permission.CHANGE_PRODUCTS, mode=Mode.WRITE, section=_PRODUCTS,
              summary="Reduce the price until a time", body=price_shapes.NewMarkdown, rules=price_routes.faults, answer=product_shapes.Product, may_match=True, key="optional",
              errors=(errors.NotFound, errors.Conflict),
              description="Announces a reduction: the product shows `prior_price`, the lowest price of the thirty days before it. It ends by itself, and the price is the regular one again, "
              "to the second or so; an order costs what the product costs when it is placed. Another markdown takes the place of one that it has. "
              "Who is in a group with a price of its own pays the lower of the two."),
        Route(method="DELETE", path="/api/products/{id}/markdown", operation="restorePrice", handler=price_routes.restore, permission=Permission.CHANGE_PRODUCTS, mode=Mode.WRITE, section=_PRODUCTS,
              summary="End the reduction of a price early", status=204, may_match=True, errors=(errors.NotFound,)),
        Route(method="POST", path="/api/products/{id}/stock", operation="changeStock", handler=product_routes.restock, permission=Permission.CHANGE_STOCK, mode=Mode.WRITE, section=_PRODUCTS,
              summary="Set or adjust the stock", body=stock_shapes.ChangeStock, rules=product_routes.stock_faults, answer=stock_shapes.StockLevel, key="optional",
              errors=(errors.NotFound,)),
        Route(method="GET", path="/api/products/{id}/variants", operation="listVariants", handler=variant_routes.listed, permission=Permission.CHANGE_PRODUCTS, mode=Mode.FRESH,
              section=_PRODUCTS, summary="The pack sizes of a product", answer=variant_shapes.Variants, limit="rate_read", errors=(errors.NotFound, errors.Forbidden)),
        Route(method="PUT", path="/api/products/{id}/variants", operation="putVariants", handler=variant_routes.put, permission=Permission.CHANGE_PRODUCTS, mode=Mode.WRITE,
              section=_PRODUCTS, summary="Set the pack sizes of a product", body=variant_shapes.PutVariants, rules=variant_routes.faults, answer=variant_shapes.Variants, if_match=True,
              body_limit=LONG_BODY, errors=(errors.NotFound, errors.Forbidden),
              description="All of them: one that is left out is not offered any more, and stays in the orders that name it. Each is sold at its own price, and all take from the one "
              "stock of the product. The version is the product's."),
    ),
    periodic=(Due("markdowns", 1.0, markdown_actions.finish_all, next_due=markdown_actions.next_due),),
)  # fmt: skip
