"""Farms and categories: lists, distances, and who may change what."""

from __future__ import annotations

import pytest

from tests.locks import holding, meeting
from tests.people import Market, Person
from tests.web.conftest import settled

PARIS = {"latitude": 48.8566, "longitude": 2.3522, "address": "Paris"}
LYON = {"latitude": 45.7640, "longitude": 4.8357}


async def placed(market: Market, name: str, location: dict[str, object] | None) -> Person:
    farmer = await market.farmer(name)
    if location:
        response = await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"location": location}, If_Match="*")
        assert response.status == 200, response.text
    return farmer


async def test_farms_are_listed_by_distance_from_a_position(market: Market) -> None:
    await placed(market, "Paris Farm", PARIS)
    await placed(market, "Lyon Farm", LYON)
    await placed(market, "Nowhere Farm", None)
    response = await market.stranger.get("/api/farms?near=48.9,2.3&radius_km=500")
    found = [(f["name"], f["distance_km"]) for f in response.json()["items"]]
    assert [name for name, _ in found] == ["Paris Farm", "Lyon Farm"]
    assert found[0][1] == pytest.approx(6.2, abs=0.3)
    near = (await market.stranger.get("/api/farms?near=48.9,2.3&radius_km=500&limit=1")).json()
    rest = await market.stranger.get(f"/api/farms?near=48.9,2.3&radius_km=500&limit=1&after={near['next']}")
    assert [f["name"] for f in rest.json()["items"]] == ["Lyon Farm"] and rest.json()["next"] is None
    everyone = (await market.stranger.get("/api/farms")).json()["items"]
    assert [f["name"] for f in everyone] == ["Nowhere Farm", "Lyon Farm", "Paris Farm"]
    assert "distance_km" not in everyone[0]


@pytest.mark.parametrize(
    "query", ["near=here", "near=91,0", "near=nan,0", "near=1,2,3", "near=0,0&radius_km=0", "radius_km=10"]
)
async def test_a_position_that_is_none_is_refused(market: Market, query: str) -> None:
    assert (await market.stranger.get(f"/api/farms?{query}")).status == 422


@pytest.mark.parametrize("path", ["/api/farms", "/api/products", "/api/search"])
async def test_a_radius_without_a_middle_is_refused_alike_everywhere(market: Market, path: str) -> None:
    (error,) = (await market.stranger.get(f"{path}?radius_km=5")).json()["errors"]
    assert (error["field"], error["code"]) == ("radius_km", "not-accepted") and "near" in error["message"]


async def test_search_and_the_list_of_farms_show_one_distance_to_the_metre(market: Market) -> None:
    farmer = await placed(market, "Paris Farm", PARIS)
    await market.product(farmer)
    await market.work()
    (farm,) = (await market.stranger.get("/api/farms?near=48.86,2.36")).json()["items"]
    (hit,) = (await market.stranger.get("/api/search?near=48.86,2.36")).json()["items"]
    assert hit["distance_km"] == farm["distance_km"] == round(farm["distance_km"], 3) > 0


@pytest.mark.parametrize(("q", "found"), [("GREEN", ["Green Acres"]), ("%", ["100% Farm"]), ("_", []), ("\\", [])])
async def test_a_name_is_searched_literally(market: Market, q: str, found: list[str]) -> None:
    await market.farmer("Green Acres")
    await market.farmer("100% Farm")
    from urllib.parse import quote

    response = await market.stranger.get(f"/api/farms?q={quote(q)}")
    assert [f["name"] for f in response.json()["items"]] == found


@pytest.mark.parametrize(
    ("name", "asked"),
    [("Château d'Or", ["chateau", "CHATEAU D’OR", "cha\u0302teau", "dor"]), ("Cha\u0302teau", ["château"]), ("Große Straße", ["grosse", "STRASSE", "Große"]),
     ("L’Œuf", ["l'oeuf", "loeuf", "ŒUF"]), ("Łąka Smørrebrød", ["laka", "ŁĄKA", "smorre"]), ("Đậu Phụ", ["dau", "đậu"]),
     ("Green Acres & Sons", ["acres green", "SONS acr", "green-acres", "gr ac", "n a"]), ("Obst-Hof Müller", ["muller hof", "hof, obst", "müller/obst", "obst hof"]),
     ("Ферма Яблоко", ["ФЕРМА", "яблоко"]), ("Ελιές Κρήτης", ["ΕΛΙΈΣ", "ελιεσ", "κρητησ"]), ("ԱՐԱՐԱՏ", ["Արարատ"])],
)  # fmt: skip
async def test_a_name_is_found_however_it_is_written(market: Market, name: str, asked: list[str]) -> None:
    from urllib.parse import quote

    await market.farmer(name)
    await market.farmer("Elsewhere")
    for q in asked:
        for more in ("", "&near=0,0"):
            found = (await market.stranger.get(f"/api/farms?q={quote(q)}{more}")).json()["items"]
            assert [f["name"] for f in found] == ([name] if not more else []), q


async def test_only_its_own_people_and_staff_change_a_farm(market: Market) -> None:
    farmer, other, admin, buyer = (
        await market.farmer(),
        await market.farmer(),
        await market.person("admin"),
        await market.person(),
    )
    path = f"/api/farms/{farmer.farm_id}"
    for person, status in ((other, 403), (buyer, 403), (farmer, 200), (admin, 200)):
        assert (await person.request("PATCH", path, {"description": person.id}, If_Match="*")).status == status
    assert (await farmer.request("PATCH", path, {"description": "x"})).status == 428
    assert (await farmer.request("PATCH", path, {"description": "x"}, If_Match='"v1"')).status == 412


async def test_a_new_name_shows_everywhere_at_once(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    assert (await market.stranger.get(f"/api/products/{product['id']}")).json()["farm"]["name"] == "Green Acres"
    await market.stranger.get("/api/products")
    await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"name": "Greener Acres"}, If_Match="*")
    assert (await market.stranger.get(f"/api/products/{product['id']}")).json()["farm"]["name"] == "Greener Acres"
    assert (await market.stranger.get("/api/products")).json()["items"][0]["farm"]["name"] == "Greener Acres"
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_a_slug_is_one_farms(market: Market) -> None:
    one, two = await market.farmer(), await market.farmer()
    path = "/api/farms/"
    assert (await one.request("PATCH", path + one.farm_id, {"slug": "acres"}, If_Match="*")).status == 200
    taken = await two.request("PATCH", path + two.farm_id, {"slug": "acres"}, If_Match="*")
    assert taken.status == 409 and taken.json()["errors"][0]["field"] == "slug"
    assert (await market.stranger.get(path + "acres")).json()["id"] == one.farm_id


async def test_staff_tend_the_tree_of_categories(market: Market) -> None:
    admin, farmer = await market.person("admin"), await market.farmer()
    top = (await admin.post("/api/categories", {"name": "Vegetables"})).json()
    below = (await admin.post("/api/categories", {"name": "Roots", "parent_id": top["id"], "color": "#aa5500"})).json()
    assert [c["slug"] for c in (await market.stranger.get("/api/categories")).json()["items"]] == [
        "roots",
        "vegetables",
    ]
    assert (await farmer.post("/api/categories", {"name": "Mine"})).status == 403
    assert (await admin.post("/api/categories", {"name": "Roots", "slug": "roots"})).status == 409
    path = f"/api/categories/{top['id']}"
    circle = await admin.request("PATCH", path, {"parent_id": below["id"]}, If_Match="*")
    assert circle.status == 422 and circle.json()["errors"][0]["field"] == "parent_id"
    assert (await admin.request("DELETE", path, If_Match="*")).status == 409
    await market.product(farmer, category_id=below["id"])
    assert (
        await admin.request("PATCH", f"/api/categories/{below['id']}", {"name": "Root Vegetables"}, If_Match='"v1"')
    ).status == 200
    assert (await market.stranger.get("/api/products")).json()["items"][0]["category"]["name"] == "Root Vegetables"
    assert (await admin.request("DELETE", f"/api/categories/{below['id']}", If_Match="*")).status == 409


async def test_no_two_categories_of_one_parent_have_one_name(market: Market) -> None:
    """However it is written; below another parent it is another category."""
    admin = await market.person("admin")
    top = (await admin.post("/api/categories", {"name": "Légumes"})).json()
    below = (await admin.post("/api/categories", {"name": "légumes", "parent_id": top["id"]})).json()
    other = (await admin.post("/api/categories", {"name": "Fruit"})).json()
    renamed, moved = {"name": "LÉGUMES"}, {"parent_id": None}
    twins = (
        await admin.post("/api/categories", {"name": "légumes"}),
        await admin.post("/api/categories", {"name": "LÉGUMES", "parent_id": top["id"]}),
        await admin.request("PATCH", f"/api/categories/{other['id']}", renamed, If_Match="*"),
        await admin.request("PATCH", f"/api/categories/{below['id']}", moved, If_Match="*"),
    )
    for twin in twins:
        assert twin.status == 409 and [e["field"] for e in twin.json()["errors"]] == ["name"], twin.text
    assert (await admin.request("PATCH", f"/api/categories/{top['id']}", renamed, If_Match="*")).status == 200
    assert (
        await admin.request("PATCH", f"/api/categories/{below['id']}", {"icon": "leaf"}, If_Match="*")
    ).status == 200


async def test_of_many_who_add_one_category_at_once_one_does(market: Market) -> None:
    admin = await market.person("admin")
    answers = await settled(*(admin.post("/api/categories", {"name": "Roots"}) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


async def test_a_form_is_told_by_an_example_and_not_by_a_pattern(market: Market) -> None:
    admin = await market.person("admin")
    wrong = await admin.post(
        "/api/categories", {"name": "Roots", "parent_id": "roots", "color": "brown", "slug": "A b"}
    )
    assert [(e["field"], e["message"]) for e in wrong.json()["errors"]] == [
        ("parent_id", "must be an id from GET /api/categories, or null"),
        ("slug", "must be text such as green-acres, or null"),
        ("color", "must be text such as #aa5500"),
    ]


async def test_two_who_move_categories_at_once_make_no_circle(market: Market, database_url: str) -> None:
    """Both wait for both rows, which somebody holds; in the order in which they came one is moved and the other refused."""
    admin = await market.person("admin")
    for number in range(5):
        a, b = [(await admin.post("/api/categories", {"name": f"{name} {number}"})).json()["id"] for name in "ab"]
        with holding(database_url, "select from categories where id in (%s, %s) for update", a, b) as held:
            answers = await meeting(
                database_url, held,
                admin.request("PATCH", f"/api/categories/{a}", {"parent_id": b}, If_Match="*"),
                admin.request("PATCH", f"/api/categories/{b}", {"parent_id": a}, If_Match="*"),
            )  # fmt: skip
        assert sorted(answer.status for answer in answers) == [200, 422]
        parents = {c["id"]: c["parent_id"] for c in (await market.stranger.get("/api/categories")).json()["items"]}
        assert {parents[a], parents[b]} in ({a, None}, {b, None})


async def test_many_who_move_categories_at_once_make_no_circle(market: Market) -> None:
    admin = await market.person("admin")
    ids = [(await admin.post("/api/categories", {"name": f"category {n}"})).json()["id"] for n in range(6)]
    moves = [(a, b) for a in ids for b in ids if a != b]
    await settled(*(admin.request("PATCH", f"/api/categories/{a}", {"parent_id": b}, If_Match="*") for a, b in moves))
    parents = {c["id"]: c["parent_id"] for c in (await market.stranger.get("/api/categories")).json()["items"]}
    for one in ids:
        seen = {one}
        while (one := parents[one]) is not None:
            assert one not in seen, parents
            seen.add(one)
