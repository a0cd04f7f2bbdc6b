"""What every ISearch keeps. A module that subclasses :class:`SearchContract` gives the fixtures ``search``, an index of nothing, in
English, and ``stall``, one of :data:`STALL` for tests that change nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import attrs
import pytest

from harvestd.interfaces import Boost, Document, Facet, Found, ISearch, Rules, Search, Suggestion
from harvestd.kernel.errors import Invalid
from harvestd.market.search.ranking import FACTORS
from harvestd.market.search.shapes import SearchSort

NOON = datetime(2026, 5, 9, 12, tzinfo=UTC)


def id_of(number: int) -> str:
    return f"0190{number:04x}-0000-7000-8000-{number:012x}"


def product(number: int, title: str, **fields: Any) -> Document:
    """A published product in stock, whose body is its slug; ``number`` makes its id."""
    given: dict[str, Any] = {
        "kind": "product", "id": id_of(number), "version": 1, "title": title, "in_stock": True, "price": 500, "unit": "kg",
        "fresh_at": NOON, "farm": "green-acre", "farm_name": "Green Acre", "body": {"slug": f"p{number}", "n": [1, None]},
    }  # fmt: skip
    return Document(**{**given, **fields})


STALL = (
    product(1, "Carrots", category="vegetables", category_name="Vegetables", tags=("organic",), price=150),
    product(2, "Purple carrots", category="vegetables", category_name="Vegetables", unit="bunch", price=450),
    product(3, "Tomatoes", category="vegetables", category_name="Vegetables", tags=("organic", "heirloom"), price=550),
    product(4, "Potatoes", category="vegetables", category_name="Vegetables", price=199, in_stock=False),
    product(5, "Zucchini", category="vegetables", category_name="Vegetables", price=200),
    product(6, "Crème fraîche", category="dairy", category_name="Dairy and eggs", unit="each", price=1000, farm="hill-farm",
            farm_name="Hill Farm"),
    product(7, "Carrot cake", text="A cake with walnuts, baked for Sunday.", category="bakery", category_name="Bakery",
            unit="each", price=2500, farm="hill-farm", farm_name="Hill Farm"),
    product(8, "Strawberry jam", text="<b>Fruit & sugar</b>, nothing else. Good with carrots? No.", category="pantry",
            category_name="Pantry", unit="each", price=650, farm="hill-farm", farm_name="Hill Farm"),
)  # fmt: skip


def titles(found: Found) -> list[str]:
    named = {document.id: document.title for document in STALL}
    return [named.get(hit.id, hit.id) for hit in found.hits]


def counts(found: Found, facet: str) -> dict[str, int]:
    return {value.value: value.count for value in found.facets[facet]}


def _only(facet: str, value: Facet) -> dict[str, Any]:
    """The filter of the facet with this one value."""
    if facet != "price":
        return {facet: (value.value,)}
    first, _, last = value.value.partition("-")
    return {"min_price": int(first), "max_price": int(last) if last else None}


async def everything(search: ISearch, question: Search) -> list[str]:
    """The ids of all pages."""
    ids: list[str] = []
    for _ in range(200):
        found = await search.search(question)
        ids += [hit.id for hit in found.hits]
        if found.next is None:
            return ids
        question = attrs.evolve(question, after=found.next)
    raise AssertionError("the pages never end")


class SearchContract:
    # --- words ---

    @pytest.mark.parametrize(
        ("text", "title"),
        [("carrot", "Carrots"), ("CARROTS", "Carrots"), ("tomato", "Tomatoes"), ("creme", "Crème fraîche"),
         ("Crème", "Crème fraîche"), ("fraiche", "Crème fraîche"), ("baking", "Carrot cake"), ("walnut", "Carrot cake"),
         ("purple", "Purple carrots"), ("hill farm jam", "Strawberry jam"), ("dairy", "Crème fraîche"),
         ("heirloom", "Tomatoes"), ("jams strawberries", "Strawberry jam")],
    )  # fmt: skip
    async def test_words_find_by_their_stem_without_regard_to_case_and_accents(
        self, stall: ISearch, text: str, title: str
    ) -> None:
        assert title in titles(await stall.search(Search(text=text)))

    @pytest.mark.parametrize(
        ("text", "title"),
        [("carots", "Carrots"), ("tomatos", "Tomatoes"), ("potatoe", "Potatoes"), ("zuchini", "Zucchini"),
         ("carrost", "Carrots"), ("tomatoess", "Tomatoes"), ("zuccini", "Zucchini"), ("creme friache", "Crème fraîche"),
         ("strawbery jem", "Strawberry jam"), ("purpel carots", "Purple carrots"), ("organic tomatas", "Tomatoes")],
    )  # fmt: skip
    async def test_mistyped_words_find_what_was_meant(self, stall: ISearch, text: str, title: str) -> None:
        assert titles(await stall.search(Search(text=text)))[0] == title

    @pytest.mark.parametrize(
        "text", ["tomatoes", "organically tomatoes", "tomatoes xyzzyx", "qqqqqqq wwwwwww tomatoes"]
    )
    async def test_a_word_as_it_was_typed_counts_more_than_what_may_have_been_meant_whatever_stands_beside_it(
        self, search: ISearch, text: str
    ) -> None:
        await search.index([product(1, "New potatoes"), product(2, "Old tomatoes"), product(3, "Red potatoes")])
        found = await search.search(Search(text=text))
        assert found.hits[0].id == id_of(2)
        assert all(hit.score < found.hits[0].score for hit in found.hits[1:])

    async def test_what_has_the_word_as_it_was_typed_comes_before_what_may_have_been_meant(
        self, search: ISearch
    ) -> None:
        await search.index([product(1, "Red beets"), product(2, "Beer"), product(3, "Beers", popularity=100.0)])
        assert (await search.search(Search(text="beets"))).hits[0].id == id_of(1)

    async def test_a_short_or_very_different_word_finds_nothing(self, stall: ISearch) -> None:
        for text in ("xq", "cattle", "qqqqqqqq", "carburettor"):
            assert (await stall.search(Search(text=text))).total == 0, text

    async def test_every_word_must_be_there(self, stall: ISearch) -> None:
        assert titles(await stall.search(Search(text="purple carrots"))) == ["Purple carrots"]

    async def test_when_no_product_has_every_word_some_will_do(self, stall: ISearch) -> None:
        assert set(titles(await stall.search(Search(text="zucchini cake")))) == {"Zucchini", "Carrot cake"}
        assert "Zucchini" in titles(await stall.search(Search(text="zucchini xqzzt")))

    @pytest.mark.parametrize(
        "text",
        ["' or 1=1 --", "%", "_", "\\", "*", "🥕", "!", "&", "|", "()", ":*", "<->", "\"", "$1", "{}", "[", "~", "\0", "\ud800",
         "); drop table products; --", "title:(", "/.*/", "AND", "a:*", "\u200b", "---", "''", "the", "\\x00"],
    )  # fmt: skip
    async def test_no_character_means_anything(self, stall: ISearch, text: str) -> None:
        assert (await stall.search(Search(text=text))).total == 0
        assert "Carrots" in titles(await stall.search(Search(text=text + " carrots " + text)))
        await stall.suggest(text)

    @pytest.mark.parametrize(
        "text",
        [
            "carrots " * 1300,
            "x" * 10_000,
            " ".join(f"word{n}" for n in range(1500)),
            "(" * 10_000,
            "é" * 10_000,
            "a " * 5000,
        ],
    )
    async def test_ten_thousand_characters_do_no_harm(self, stall: ISearch, text: str) -> None:
        await stall.search(Search(text=text))
        await stall.suggest(text)

    async def test_without_words_everything_is_listed_the_freshest_and_most_popular_first(
        self, search: ISearch
    ) -> None:
        old = NOON - timedelta(days=100)
        await search.index([
            product(1, "Old"), product(2, "New", popularity=50.0), product(3, "New"), product(4, "Ancient", fresh_at=old),
        ])  # fmt: skip
        found = await search.search(Search())
        assert found.total == 4
        assert found.hits[0].id == id_of(2) and found.hits[-1].id == id_of(4)
        assert (await search.search(Search(text="   "))).total == 4

    # --- ranking ---

    async def test_a_word_in_the_title_counts_more_than_in_the_text(self, stall: ISearch) -> None:
        assert titles(await stall.search(Search(text="carrots")))[-1] == "Strawberry jam"

    async def test_the_title_that_was_asked_for_comes_first(self, search: ISearch) -> None:
        await search.index([product(1, "Honey cake", popularity=1000.0), product(2, "Honey")])
        assert [hit.id for hit in (await search.search(Search(text="HONEY"))).hits] == [id_of(2), id_of(1)]

    @pytest.mark.parametrize(
        "better", [{"popularity": 40.0}, {"fresh_at": NOON + timedelta(days=-1)}, {"latitude": 48.1, "longitude": 11.5}]
    )
    async def test_of_equals_the_popular_the_fresh_and_the_near_come_first(
        self, search: ISearch, better: dict[str, Any]
    ) -> None:
        base = {"fresh_at": NOON - timedelta(days=60), "latitude": 52.5, "longitude": 13.4}
        await search.index([product(1, "Honey", **base), product(2, "Honey", **{**base, **better})])
        found = await search.search(Search(text="honey", near=(48.2, 11.6)))
        assert [hit.id for hit in found.hits] == [id_of(2), id_of(1)]
        assert found.hits[0].score > found.hits[1].score

    # --- filters ---

    @pytest.mark.parametrize(
        ("question", "numbers"),
        [(Search(category="bakery"), {7}), (Search(farm="hill-farm"), {6, 7, 8}), (Search(tag="organic"), {1, 3}),
         (Search(unit="bunch"), {2}), (Search(min_price=1000), {6, 7}), (Search(max_price=199), {1, 4}),
         (Search(min_price=200, max_price=450), {2, 5}), (Search(in_stock=True, category="vegetables"), {1, 2, 3, 5}),
         (Search(text="carrots", farm="hill-farm"), {7, 8}), (Search(category="x' or true --"), set()), (Search(tag="%"), set()),
         (Search(farm="\0"), set()), (Search(category="\ud800"), set()), (Search(unit="\U0001f955" * 5000), set())],
    )  # fmt: skip
    async def test_filters_narrow_the_hits(self, stall: ISearch, question: Search, numbers: set[int]) -> None:
        found = await stall.search(question)
        assert {hit.id for hit in found.hits} == {id_of(n) for n in numbers}
        assert found.total == len(numbers)

    @pytest.mark.parametrize(
        ("first", "last", "today", "there"),
        [("05-01", "05-31", "2026-05-01", True), ("05-01", "05-31", "2026-05-31", True), ("05-01", "05-31", "2026-06-01", False),
         ("11-15", "02-10", "2026-12-31", True), ("11-15", "02-10", "2026-01-01", True), ("11-15", "02-10", "2026-02-11", False),
         ("11-15", "02-10", "2026-11-14", False), ("2026-05-01", "2026-05-31", "2026-05-09", True),
         ("2026-05-01", "2026-05-31", "2027-05-09", False), (None, None, "2026-05-09", True)],
    )  # fmt: skip
    async def test_in_season_is_decided_by_the_questions_day(
        self, search: ISearch, first: str | None, last: str | None, today: str, there: bool
    ) -> None:
        await search.index([product(1, "Asparagus", season_from=first, season_to=last)])
        assert (await search.search(Search(in_season=True, today=today))).total == there
        assert (await search.search(Search(today=today))).total == 1

    async def test_a_radius_takes_what_is_within_and_says_how_far(self, search: ISearch) -> None:
        await search.index([
            product(1, "Munich", latitude=48.137, longitude=11.575), product(2, "Dachau", latitude=48.26, longitude=11.434),
            product(3, "Berlin", latitude=52.52, longitude=13.405), product(4, "Nowhere"),
        ])  # fmt: skip
        found = await search.search(Search(near=(48.137, 11.575), radius=20.0))
        assert [hit.id for hit in found.hits] == [id_of(1), id_of(2)]
        assert found.hits[0].distance_km == pytest.approx(0.0, abs=0.01)
        assert found.hits[1].distance_km == pytest.approx(17.2, abs=0.3)
        far = await search.search(Search(near=(48.137, 11.575)))
        assert {hit.id: hit.distance_km and round(hit.distance_km) for hit in far.hits} == {
            id_of(1): 0, id_of(2): 17, id_of(3): 504, id_of(4): None,
        }  # fmt: skip

    async def test_the_corners_of_the_box_are_outside_the_radius(self, search: ISearch) -> None:
        await search.index([product(1, "Corner", latitude=48.137 + 0.17, longitude=11.575 + 0.25)])
        assert (await search.search(Search(near=(48.137, 11.575), radius=20.0))).total == 0

    # --- facets ---

    async def test_facets_count_the_hits_of_the_question(self, stall: ISearch) -> None:
        found = await stall.search(Search(text="carrots"))
        assert found.total == 4
        assert counts(found, "category") == {"vegetables": 2, "bakery": 1, "pantry": 1}
        assert counts(found, "farm") == {"green-acre": 2, "hill-farm": 2}
        assert counts(found, "tag") == {"organic": 1}
        assert counts(found, "unit") == {"each": 2, "kg": 1, "bunch": 1}
        assert [(f.value, f.count) for f in found.facets["price"]] == [
            ("0-199", 1), ("200-499", 1), ("500-999", 1), ("2000-4999", 1)
        ]  # fmt: skip

    async def test_facets_keep_to_the_filters_and_begin_with_the_most_frequent(self, stall: ISearch) -> None:
        found = await stall.search(Search(in_stock=True))
        assert found.facets["category"][0] == Facet("vegetables", 4, "Vegetables")

    @pytest.mark.parametrize("text", ["", "carrots"])
    @pytest.mark.parametrize(
        "chosen",
        [{}, {"category": "vegetables"}, {"category": ("bakery", "pantry")}, {"farm": "hill-farm"}, {"tag": ("heirloom", "organic")},
         {"unit": "each"}, {"min_price": 500}, {"min_price": 200, "max_price": 999}, {"category": "dairy", "farm": "green-acre"},
         {"farm": "hill-farm", "unit": "each", "max_price": 999}, {"in_stock": True, "tag": "organic", "category": "vegetables"},
         {"category": "none"}, {"category": ("vegetables", "dairy"), "tag": "heirloom", "unit": "kg", "max_price": 1000}],
    )  # fmt: skip
    async def test_a_value_of_a_facet_as_the_only_one_of_its_filter_finds_what_was_counted(
        self, stall: ISearch, chosen: dict[str, Any], text: str
    ) -> None:
        question = Search(text=text, **chosen)
        found = await stall.search(question)
        for facet, values in found.facets.items():
            for value in values:
                alone = await stall.search(attrs.evolve(question, **_only(facet, value)))
                assert alone.total == value.count > 0, (facet, value)

    @pytest.mark.parametrize(
        ("facet", "others"),
        [("category", {"vegetables", "dairy", "bakery", "pantry"}), ("farm", {"green-acre", "hill-farm"}), ("tag", {"organic", "heirloom"}),
         ("unit", {"kg", "bunch", "each"}), ("price", {"0-199", "200-499", "500-999", "1000-1999", "2000-4999"})],
    )  # fmt: skip
    async def test_what_may_be_chosen_beside_a_value_stays(self, stall: ISearch, facet: str, others: set[str]) -> None:
        every = (await stall.search(Search())).facets[facet]
        assert {value.value for value in every} == others
        for value in every:
            assert (await stall.search(Search(**_only(facet, value)))).facets[facet] == every

    @pytest.mark.parametrize("facet", ["category", "farm", "tag"])
    async def test_a_chosen_value_stays_however_many_others_more_hits_have(self, search: ISearch, facet: str) -> None:
        def one(number: int, value: str) -> Document:
            given: dict[str, Any] = (
                {"tags": (value,)} if facet == "tag" else {facet: value, f"{facet}_name": f"The {value}"}
            )
            return product(number, "Honey", **given)

        await search.index([
            *(one(number, f"common-{number % 30}") for number in range(60)), one(70, "rare"), one(71, "a.*\"rare~")
        ])  # fmt: skip
        unasked = (await search.search(Search())).facets[facet]
        for values in (("rare",), ('a.*"rare~', "rare"), ("none", "rare")):
            found = (await search.search(Search(**{facet: values}))).facets[facet]
            there = {value.value: value.count for value in found}
            assert {value: there.get(value) for value in values} == {v: None if v == "none" else 1 for v in values}
            assert len(found) == len(unasked) == 20 and set(there.values()) == {1, 2}
            assert [value.value for value in found] == sorted(there, key=lambda value: (-there[value], value))

    async def test_a_value_of_a_facet_has_the_name_that_people_know(self, search: ISearch) -> None:
        await search.index([*STALL, product(9, "Salt", tags=("sea",), farm="nameless", farm_name="")])
        facets = (await search.search(Search(category=("dairy", "bakery"), farm="hill-farm"))).facets
        assert {value.value: value.name for value in facets["category"]} == {
            "bakery": "Bakery", "dairy": "Dairy and eggs", "pantry": "Pantry",
        }  # fmt: skip
        assert {value.name for value in facets["farm"]} == {"Hill Farm"}
        every = (await search.search(Search())).facets
        assert "nameless" in {value.name for value in every["farm"]}
        assert all(value.name == value.value for name in ("tag", "unit", "price") for value in every[name])

    async def test_a_facet_of_nothing_is_there_and_empty(self, search: ISearch) -> None:
        found = await search.search(Search(text="carrots"))
        assert (found.total, found.hits, found.next) == (0, (), None)
        assert found.facets == {"category": (), "farm": (), "tag": (), "price": (), "unit": ()}
        assert found.degraded is False

    # --- pages ---

    @pytest.mark.parametrize("question", [Search(limit=3), Search(text="honey", limit=7), Search(text="hony", limit=4)])
    async def test_pages_follow_each_other_without_a_hole_or_a_repetition(
        self, search: ISearch, question: Search
    ) -> None:
        await search.index([product(n, "Honey", popularity=float(n % 3)) for n in range(1, 41)])
        ids = await everything(search, question)
        assert len(ids) == len(set(ids)) == 40

    async def test_a_page_has_at_most_the_limit_and_the_total_says_how_many_there_are(self, stall: ISearch) -> None:
        found = await stall.search(Search(limit=5))
        assert (len(found.hits), found.total) == (5, 8)
        last = await stall.search(Search(limit=5, after=found.next))
        assert (len(last.hits), last.total, last.next) == (3, 8, None)
        assert last.facets == found.facets

    async def test_exactly_one_page_has_no_next(self, stall: ISearch) -> None:
        assert (await stall.search(Search(limit=8))).next is None

    async def test_a_document_indexed_between_pages_disturbs_none_of_the_others(self, search: ISearch) -> None:
        await search.index(STALL)
        first = await search.search(Search(limit=4))
        await search.index([product(99, "Carrots", popularity=1000.0)])
        second = await search.search(Search(limit=8, after=first.next))
        ids = [hit.id for hit in (*first.hits, *second.hits)]
        assert sorted(set(ids) - {id_of(99)}) == [id_of(n) for n in range(1, 9)]
        assert len(ids) == len(set(ids))

    @pytest.mark.parametrize("after", ["", "x", "!!!!", "AAAA", "a" * 5000, "\0", "é", "lMQIAAAAAAAAAAA="])
    async def test_a_cursor_that_is_none_is_invalid(self, stall: ISearch, after: str) -> None:
        with pytest.raises(Invalid) as raised:
            await stall.search(Search(after=after))
        assert [error.field for error in raised.value.errors] == ["after"]

    async def test_a_cursor_of_another_question_is_invalid(self, stall: ISearch) -> None:
        found = await stall.search(Search(limit=2))
        with pytest.raises(Invalid):
            await stall.search(Search(limit=2, category="vegetables", after=found.next))

    @pytest.mark.parametrize(
        ("sort", "order"),
        [("newest", [5, 4, 3, 2, 1]), ("price", [2, 3, 5, 1, 4]), ("-price", [4, 1, 5, 3, 2]), ("popular", [3, 5, 4, 2, 1]),
         ("rating", [4, 2, 5, 3, 1])],
    )  # fmt: skip
    async def test_sorts_are_those_of_the_listing_page_by_page(
        self, search: ISearch, sort: Any, order: list[int]
    ) -> None:
        prices, popular, rated = (300, 100, 200, 999, 200), (0, 1, 70_000_000, 5, 5), (0.0, 4.5, 0.0, 5.0, 1.25)
        await search.index([
            product(n, "Honey", price=prices[n - 1], popularity=float(popular[n - 1]), rating=rated[n - 1]) for n in range(1, 6)
        ])  # fmt: skip
        for text in ("", "honey"):
            assert await everything(search, Search(text=text, sort=sort, limit=2)) == [id_of(n) for n in order]

    @pytest.mark.parametrize("sort", get_args(SearchSort))
    async def test_pages_of_any_size_are_the_whole_in_its_order(self, search: ISearch, sort: Any) -> None:
        """Also where several are alike in all that they are sorted by."""
        await search.index([
            product(n, f"Honey {n % 2}", price=100 + n % 3, popularity=float(n % 2), rating=(n % 3) / 2, latitude=48.0 + n % 2,
                    longitude=16.0, fresh_at=NOON - timedelta(days=n % 3))
            for n in range(1, 9)
        ])  # fmt: skip
        for text, near in (("", None), ("hony", None), ("honey", (48.0, 16.0))):
            question = Search(text=text, sort=sort, near=near, limit=100)
            whole = [hit.id for hit in (await search.search(question)).hits]
            assert len(whole) == 8
            for size in range(1, 6):
                assert await everything(search, attrs.evolve(question, limit=size)) == whole, (text, near, size)

    # --- highlights ---

    @pytest.mark.parametrize("apostrophe", "'\u2019\u02bc\u00b4")
    async def test_an_elided_article_hides_no_word(self, search: ISearch, apostrophe: str) -> None:
        await search.index([product(1, f"Huile d{apostrophe}amande"), product(2, f"L{apostrophe}Amande douce")])
        for text in ("amande", "l'amande", "d\u2019amande", "AMANDE"):
            found = {hit.id: hit.highlight["title"] for hit in (await search.search(Search(text=text))).hits}
            assert set(found) == {id_of(1), id_of(2)}
            assert all(title.count("<em>") == 1 and "mande</em>" in title for title in found.values())

    async def test_matches_are_marked_in_the_title(self, stall: ISearch) -> None:
        found = {hit.id: hit.highlight for hit in (await stall.search(Search(text="carrots cream"))).hits}
        assert found[id_of(2)]["title"] == "Purple <em>carrots</em>"
        assert found[id_of(7)]["title"] == "<em>Carrot</em> cake"

    async def test_a_mistyped_word_marks_what_was_meant(self, stall: ISearch) -> None:
        (hit,) = (await stall.search(Search(text="creme friache"))).hits
        assert hit.highlight["title"] == "<em>Crème</em> <em>fraîche</em>"

    async def test_text_is_escaped_so_that_only_the_marks_are_html(self, stall: ISearch) -> None:
        (hit,) = (await stall.search(Search(text="sugar"))).hits
        assert hit.highlight["text"].startswith("&lt;b&gt;Fruit &amp; <em>sugar</em>&lt;/b&gt;, nothing else.")
        assert "title" not in hit.highlight

    # --- rules of the market's staff ---

    @pytest.mark.parametrize(
        ("text", "rules", "expected"),
        [("courgette", Rules(((("courgette",), ("zucchini",)),)), ["Zucchini"]),
         ("fresh cream", Rules(((("fresh", "cream"), ("creme", "fraiche")),)), ["Crème fraîche"]),
         ("courgette organic", Rules(((("courgette",), ("tomatoes",)), (("organic",),))), ["Tomatoes"]),
         ("courgete", Rules(((("courgete",), ("no", "such", "thing")),)), [])],
    )  # fmt: skip
    async def test_words_that_mean_the_same_find_each_other_by_their_stem(
        self, stall: ISearch, text: str, rules: Rules, expected: list[str]
    ) -> None:
        found = await stall.search(Search(text=text, rules=rules))
        assert titles(found) == expected
        assert all("<em>" in hit.highlight["title"] for hit in found.hits)

    async def test_a_synonym_does_not_spoil_typing_errors_in_the_other_words(self, stall: ISearch) -> None:
        rules = Rules(((("violet",), ("purple",)), (("carots",),)))
        assert "Purple carrots" in titles(await stall.search(Search(text="violet carots", rules=rules)))

    async def test_pins_come_first_in_their_order_whether_or_not_they_have_the_words(self, stall: ISearch) -> None:
        rules = Rules(pins=(id_of(8), id_of(4), id_of(1)))
        found = await stall.search(Search(text="carrots", rules=rules))
        assert titles(found)[:3] == ["Strawberry jam", "Potatoes", "Carrots"]
        assert {"Purple carrots", "Carrot cake"} <= set(titles(found)[3:]) and len(found.hits) == 5
        assert titles(await stall.search(Search(rules=rules)))[:3] == ["Strawberry jam", "Potatoes", "Carrots"]

    @pytest.mark.parametrize("text", ["carrots", "purpel carots", "zucchini cake", "potatoes", "xqzzt potatoes"])
    async def test_a_pin_changes_no_count_and_none_of_what_the_words_find(self, stall: ISearch, text: str) -> None:
        """Neither the total and the facets, nor whether typing errors are thought of, or any of the words is enough."""
        bare = await stall.search(Search(text=text))
        for pins in ((id_of(6),), (id_of(4),), (id_of(6), id_of(4), id_of(2))):
            pinned = await stall.search(Search(text=text, rules=Rules(pins=pins)))
            assert [hit.id for hit in pinned.hits][: len(pins)] == list(pins)
            assert [hit.id for hit in pinned.hits if hit.id not in pins] == [
                hit.id for hit in bare.hits if hit.id not in pins
            ]
            assert (pinned.total, pinned.facets) == (bare.total, bare.facets)
        nothing = await stall.search(Search(text="xqzzt", rules=Rules(pins=(id_of(6),))))
        assert (titles(nothing), nothing.total) == (["Crème fraîche"], 1), (
            "a page with something never says that there is nothing"
        )

    async def test_pins_are_only_what_fits_the_filters_and_is_there(self, stall: ISearch) -> None:
        rules = Rules(pins=(id_of(99), id_of(8), id_of(4), id_of(7)))
        found = await stall.search(Search(text="carrots", in_stock=True, farm="hill-farm", rules=rules))
        assert titles(found) == ["Strawberry jam", "Carrot cake"]

    async def test_pins_are_nothing_when_something_else_is_sorted_by(self, stall: ISearch) -> None:
        by_price = Search(text="carrots", sort="-price", rules=Rules(pins=(id_of(1), id_of(4))))
        assert titles(await stall.search(by_price)) == titles(await stall.search(attrs.evolve(by_price, rules=Rules())))

    async def test_pages_of_a_query_with_pins_are_whole(self, stall: ISearch) -> None:
        question = Search(
            limit=2, rules=Rules(pins=(id_of(8), id_of(4), id_of(1)), boosts=(Boost("tag", ("organic",), 3.0),))
        )
        ids = await everything(stall, question)
        assert ids[:3] == [id_of(8), id_of(4), id_of(1)] and sorted(ids) == [document.id for document in STALL]

    @pytest.mark.parametrize(
        "boost",
        [
            Boost("category", ("x", "bakery"), 5.0),
            Boost("farm", ("hill-farm",), 5.0),
            Boost("tag", ("sunday", "y"), 5.0),
        ],
    )
    async def test_what_is_boosted_counts_more_for_the_query(self, search: ISearch, boost: Boost) -> None:
        cake = product(2, "Sweet carrot cake", category="bakery", farm="hill-farm", tags=("sunday", "y", "z"))
        await search.index([product(1, "Carrot", category="vegetables", tags=("roots",)), cake])
        assert [hit.id for hit in (await search.search(Search(text="carrot"))).hits] == [id_of(1), id_of(2)]
        boosted = (await search.search(Search(text="carrot", rules=Rules(boosts=(boost,))))).hits
        assert [hit.id for hit in boosted] == [id_of(2), id_of(1)]
        less = attrs.evolve(boost, factor=0.5)
        twice = (await search.search(Search(text="carrot", explain=True, rules=Rules(boosts=(boost, less))))).hits
        assert {reason.times for hit in twice for reason in hit.reasons if hit.id == id_of(2)} == {1.0, 2.5}

    # --- ranking ---

    async def test_what_can_be_bought_comes_first_of_what_fits_as_well(self, search: ISearch) -> None:
        await search.index([
            product(1, "Beets", in_stock=False, popularity=1000.0, rating=5.0), product(2, "Old beets", fresh_at=NOON - timedelta(days=300)),
            product(3, "Beats"),
        ])  # fmt: skip
        assert [hit.id for hit in (await search.search(Search(text="beets"))).hits] == [id_of(2), id_of(1), id_of(3)]
        assert [hit.id for hit in (await search.search(Search())).hits][-1] == id_of(1)

    @pytest.mark.parametrize(
        ("better", "question"),
        [({"fresh_at": NOON}, {}), ({"rating": 4.5}, {}), ({"popularity": 30.0}, {}), ({"latitude": 48.0, "longitude": 11.1}, {"near": (48.0, 11.0)}),
         ({"title": "Honey"}, {}), ({"title": "Honey acacia white"}, {"text": "acacia honey", "rules": Rules(((("acacia",), ("white",)), (("honey",),)))})],
    )  # fmt: skip
    async def test_each_factor_puts_the_better_one_first(
        self, search: ISearch, better: dict[str, Any], question: dict[str, Any]
    ) -> None:
        worse = {
            "title": "Honey of acacia blossoms",
            "fresh_at": NOON - timedelta(days=30),
            "rating": 2.0,
            "latitude": 50.0,
            "longitude": 11.0,
        }
        await search.index([product(1, **worse), product(2, **{**worse, **better})])
        assert [hit.id for hit in (await search.search(Search(**{"text": "honey", **question}))).hits] == [
            id_of(2),
            id_of(1),
        ]

    @pytest.mark.parametrize("code", ["AB-12/x", "ab12X", " ab 12 x "])
    async def test_a_product_is_found_by_its_number_and_by_no_part_of_it(self, search: ISearch, code: str) -> None:
        await search.index(
            [
                product(1, "Honey", codes=("AB12-X", "4006381333931")),
                product(2, "Jam", text="AB 12 x", popularity=99.0),
                product(3, "Bread", codes=("AB12",)),
            ]
        )
        assert (await search.search(Search(text=code))).hits[0].id == id_of(1)
        assert [hit.id for hit in (await search.search(Search(text="4006381333931"))).hits] == [id_of(1)]
        assert (await search.search(Search(text="400638"))).total == 0

    async def test_ingredients_and_origin_are_found_after_titles_and_not_shown(self, search: ISearch) -> None:
        await search.index([product(1, "Cake", also="Normandy\nhazelnuts, sugar"), product(2, "Hazelnuts")])
        found = await search.search(Search(text="hazelnuts"))
        assert [hit.id for hit in found.hits] == [id_of(2), id_of(1)] and found.hits[1].highlight == {}
        assert (await search.search(Search(text="normandy"))).hits[0].id == id_of(1)

    @pytest.mark.parametrize(
        ("free", "left"), [(("nuts",), {2, 3}), (("milk",), {1, 3}), (("nuts", "milk"), {3}), (("fish",), {1, 2, 3})]
    )
    async def test_what_is_to_be_free_of_several_has_none_of_them(
        self, search: ISearch, free: tuple[str, ...], left: set[int]
    ) -> None:
        await search.index(
            [
                product(1, "Cake", allergens=("nuts", "eggs")),
                product(2, "Cream", allergens=("milk",)),
                product(3, "Carrots"),
            ]
        )
        found = await search.search(Search(free_from=free))
        assert {hit.id for hit in found.hits} == {id_of(n) for n in left}
        assert found.facets["farm"][0].count == found.total == len(left)

    async def test_nothing_is_too_old_to_be_found_and_no_boosts_come_before_a_pin(self, search: ISearch) -> None:
        await search.index(
            [
                product(1, "Carrots", tags=("a",), fresh_at=datetime(1, 1, 1, tzinfo=UTC)),
                product(2, "Carrots", fresh_at=NOON),
                product(3, "Carrots", fresh_at=NOON - timedelta(days=2)),
            ]
        )
        assert [hit.id for hit in (await search.search(Search(text="carrots"))).hits] == [id_of(2), id_of(3), id_of(1)]
        boosts = tuple(Boost("tag", ("a",), 10.0) for _ in range(20))
        for pins, first in (((), 1), ((id_of(3),), 3)):
            found = await search.search(Search(text="carrots", rules=Rules((), pins, boosts)))
            assert found.hits[0].id == id_of(first) and found.total == 3

    @pytest.mark.parametrize(
        ("benefit", "left"), [((), {1, 2, 3}), (("snap",), {1, 2}), (("wic",), {2}), (("wic", "snap"), {1, 2}), (("senior_fmnp",), set())]
    )  # fmt: skip
    async def test_farms_that_take_a_benefit_programme_are_found_by_it(
        self, search: ISearch, benefit: tuple[str, ...], left: set[int]
    ) -> None:
        await search.index(
            [
                product(1, "Cake", benefits=("snap",)),
                product(2, "Cream", benefits=("snap", "wic")),
                product(3, "Carrots"),
            ]
        )
        found = await search.search(Search(benefit=benefit))
        assert {hit.id for hit in found.hits} == {id_of(n) for n in left} and found.total == len(left)

    @pytest.mark.parametrize(
        "question",
        [Search(), Search(text="carrots"), Search(text="purpel carots"), Search(text="carrot organic xqzzt"), Search(text="SKU-7", near=(48.0, 11.0)),
         Search(text="purple carrots", near=(48.0, 11.0), sort="price"), Search(text="jam"), Search(farm="hill-farm", near=(48.0, 11.0), text="cake"),
         Search(text="courgette cake", rules=Rules(((("courgette",), ("zucchini",), ("carrot",)), (("cake",),)), (id_of(8), id_of(4)),
                (Boost("tag", ("organic", "heirloom"), 3.0), Boost("farm", ("hill-farm",), 0.5))))],
    )  # fmt: skip
    async def test_the_reasons_of_a_hit_sum_up_to_its_score(self, search: ISearch, question: Search) -> None:
        placed = [
            attrs.evolve(document, latitude=48.0 + n / 10, longitude=11.0, rating=n / 2, popularity=7.0 * n, codes=(f"SKU{n}",), fresh_at=NOON - timedelta(days=n))
            for n, document in enumerate(STALL)
        ]  # fmt: skip
        await search.index(placed)
        plain, found = await search.search(question), await search.search(attrs.evolve(question, explain=True))
        assert [(hit.id, hit.reasons) for hit in plain.hits] == [(hit.id, ()) for hit in found.hits] and found.hits
        for hit in found.hits:
            assert sum(reason.points * reason.times for reason in hit.reasons) == pytest.approx(hit.score, abs=2e-4), (
                hit
            )
            assert {reason.factor for reason in hit.reasons} <= {*FACTORS, "pin"}
            points = {reason.factor: reason.points for reason in hit.reasons}
            assert all(0 <= points[name] <= FACTORS[name].most * 1.001 for name in points if name != "pin"), hit
            assert ("stock" in points) is (hit.id != id_of(4)) and points["rating"] > 0
            assert question.near is None or points["distance"] > 0

    # --- documents ---

    async def test_the_body_comes_back_as_it_was_given(self, search: ISearch) -> None:
        body = {"slug": "x", "nested": {"a": [1, 2.5, None, True, "é\"'\\"]}}
        await search.index([product(1, "Honey", body=body)])
        (hit,) = (await search.search(Search(text="honey"))).hits
        assert (hit.id, hit.kind, hit.body) == (id_of(1), "product", body)

    @pytest.mark.parametrize("text", ["4006381333932", "4006 3813 33932", "SKU-9", "sku9", "erp/12", "AB13", "2027"])
    async def test_a_number_that_nothing_has_finds_nothing(self, search: ISearch, text: str) -> None:
        """Neither what has another one, nor what has a part of it: another number is another thing."""
        stock = [
            product(1, "Honey", codes=("4006381333931", "SKU-8"), text="Sku 8, of the erp, in 2026."),
            product(2, "Bread", codes=("AB12", "erp/11"), text="Ab 12, 4006 grams, sku."),
        ]
        await search.index(stock)
        found = await search.search(Search(text=text))
        assert (found.hits, found.total) == ((), 0)
        for words, id in (("SKU-8", 1), ("4006 3813 33931", 1), ("erp/11", 2), ("honney 2027", 1)):
            assert [hit.id for hit in (await search.search(Search(text=words))).hits][:1] == [id_of(id)], words

    @pytest.mark.parametrize("order", [(1, 2), (2, 1), (2, 2)])
    async def test_an_older_version_never_replaces_a_newer_one(self, search: ISearch, order: tuple[int, int]) -> None:
        for version in order:
            await search.index([product(1, {1: "Honey", 2: "Mead"}[version], version=version)])
        assert (await search.search(Search(text="mead"))).total == 1
        assert (await search.search(Search(text="honey"))).total == 0

    async def test_of_two_versions_in_one_batch_the_newer_counts(self, search: ISearch) -> None:
        await search.index([product(1, "Mead", version=3), product(1, "Honey", version=2)])
        assert (await search.search(Search(text="mead"))).total == 1

    async def test_what_is_removed_is_not_found_and_an_older_version_does_not_bring_it_back(
        self, search: ISearch
    ) -> None:
        await search.index([product(1, "Honey", version=1)])
        await search.index([product(1, "Honey", version=3, removed=True)])
        await search.index([product(1, "Honey", version=2)])
        assert (await search.search(Search())).total == 0
        assert (await search.search(Search())).facets["farm"] == ()
        assert await search.suggest("hon") == ()
        await search.index([product(1, "Honey", version=4)])
        assert (await search.search(Search())).total == 1

    async def test_nothing_to_index_is_nothing(self, search: ISearch) -> None:
        await search.index([])

    # --- suggestions ---

    async def test_suggestions_are_titles_farms_and_categories_that_begin_so(self, stall: ISearch) -> None:
        assert set(await stall.suggest("p")) == {
            Suggestion("Potatoes", "product", "p4", id_of(4), 1), Suggestion("Purple carrots", "product", "p2", id_of(2), 1),
            Suggestion("Pantry", "category", "pantry"),
        }  # fmt: skip
        assert Suggestion("Hill Farm", "farm", "hill-farm") in await stall.suggest("Hill")

    @pytest.mark.parametrize("prefix", ["crem", "CRÈM", "crème fr", " Creme  FR"])
    async def test_suggestions_disregard_case_and_accents(self, stall: ISearch, prefix: str) -> None:
        assert [s.text for s in await stall.suggest(prefix)] == ["Crème fraîche"]

    async def test_a_word_inside_a_name_is_found_after_names_that_begin_so(self, stall: ISearch) -> None:
        found = [s.text for s in await stall.suggest("carr")]
        assert set(found[:2]) == {"Carrots", "Carrot cake"} and found[2:] == ["Purple carrots"]

    async def test_a_name_is_suggested_once_however_many_have_it_and_never_more_than_the_limit(
        self, search: ISearch
    ) -> None:
        await search.index([product(n, f"Honey {n % 15}") for n in range(1, 46)])
        found = await search.suggest("honey")
        assert len(found) == len({s.text for s in found}) == 10
        assert len(await search.suggest("hon", 3)) == 3

    @pytest.mark.parametrize("prefix", ["hon", "acac"])
    async def test_of_a_title_that_many_have_the_one_that_sells_best_is_suggested_and_how_many_there_are(
        self, search: ISearch, prefix: str
    ) -> None:
        """Whether the title begins so or has a word inside that does."""
        sold = {1: 3.0, 2: 70.0, 3: 12.0, 4: 70.0, 5: 0.0}
        await search.index([
            *(product(n, "Honey acacia", popularity=sales, farm=f"farm-{n}") for n, sales in sold.items()),
            product(6, "HÓNEY Acacia", popularity=71.0), product(7, "Honey acacia", popularity=99.0, removed=True),
            product(8, "Honey acacia cake", popularity=500.0),
        ])  # fmt: skip
        assert set(await search.suggest(prefix)) == {
            Suggestion("HÓNEY Acacia", "product", "p6", id_of(6), 6),
            Suggestion("Honey acacia cake", "product", "p8", id_of(8), 1),
        }
        await search.index([product(6, "Salt", version=2)])
        assert Suggestion("Honey acacia", "product", "p2", id_of(2), 5) in await search.suggest(prefix)

    @pytest.mark.parametrize("prefix", ["", " ", "zz", "🥕"])
    async def test_no_name_no_suggestion(self, search: ISearch, prefix: str) -> None:
        await search.index(STALL)
        assert tuple(await search.suggest(prefix)) == ()

    # --- rebuilding ---

    async def test_a_rebuild_holds_exactly_what_it_was_given(self, search: ISearch) -> None:
        await search.index([*STALL, product(50, "Ghost")])
        told: list[int] = []
        renamed = [attrs.evolve(d, title=d.title + " renewed") for d in STALL]
        assert await search.rebuild(pages(renamed, 3), told.append) == 8
        assert told[-1] == 8 and told == sorted(told)
        found = await search.search(Search(text="renewed"))
        assert found.total == 8, "documents of the same version are written anew"
        assert (await search.search(Search(text="ghost"))).total == 0
        assert (await search.search(Search())).total == 8

    async def test_searches_are_answered_while_it_is_rebuilt(self, search: ISearch) -> None:
        await search.index(STALL)
        totals = []

        async def watching(after: str | None, size: int) -> Sequence[Document]:
            totals.append((await search.search(Search())).total)
            return await pages(STALL, 2)(after, size)

        await search.rebuild(watching, lambda count: None)
        assert set(totals) == {8} and len(totals) == 5

    async def test_what_is_indexed_during_a_rebuild_keeps_its_newer_version(self, search: ISearch) -> None:
        await search.index(STALL)

        async def slow(after: str | None, size: int) -> Sequence[Document]:
            page = await pages(STALL, 8)(after, size)
            if after is None:
                await search.index([product(1, "Parsnips", version=2), product(60, "Fresh arrival")])
            return page

        await search.rebuild(slow, lambda count: None)
        assert (await search.search(Search(text="parsnips"))).total == 1
        assert (await search.search(Search(text="arrival"))).total == 1

    async def test_a_rebuild_from_what_lags_behind_loses_nothing_newer(self, search: ISearch) -> None:
        await search.index([product(1, "Parsnips", version=2)])
        await search.rebuild(pages(STALL, 100), lambda count: None)
        assert (await search.search(Search(text="parsnips"))).total == 1
        assert (await search.search(Search())).total == 8

    async def test_a_rebuild_that_fails_leaves_what_was_there(self, search: ISearch) -> None:
        await search.index(STALL)

        async def failing(after: str | None, size: int) -> Sequence[Document]:
            if after is not None:
                raise RuntimeError("the source is gone")
            return STALL[:2]

        with pytest.raises(RuntimeError):
            await search.rebuild(failing, lambda count: None)
        assert (await search.search(Search())).total == 8


def pages(documents: Sequence[Document], most: int) -> Callable[[str | None, int], Awaitable[Sequence[Document]]]:
    """A source that answers pages of at most ``most``, in id order."""

    async def page(after: str | None, size: int) -> Sequence[Document]:
        rest = [d for d in sorted(documents, key=lambda d: d.id) if after is None or d.id > after]
        return rest[: min(size, most)]

    return page
