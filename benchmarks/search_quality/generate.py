"""``python -m benchmarks.search_quality.generate``: writes the judged queries, half of each kind to be tuned by and half held out."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator

import msgspec

from benchmarks.search_quality.catalogue import ALLERGENS, FRENCH, FRENCH_FARMS, documents, markets
from benchmarks.search_quality.judging import HELD_OUT, TUNED, Query, grade
from harvestd.loading.synthetic import words
from harvestd.loading.synthetic.words import Good

PARENTS = {slug: parent for slug, _, parent in words.CATEGORIES}
#: Goods with so many names of farms, and so many that are to be without something.
BRANDS = 40


def _wanted(good: Good, **more: list[str]) -> dict[str, list[str]]:
    names = [good.name, *([FRENCH[good.name]] if good.name in FRENCH else [])]
    parent = PARENTS[good.category]
    return {"names": names, "categories": [good.category, *([parent] if parent else [])], **more}


def _one(name: str) -> str:
    """A singular of English."""
    for plural, singular in (("ies", "y"), ("toes", "to"), ("ches", "ch"), ("shes", "sh"), ("ss", "ss"), ("s", "")):
        if name.endswith(plural):
            return name[: -len(plural)] + singular
    return name


def _mistyped(text: str, chance: random.Random) -> str:
    """The longest word with two letters in each other's place, one left out, or one twice."""
    word = max(text.split(), key=len)
    at = chance.randrange(1, len(word) - 1)
    wrong = chance.choice(
        (word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :], word[: at + 1] + word[at:])
    )
    return text.replace(word, wrong, 1)


def _plain(text: str) -> str:
    """Without accents, as people type."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.replace("œ", "oe")) if not unicodedata.combining(c))


def made() -> Iterator[Query]:
    """All queries."""
    chance = random.Random(8)
    for good in words.GOODS:
        yield Query(good.name, "plural", **_wanted(good))
        if _one(good.name) != good.name:
            yield Query(_one(good.name), "singular", **_wanted(good))
        if len(max(good.name.split(), key=len)) > 4:
            yield Query(_mistyped(good.name, chance), "typing error", **_wanted(good))
        variety = chance.choice(good.varieties)
        yield Query(f"{variety} {good.name}".lower(), "two words", **_wanted(good, also=[variety]))
        if good.name in FRENCH:
            yield Query(FRENCH[good.name], "French", names=[FRENCH[good.name]], categories=_wanted(good)["categories"])
            plain = _plain(FRENCH[good.name]).removesuffix("s")
            yield Query(
                plain.capitalize(),
                "French, carelessly",
                names=[FRENCH[good.name]],
                categories=_wanted(good)["categories"],
            )
        for allergen in ALLERGENS.get(good.name, ())[:1]:
            yield Query(f"{_one(good.name)} with {allergen}", "allergen", **_wanted(good))
    offered = [document for document in documents() if document.farm_name not in FRENCH_FARMS]
    by_name = {good.name: good for good in words.GOODS}
    brands = {market.name.split()[0] for market in markets()}
    for document in chance.sample(offered, len(offered)):
        named = by_name.get(document.title.split()[-1].lower())
        brand = document.farm_name.split()[0]
        if named is not None and brand in brands:
            brands.remove(brand)
            yield Query(f"{brand} {named.name}", "brand", **_wanted(named, also=[brand]))


def main() -> None:
    """Write the two files."""
    whole = documents()
    found = [query for query in made() if any(grade(query, document) == 3 for document in whole)]
    kinds: dict[str, list[Query]] = {}
    for query in {query.text.lower(): query for query in found}.values():
        kinds.setdefault(query.kind, []).append(query)
    chance = random.Random(9)
    halves: tuple[list[Query], list[Query]] = ([], [])
    for several in kinds.values():
        for number, query in enumerate(chance.sample(several, len(several))):
            halves[number % 2].append(query)
    for path, half in zip((TUNED, HELD_OUT), halves, strict=True):
        lines = ",\n".join(msgspec.json.encode(query).decode() for query in half)
        path.write_text(f"[\n{lines}\n]\n")
        print(f"{path.name}: {len(half)} queries")


if __name__ == "__main__":
    main()
