"""The listing and search take the same filters, and mean the same by them."""

from __future__ import annotations

import itertools
import random
from typing import Any, get_args
from urllib.parse import quote

import attrs
import msgspec
import pytest

from harvestd.interfaces import Search
from harvestd.market.catalogue import listing_terms, near_choice
from harvestd.market.catalogue.filters import FILTERS
from harvestd.market.catalogue.listing_shapes import ProductFilters, ProductSort, ProductsQuery
from harvestd.market.search.shapes import SearchQuery, SearchSort
from harvestd.tables import ROUTES
from harvestd.web.shapes import ListQuery
from tests.people import Market, Person

#: What the one has and the other has not.
LISTING_ALONE, SEARCH_ALONE = {"mine", "status", "count", "ids", "updated_since"}, {"q", "explain"}
UNKNOWN = "01900000-0000-7000-8000-00000000dead"


def test_both_have_the_same_parameters_with_the_same_bounds() -> None:
    listing, search = ({f.name: f for f in msgspec.structs.fields(query)} for query in (ProductsQuery, SearchQuery))
    assert listing.keys() - search.keys() == LISTING_ALONE and search.keys() - listing.keys() == SEARCH_ALONE
    for name in listing.keys() & search.keys() - {"sort"}:
        assert (listing[name].type, listing[name].default) == (search[name].type, search[name].default), name
    assert get_args(SearchSort) == ("relevance", *get_args(ProductSort))


async def test_both_describe_their_parameters_in_the_same_words(market: Market) -> None:
    paths = (await market.stranger.get("/openapi.json")).json()["paths"]
    listing, search = (
        {p["name"]: {**p, "schema": p.get("schema")} for p in paths[path]["get"]["parameters"] if "name" in p}
        for path in ("/api/products", "/api/search")
    )
    same = listing.keys() & search.keys() - {"sort"}
    assert len(same) == len({f.name for f in msgspec.structs.fields(SearchQuery)} - SEARCH_ALONE - {"sort"})
    for name in same:
        assert listing[name] == search[name], name
        assert listing[name]["description"], name


async def stall(market: Market) -> tuple[Person, dict[str, str]]:
    """Products of every kind of two farms, in a tree of categories three deep; answers category ids by slug."""
    admin = await market.person("admin")
    ids: dict[str, str] = {}
    for slug, parent in (("food", None), ("green", "food"), ("leaves", "green"), ("milk", "food"), ("empty", None)):
        body = {"name": slug.title(), "slug": slug, "parent_id": parent and ids[parent]}
        ids[slug] = (await admin.post("/api/categories", body)).json()["id"]
    rng = random.Random(7)
    slugs = ("green-acres", "chateau-oeuf")
    for number, farm in enumerate(("Green Acres", "Château Œuf")):
        farmer = await market.farmer(farm)
        place = {"location": {"latitude": 48.0 + number, "longitude": 11.0, "address": "x"}, "slug": slugs[number]}
        place |= {"benefits": [["snap", "wic_fmnp"], ["snap"]][number]}
        placed = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", place, If_Match="*")
        assert placed.status == 200, placed.text
        for n in range(12):
            season = rng.choice([None, {"from": "01-01", "to": "12-31"}, {"from": "2020-01-01", "to": "2020-01-02"}])
            await market.product(
                farmer, title=f"Thing {number} {n}", unit=rng.choice(["kg", "bunch", "box"]), price=rng.randrange(100, 900),
                stock=rng.choice([0, 3]), category_id=rng.choice([None, *[ids[s] for s in ("food", "green", "leaves", "milk")]]),
                allergens=rng.sample(["nuts", "milk", "eggs"], rng.randrange(3)), tags=rng.sample(["organic", "Élevé", "WEISS", "rare"], 2), season=season,
            )  # fmt: skip
    await market.work()
    return farmer, ids


async def test_products_near_a_place_are_the_same_whether_their_farms_are_named_or_not(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stall(market)
    circles = ["near=48.0,11.0&radius_km=5", "near=48.5,11.0&radius_km=80", "near=0.0,0.0&radius_km=5"]
    named = [await ids_of(market, "/api/products", f"{one}&sort=price") for one in circles]
    counted = [(await market.stranger.get(f"/api/products?{one}&count=true")).json()["total"] for one in circles]
    assert counted == [len(ids) for ids in named] == [12, 24, 0]
    monkeypatch.setattr(near_choice, "FEW", 0)
    await market.parts.cache.drop([])
    assert [await ids_of(market, "/api/products", f"{one}&sort=price") for one in circles] == named


@pytest.mark.parametrize("sort", ["price", "-price"])
async def test_what_has_any_of_several_values_is_listed_in_the_order_of_all(market: Market, sort: str) -> None:
    """Each value has an index by price of its own."""
    await stall(market)
    every: list[dict[str, Any]] = []
    for id in await ids_of(market, "/api/products", f"sort={sort}"):
        every.append((await market.stranger.get(f"/api/products/{id}")).json())
    boxes = [one["id"] for one in every if one["unit"] in ("box", "kg")]
    green = [one["id"] for one in every if (one["category"] or {}).get("slug") in ("green", "leaves")]
    both = [id for id in boxes if id in green]
    asked = {
        "unit=box&unit=kg&unit=box": boxes,
        "category=green": green,
        "category=green&unit=box&unit=kg": both,
        "category=green&unit=box&unit=kg&benefit=snap": both,
    }
    for query, expected in asked.items():
        assert await ids_of(market, "/api/products", f"{query}&sort={sort}") == expected, query


async def ids_of(market: Market, path: str, query: str) -> list[str]:
    found: list[str] = []
    following: str | None = f"{path}?{query}&limit=7"
    while following:
        answer = await market.stranger.get(following)
        assert answer.status == 200, (following, answer.text)
        found += [item["id"] for item in answer.json()["items"]]
        after = answer.json()["next"]
        following = after and f"{path}?{query}&limit=7&after={after}"
    assert len(found) == len(set(found))
    return found


async def test_both_find_the_same_products_by_the_same_filters(market: Market) -> None:
    farmer, ids = await stall(market)
    values = {
        "category": ["category=food", f"category={ids['green']}", "category=leaves&category=milk", "category=empty", "category=",
                     f"category={ids['green'].upper()}"],
        "farm": [f"farm={farmer.farm_id}", f"farm={farmer.farm_id.upper()}", "farm=green-acres&farm=" + farmer.farm_id, "farm="],
        "tag": ["tag=organic", "tag=ORGANIC", "tag=e%CC%81leve%CC%81", "tag=%C3%89LEV%C3%89", "tag=wei%C3%9F", "tag=", "tag=none",
                "tag=rare&tag=organic"],
        "unit": ["unit=kg", "unit=box&unit=bunch"],
        "price": ["min_price=400", "max_price=400", "min_price=300&max_price=500"],
        "free from": ["free_from=nuts", "free_from=milk&free_from=eggs", "free_from=nuts&free_from=milk"],
        "benefit": ["benefit=snap", "benefit=wic_fmnp", "benefit=wic&benefit=wic_fmnp", "benefit=incentives"],
        "flags": ["in_stock=true", "in_season=true", "in_stock=true&in_season=true"],
        "near": ["near=48,11&radius_km=50", "near=48.5,11&radius_km=500", "near=0,0&radius_km=1"],
    }  # fmt: skip
    single = [one for some in values.values() for one in some]
    rng, pairs = (
        random.Random(3),
        [f"{a}&{b}" for x, y in itertools.combinations(values.values(), 2) for a in x for b in y],
    )
    sizes = set()
    for query in ["", *single, *rng.sample(pairs, 40)]:
        listed, found = [await ids_of(market, path, query) for path in ("/api/products", "/api/search")]
        assert sorted(listed) == sorted(found), query
        counted = (await market.stranger.get(f"/api/products?{query}&count=true&limit=1")).json()["total"]
        assert counted == len(listed), query
        sizes.add(len(listed))
    assert len(sizes) > 8 and 0 in sizes and 24 in sizes, "the filters tell products apart"


@pytest.mark.parametrize("sort", get_args(ProductSort))
async def test_both_sort_alike(market: Market, sort: str) -> None:
    await stall(market)
    listed, found = [await ids_of(market, path, f"sort={sort}") for path in ("/api/products", "/api/search")]
    assert listed == found and len(listed) == 24


REFUSED = [
    (f"category={UNKNOWN}", "category", "not-found"), ("category=nowhere", "category", "not-found"),
    (f"farm={UNKNOWN}", "farm", "not-found"), ("farm=no-farm", "farm", "not-found"),
    ("category=%00", "category", None), ("radius_km=5", "radius_km", "not-accepted"), ("near=x", "near", "not-a-position"),
    ("near=91,0", "near", "not-a-position"), ("radius_km=501&near=1,1", "radius_km", None), ("unit=stone", "unit[0]", "not-one-of"), ("benefit=gold", "benefit[0]", "not-one-of"),
    ("min_price=-1", "min_price", None), ("sort=best", "sort", "not-one-of"), ("after=x", "after", "bad-cursor"),
    ("limit=0", "limit", None), ("tag=" + "x" * 41, "tag[0]", "too-long"),
    ("&".join(["tag=x"] * 21), "tag", "too-long"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "field", "code"), REFUSED)
async def test_both_refuse_alike(market: Market, query: str, field: str, code: str | None) -> None:
    answers = [await market.stranger.get(f"{path}?{query}") for path in ("/api/products", "/api/search")]
    assert [a.status for a in answers] == [422, 422], [a.text for a in answers]
    errors = [[(e["field"], e["code"]) for e in a.json()["errors"]] for a in answers]
    assert errors[0] == errors[1] and errors[0][0][0] == field
    assert code is None or errors[0][0][1] == code


async def test_a_centre_without_a_radius_ranks_search_and_is_refused_by_the_listing(market: Market) -> None:
    """Which would list by something else whatever the place, and say nothing of it."""
    await stall(market)
    assert len(await ids_of(market, "/api/search", "near=48,11")) == 24
    for more in ("", "&sort=newest", "&mine=true", "&farm=green-acres"):
        who = market.stranger if "mine" not in more else (await market.farmer()).client
        refused = await who.get(f"/api/products?near=48,11{more}")
        (error,) = refused.json()["errors"]
        assert (refused.status, error["field"], error["code"]) == (422, "near", "not-accepted")
        assert error["params"] == {"reason": "with-radius"} and "/api/search?near=" in error["message"]


async def test_an_empty_cursor_is_the_first_page_of_both(market: Market) -> None:
    await stall(market)
    for path in ("/api/products", "/api/search"):
        first, empty = [(await market.stranger.get(f"{path}?limit=3{more}")).json() for more in ("", "&after=")]
        assert [p["id"] for p in first["items"]] == [p["id"] for p in empty["items"]]


async def test_a_category_that_moves_takes_its_products_along(market: Market) -> None:
    """A listing by a parent depends on the tree: what was cached is not shown any more."""
    _, ids = await stall(market)
    admin = await market.person("admin")
    before: dict[str, Any] = {}
    for path in ("/api/products", "/api/search"):
        before[path] = await ids_of(market, path, "category=green")
    moved = await admin.request("PATCH", f"/api/categories/{ids['leaves']}", {"parent_id": ids["empty"]}, If_Match="*")
    assert moved.status == 200, moved.text
    await market.work()
    for path, ids_before in before.items():
        here, there = [await ids_of(market, path, f"category={slug}") for slug in ("green", "empty")]
        assert sorted(here + there) == sorted(ids_before) and there


@pytest.mark.parametrize("indexed", [True, False])
async def test_a_category_is_named_by_any_slug_that_it_has_or_had(market: Market, indexed: bool) -> None:
    """Before and after its products are indexed anew; until another category has it."""
    _, ids = await stall(market)
    admin = await market.person("admin")
    queues = {} if indexed else {"queues": ("harvest.cache",)}
    before = {path: await ids_of(market, path, "category=green") for path in ("/api/products", "/api/search")}
    assert all(before.values())
    for slug in ("verdant", "leafy"):
        renamed = await admin.request("PATCH", f"/api/categories/{ids['green']}", {"slug": slug}, If_Match="*")
        assert renamed.status == 200, renamed.text
    await market.work(**queues)
    for path, there in before.items():
        for slug in ("green", "verdant", "leafy", ids["green"]):
            assert await ids_of(market, path, f"category={slug}") == there, (path, slug)
    asked = "/api/search?category=green&tag=nothing-has-it"
    chosen = (await market.stranger.get(asked)).json()["facets"]["category"]
    assert "leafy" in {one["value"] for one in chosen}
    other = await admin.post("/api/categories", {"name": "Green"})
    assert (other.status, other.json()["slug"]) == (201, "green"), other.text
    await market.work(**queues)
    for path, there in before.items() if indexed else ():
        assert await ids_of(market, path, "category=green") == []
        assert await ids_of(market, path, "category=verdant") == there


@pytest.mark.parametrize("path", ["/api/products", "/api/search"])
async def test_a_category_is_named_by_its_name_as_by_its_id(market: Market, path: str) -> None:
    """Whatever its case, and with those below it; a slug is meant before a name."""
    _, ids = await stall(market)
    admin = await market.person("admin")
    named = {"name": "Grün & Blätter", "slug": "leafy"}
    assert (await admin.request("PATCH", f"/api/categories/{ids['green']}", named, If_Match="*")).status == 200
    assert (
        await admin.post("/api/categories", {"name": "Milk", "parent_id": ids["empty"], "slug": "dairy"})
    ).status == 201
    assert (await admin.post("/api/categories", {"name": "Leafy", "slug": "salad"})).status == 201
    await market.work()
    green = await ids_of(market, path, f"category={ids['green']}")
    for name in ("Grün & Blätter", "GRÜN &  BLÄTTER", "gru\u0308n & bla\u0308tter", "grun & blatter", "leafy"):
        assert green and await ids_of(market, path, f"category={quote(name)}") == green, name
    both = await ids_of(market, path, f"category={ids['green']}&category={ids['milk']}")
    for several in (
        f"category={quote('grün & blätter')}&category=milk",
        f"category={ids['milk']}&category={quote('grün & blätter')}&farm=",
    ):
        assert await ids_of(market, path, several) == both
    facets = (await market.stranger.get(f"{path}?category={quote('grün & blätter')}")).json().get("facets")
    assert facets is None or ("leafy", "Grün & Blätter") in [(one["value"], one["name"]) for one in facets["category"]]
    for nothing in ("grün", "x" * 100, "\u200b", "%", "grün & blätter%"):
        refused = await market.stranger.get(f"{path}?category={quote(nothing)}")
        assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "not-found"), nothing


async def test_a_list_by_a_name_follows_the_names(market: Market) -> None:
    """What was cached of it is not shown once another category is called so, too, or the one is not any more."""
    _, ids = await stall(market)
    admin = await market.person("admin")
    before = await ids_of(market, "/api/products", "category=GREEN&sort=price")
    made = await admin.post("/api/categories", {"name": "Green", "slug": "paint", "parent_id": ids["milk"]})
    changed = await admin.request("PATCH", f"/api/categories/{ids['green']}", {"slug": "verdant"}, If_Match="*")
    assert (made.status, changed.status) == (201, 200)
    await market.work()
    assert await ids_of(market, "/api/products", "category=GREEN&sort=price") == before
    assert (
        await admin.request("PATCH", f"/api/categories/{ids['green']}", {"name": "Leaf"}, If_Match="*")
    ).status == 200
    await market.work()
    assert await ids_of(market, "/api/products", "category=GREEN&sort=price") == []


def test_both_are_routes() -> None:
    assert {r.query for r in ROUTES if r.path in ("/api/products", "/api/search")} >= {ProductsQuery, SearchQuery}


def test_the_table_has_every_filter_that_both_take() -> None:
    own = {field.name for field in msgspec.structs.fields(ProductFilters)} - {
        field.name for field in msgspec.structs.fields(ListQuery)
    }
    assert own == set(FILTERS)
    for filter in FILTERS.values():
        assert set(filter.listing) <= {*attrs.fields_dict(listing_terms.Filters), "categories", "farms"}
        assert set(filter.search) <= set(attrs.fields_dict(Search))


@pytest.mark.parametrize("path", ["/api/products?free_from=nuts", "/api/search?free_from=nuts"])
async def test_what_is_free_of_something_is_so_as_soon_as_its_farm_says_so(market: Market, path: str) -> None:
    """Also in answers that are cached."""
    farmer = await market.farmer()
    product = await market.product(farmer, allergens=["nuts", "milk"])
    for allergens, number in ((["nuts", "milk"], 0), (["milk"], 1), (["milk", "nuts"], 0), ([], 1)):
        body = {"allergens": allergens}
        assert (await farmer.request("PATCH", f"/api/products/{product['id']}", body, If_Match="*")).status == 200
        await market.work()
        for _ in range(2):
            assert len((await market.stranger.get(path)).json()["items"]) == number, allergens
    assert (await market.stranger.get("/api/products?free_from=dust")).status == 422
