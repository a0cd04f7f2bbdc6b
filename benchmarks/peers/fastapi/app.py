"""The market's public reading, as a FastAPI application. DATABASE_URL and CACHE (1 or 0) come from the environment."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import urlencode

import asyncpg
from async_lru import alru_cache
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.middleware.gzip import GZipMiddleware

import queries
from models import Product, ProductPage, ProductsQuery

CACHED = os.environ.get("CACHE", "1") == "1"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8) as pool:
        app.state.pool = pool
        yield


app = FastAPI(title="market", lifespan=lifespan)
if os.environ.get("COMPRESS") == "1":
    app.add_middleware(GZipMiddleware)


async def get_pool(request: Request) -> asyncpg.Pool:
    """Async, since FastAPI runs a plain function in a thread."""
    return request.app.state.pool


Pool = Annotated[asyncpg.Pool, Depends(get_pool)]
Listing = Annotated[ProductsQuery, Query()]


async def load_page(pool: asyncpg.Pool, query: ProductsQuery) -> tuple[ProductPage, dict[str, str]]:
    """A page and its headers."""
    try:
        page = await queries.list_products(pool, query)
    except queries.BadCursor:
        raise HTTPException(422, "after is not a cursor of this listing") from None
    if page.next is None:
        return page, {}
    pairs = query.model_dump(mode="json", exclude_unset=True) | {"after": page.next}
    return page, {"Link": f'</api/products?{urlencode(pairs)}>; rel="next"'}


if CACHED:
    # Finished bodies are kept, so that a hit neither validates nor encodes.

    @alru_cache(maxsize=10_000, ttl=300)
    async def page_body(pool: asyncpg.Pool, query: ProductsQuery) -> tuple[bytes, dict[str, str]]:
        page, headers = await load_page(pool, query)
        return page.model_dump_json(by_alias=True).encode(), headers

    @alru_cache(maxsize=10_000, ttl=300)
    async def product_body(pool: asyncpg.Pool, token: str) -> bytes | None:
        product = await queries.find_product(pool, token)
        return None if product is None else product.model_dump_json(by_alias=True).encode()

    @app.get("/api/products", response_model=ProductPage)
    async def list_products(pool: Pool, query: Listing) -> Response:
        body, headers = await page_body(pool, query)
        return Response(body, media_type="application/json", headers=headers)

    @app.get("/api/products/{token}", response_model=Product)
    async def get_product(pool: Pool, token: str) -> Response:
        body = await product_body(pool, token)
        if body is None:
            raise HTTPException(404, "there is no such product")
        return Response(body, media_type="application/json")

else:

    @app.get("/api/products")
    async def list_products(response: Response, pool: Pool, query: Listing) -> ProductPage:
        page, headers = await load_page(pool, query)
        response.headers.update(headers)
        return page

    @app.get("/api/products/{token}")
    async def get_product(pool: Pool, token: str) -> Product:
        product = await queries.find_product(pool, token)
        if product is None:
            raise HTTPException(404, "there is no such product")
        return product
