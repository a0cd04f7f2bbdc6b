"""What both engines find of texts in other languages. A module that subclasses :class:`Translated` gives the fixture ``search``, in English, French and
German, with :data:`TEXTS`."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.interfaces import Search
from tests.contracts.search import product

TEXTS = (
    product(1, "Horses", text="From the hill.", texts={"fr": ("Chevaux", "De la colline."), "de": ("Pferde", "")},
            body={"slug": "p1", "texts": {"fr": ["Chevaux", "De la colline."]}}),
    product(2, "Cabbage", text="Green and round.", texts={"de": ("Kohlköpfe", "Grün und rund, für jeden Tag.")}),
    product(3, "Apples", category="fruit", category_name="Fruit", category_names={"de": "Früchte des Waldes", "fr": "Fruitiers", "it": "Frutti"}),
)  # fmt: skip


class Translated:
    """The sentences, one test each."""

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("horse", [1]), ("chevaux", [1]), ("cheval", [1]), ("colline", [1]), ("pferde", [1]), ("pferd", [1]), ("kohlkopf", [2]),
            ("grüner kohlkopf", [2]), ("chevauxx", [1]), ("apple", [3]), ("poneys", []),
            ("frucht", [3]), ("früchte", [3]), ("FRUCHTE", [3]), ("wald", [3]), ("fruitier", [3]), ("apples wald", [3]), ("wäldes", [3]), ("gemüse", []),
        ],
    )  # fmt: skip
    async def test_words_are_found_in_any_form_of_their_language(
        self, search: Any, text: str, found: list[int]
    ) -> None:
        hits = (await search.search(Search(text=text))).hits
        assert [int(hit.id[-12:], 16) for hit in hits] == found, text

    async def test_a_title_counts_as_a_title_in_any_language(self, search: Any) -> None:
        scores = [(await search.search(Search(text=text))).hits[0].score for text in ("horses", "chevaux", "colline")]
        assert scores[2] < scores[1] <= scores[0]

    async def test_the_category_counts_as_a_category_in_any_language(self, search: Any) -> None:
        scores = [(await search.search(Search(text=text))).hits[0].score for text in ("apples", "fruit", "fruchte")]
        assert max(scores[1:]) < scores[0]

    async def test_a_match_is_shown_in_the_language_that_is_asked_for(self, search: Any) -> None:
        (hit,) = (await search.search(Search(text="chevaux", language="fr"))).hits
        assert hit.highlight["title"] == "<em>Chevaux</em>"
        (hit,) = (await search.search(Search(text="horses", language="es"))).hits
        assert hit.highlight["title"] == "<em>Horses</em>", "as it is, without words in that one"
