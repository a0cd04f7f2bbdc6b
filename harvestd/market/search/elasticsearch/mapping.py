"""The mapping of the index of products: its fields and their analysis.

Text is split into words here (``search/text.py``: lower case, without accents), as for PostgreSQL's search; the engine adds only
stemming and stop words, with its own analyzer of the language. An engine without language analyzers works with ``none``.

Fields hold words (``*_words``), with the sub-fields ``typed`` (with stop words removed, not stemmed: for typo tolerance) and
``plain`` (every word: for suggestions), whole names (``*_key``), and values to filter, count and sort by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harvestd.market.search.postgres.rows import NONE

#: The version of the mapping; an index of another version is rebuilt.
FORMAT = 5
#: Analyzers of Elasticsearch and OpenSearch, and their stop words, by the language's name, which PostgreSQL uses too.
LANGUAGES = {
    name: f"_{name}_"
    for name in (
        "arabic", "armenian", "basque", "bengali", "bulgarian", "catalan", "czech", "danish", "dutch", "english", "estonian",
        "finnish", "french", "galician", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian", "latvian",
        "lithuanian", "norwegian", "persian", "portuguese", "romanian", "russian", "sorani", "spanish", "swedish", "turkish",
        "thai",
    )
}  # fmt: skip
#: The engine's limit for one value is 32,766 bytes; longer values are stored, but not indexed.
LONGEST = 1_000


def about(language: str, others: Mapping[str, str] = NONE) -> dict[str, Any]:
    """The metadata of an index; if it differs, the index is of another version, or of other languages."""
    more = {"harvest_others": dict(others)} if others else {}
    return {"harvest_format": FORMAT, "harvest_language": language, **more}


def template(pattern: str, language: str, others: Mapping[str, str] = NONE) -> dict[str, Any]:
    """The index template, which applies to every index whose name fits the pattern; texts in the ``others`` of the market's languages have fields of their
    own, by their tags."""
    return {
        "index_patterns": [pattern],
        "priority": 200,
        "template": {"settings": _settings(language, others), "mappings": _mappings(language, others)},
    }


def _settings(language: str, others: Mapping[str, str]) -> dict[str, Any]:
    analysis: dict[str, Any] = {"analyzer": {"typed": {"type": "standard"}, "stems": {"type": "standard"}}}
    if language in LANGUAGES:
        typed = {"type": "custom", "tokenizer": "standard", "filter": ["unwanted"]}
        analysis["filter"] = {"unwanted": {"type": "stop", "stopwords": LANGUAGES[language]}}
        analysis["analyzer"] = {"typed": typed, "stems": {"type": language}}
    for tag, name in others.items():
        analysis["analyzer"][f"stems_{tag}"] = {"type": name if name in LANGUAGES else "standard"}
    return {
        "index": {"number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "500ms"},
        "analysis": analysis,
    }


def _others(others: Mapping[str, str]) -> dict[str, Any]:
    """The fields of texts in other languages: the title's words, the category's, the text's, and those of all."""
    found: dict[str, Any] = {}
    for tag in others:
        words = {"type": "text", "analyzer": f"stems_{tag}", "norms": False}
        found[f"words_{tag}"] = words
        found |= {f"{part}_{tag}": {**words, "copy_to": [f"words_{tag}"]} for part in ("title", "label", "text")}
    return found


def _mappings(language: str, others: Mapping[str, str]) -> dict[str, Any]:
    key = {"type": "keyword", "ignore_above": LONGEST}
    kept = {"type": "text", "index": False}
    words: dict[str, Any] = {
        "type": "text", "analyzer": "stems", "norms": False, "fields": {"typed": {"type": "text", "analyzer": "typed", "norms": False}},
    }  # fmt: skip
    found = {**words, "copy_to": ["words"]}
    plain = {"type": "text", "analyzer": "standard", "norms": False}
    name = {**found, "fields": {**words["fields"], "plain": plain}}
    return {
        "_meta": about(language, others),
        "dynamic": False,
        "properties": {
            "kind": key, "id": key, "version": {"type": "long"}, "removed": {"type": "boolean"}, "title": kept, "shown": kept, "farm_name": kept,
            "category_name": kept, "body": {"type": "object", "enabled": False},
            "words": words, "title_words": name, "label_words": found, "farm_words": name, "text_words": found,
            "title_key": key, "farm_key": key, "category_key": key,
            "category": key, "farm": key, "tags": key, "unit": key, "price": {"type": "long"},
            "in_stock": {"type": "boolean"}, "allergens": key, "benefits": key, "codes": key, "season": key, "season_from": key, "season_to": key,
            "popular": {"type": "float"}, "liked": {"type": "float"}, "brief": {"type": "float"}, "sales": {"type": "double"}, "rating": {"type": "float"}, "location": {"type": "geo_point"}, "fresh_at": {"type": "date"},
            **_others(others),
        },
    }  # fmt: skip
